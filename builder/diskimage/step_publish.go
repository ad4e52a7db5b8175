// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepPublish writes the image files and moves them to their place.
//
// Produces: result.
type stepPublish struct{ build *pipeline.Build }

func (s *stepPublish) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	if err := s.build.Encode(ctx); err != nil {
		return act(state, err)
	}
	result, err := s.build.Publish(ctx)
	if err == nil {
		state.Put(resultKey, result)
	}
	return act(state, err)
}

func (s *stepPublish) Cleanup(multistep.StateBag) {}
