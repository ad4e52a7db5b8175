// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepRoot runs root.d, which makes the tree.
type stepRoot struct{ build *pipeline.Build }

func (s *stepRoot) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return act(state, s.build.MakeRoot(ctx))
}

func (s *stepRoot) Cleanup(multistep.StateBag) {}
