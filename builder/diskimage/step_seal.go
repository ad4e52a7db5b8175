// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepSeal writes the disk out and takes it apart; a failure fails the build.
type stepSeal struct{ build *pipeline.Build }

func (s *stepSeal) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.build.Seal(ctx))
}

func (s *stepSeal) Cleanup(multistep.StateBag) {}
