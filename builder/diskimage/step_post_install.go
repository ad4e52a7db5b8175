// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepPostInstall runs the phases after the provisioners and closes the tree.
type stepPostInstall struct{ build *pipeline.Build }

func (s *stepPostInstall) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.run(ctx))
}

func (s *stepPostInstall) Cleanup(multistep.StateBag) {}

func (s *stepPostInstall) run(ctx context.Context) error {
	if err := s.build.PostInstall(ctx); err != nil {
		return err
	}
	return s.build.CloseTree(ctx)
}
