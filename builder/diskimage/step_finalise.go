// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepFinalise runs the phases that see the disk.
type stepFinalise struct{ build *pipeline.Build }

func (s *stepFinalise) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.build.Finalise(ctx))
}

func (s *stepFinalise) Cleanup(multistep.StateBag) {}
