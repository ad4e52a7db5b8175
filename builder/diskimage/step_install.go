// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepInstall runs the phases before the provisioners.
type stepInstall struct{ build *pipeline.Build }

func (s *stepInstall) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.build.Install(ctx))
}

func (s *stepInstall) Cleanup(multistep.StateBag) {}
