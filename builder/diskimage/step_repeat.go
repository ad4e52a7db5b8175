// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepRepeat runs what provisioners registered to be done again at the end.
type stepRepeat struct{ build *pipeline.Build }

func (s *stepRepeat) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.build.Repeat(ctx))
}

func (s *stepRepeat) Cleanup(multistep.StateBag) {}
