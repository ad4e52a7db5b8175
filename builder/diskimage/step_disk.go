// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepDisk makes the disk from the tree and mounts it.
type stepDisk struct{ build *pipeline.Build }

func (s *stepDisk) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.build.MakeDisk(ctx))
}

func (s *stepDisk) Cleanup(multistep.StateBag) {}
