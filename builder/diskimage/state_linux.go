// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import "github.com/hashicorp/packer-plugin-sdk/multistep"

// resultKey is where the last step leaves the *pipeline.Result.
const resultKey = "result"

// act turns the outcome of an engine call into a step's.
func act(state multistep.StateBag, err error) multistep.StepAction {
	if err != nil {
		state.Put("error", err)
		return multistep.ActionHalt
	}
	// An attempt before this one may have failed ("ask", then "retry").
	state.Remove("error")
	return multistep.ActionContinue
}
