// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// stepGuest readies the tree for Packer's provisioners.
//
// Produces: communicator, generated_data, instance_id.
type stepGuest struct {
	build *pipeline.Build
	data  func(*pipeline.Build) map[string]interface{}
}

func (s *stepGuest) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	guest, err := s.build.Guest(ctx)
	if err != nil {
		return act(state, err)
	}
	state.Put("communicator", &communicator{guest: guest})
	state.Put("generated_data", s.data(s.build))
	state.Put("instance_id", s.build.ID())
	return act(state, nil)
}

func (s *stepGuest) Cleanup(multistep.StateBag) {}
