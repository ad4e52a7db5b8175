// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/multistep/commonsteps"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// StepProvision runs Packer's provisioners, and the error-cleanup-provisioner
// if they or a later step failed. Nothing that their commands started outlives
// either: Packer does not tell a builder when a provisioner has run into its
// timeout, so what still runs is ended here.
//
// The name is what -on-error=run-cleanup-provisioner looks for.
type StepProvision struct {
	build *pipeline.Build
	inner commonsteps.StepProvision
}

// Run runs the provisioners.
func (s *StepProvision) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	// An attempt before this one may have failed ("ask", then "retry").
	state.Remove("error")
	action, err := s.withTree(state, func() multistep.StepAction { return s.inner.Run(ctx, state) })
	if cancelled(ctx, state) {
		// Whether Packer's step saw the end of a provisioner or the
		// cancelling first is chance; it is the latter that happened.
		state.Remove("error")
		return multistep.ActionHalt
	}
	if failed, ok := state.Get("error").(error); ok {
		err = errors.Join(failed, err)
	}
	if err != nil {
		return act(state, err)
	}
	return action
}

// cancelTime is how much later than a provisioner this step may be told.
const cancelTime = 2 * time.Second

// cancelled tells whether the build was cancelled. A provisioner may know it
// first: its error has come through RPC and is but a text.
func cancelled(ctx context.Context, state multistep.StateBag) bool {
	failed, _ := state.Get("error").(error)
	if failed == nil || !strings.Contains(failed.Error(), context.Canceled.Error()) {
		return ctx.Err() != nil
	}
	select {
	case <-ctx.Done():
		return true
	case <-time.After(cancelTime):
		return false
	}
}

// Cleanup runs the error-cleanup-provisioner after a failure, on whatever
// there is of the tree, and ends the time of the provisioners.
func (s *StepProvision) Cleanup(state multistep.StateBag) {
	ctx, ui := context.Background(), state.Get("ui").(packersdk.Ui)
	_, failed := state.GetOk("error")
	_, stopped := state.GetOk(multistep.StateCancelled)
	if failed && !stopped {
		s.afterFailure(ctx, ui, state)
	}
	if err := s.build.EndGuest(ctx); err != nil {
		ui.Error(fmt.Sprintf("Ending what provisioners left running: %s", err))
	}
}

func (s *StepProvision) afterFailure(ctx context.Context, ui packersdk.Ui, state multistep.StateBag) {
	if err := s.build.Reopen(ctx); err != nil {
		ui.Say(fmt.Sprintf("An error-cleanup-provisioner cannot run: %s", err))
		return
	}
	_, err := s.withTree(state, func() multistep.StepAction {
		s.inner.Cleanup(state)
		return multistep.ActionContinue
	})
	if err != nil {
		ui.Error(err.Error())
	}
}

// withTree gives provisioners access to the tree for the time of a call. When
// it has returned nothing that they started there is left.
func (s *StepProvision) withTree(state multistep.StateBag, run func() multistep.StepAction) (multistep.StepAction, error) {
	g := newGate(state.Get("communicator").(packersdk.Communicator))
	s.inner.Comm = g
	action := run()
	// What was cancelled has to end all the more.
	if err := g.shut(context.Background(), s.build.KillGuest); err != nil {
		return action, fmt.Errorf("ending what provisioners left running: %w", err)
	}
	return action, nil
}
