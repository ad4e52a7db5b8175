// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepEndGuest takes what the provisioners registered for the end, and ends what
// they left running and their mounts.
type stepEndGuest struct{ build *pipeline.Build }

func (s *stepEndGuest) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.run(ctx))
}

func (s *stepEndGuest) run(ctx context.Context) error {
	if err := s.build.TakeRegistered(); err != nil {
		return err
	}
	return s.build.EndGuest(ctx)
}

func (s *stepEndGuest) Cleanup(multistep.StateBag) {}
