// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// resultKey is where the last step leaves the *pipeline.Result.
const resultKey = "result"

// entranceKey holds a func() string for the way into the tree, if somebody is
// going to be asked what to do about a failure.
const entranceKey = "entrance"

// act turns the outcome of an engine call into a step's.
func act(state multistep.StateBag, err error) multistep.StepAction {
	if err != nil {
		state.Put("error", err)
		tellEntrance(state)
		return multistep.ActionHalt
	}
	// An attempt before this one may have failed ("ask", then "retry").
	state.Remove("error")
	return multistep.ActionContinue
}

// tellEntrance says how to look into the tree before the user is asked what to
// do: clean up, abort or retry.
func tellEntrance(state multistep.StateBag) {
	entrance, asking := state.Get(entranceKey).(func() string)
	_, cancelled := state.GetOk(multistep.StateCancelled)
	if asking && !cancelled {
		sayEntrance(state.Get("ui").(packersdk.Ui), entrance())
	}
}
