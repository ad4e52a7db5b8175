// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepPrepare makes the build's workspace.
type stepPrepare struct{ build *pipeline.Build }

func (s *stepPrepare) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.build.Prepare(ctx))
}

func (s *stepPrepare) Cleanup(multistep.StateBag) {}
