// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepEndGuest ends what the provisioners left running and their mounts.
type stepEndGuest struct{ build *pipeline.Build }

func (s *stepEndGuest) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.build.EndGuest(ctx))
}

func (s *stepEndGuest) Cleanup(multistep.StateBag) {}
