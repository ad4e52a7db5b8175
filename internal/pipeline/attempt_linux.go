// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"fmt"
	"slices"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// attempts is what a build knows of how far it came, so that every method can
// be called again after it failed ("retry" of -on-error=ask): it goes on where
// it stopped. Hooks that succeeded do not run again, but for those of root.d,
// which start with an empty tree. Prepare begins from nothing.
type attempts struct {
	// done are the hooks that succeeded, by phase.
	done map[string]map[string]bool
	// begun are the methods that were called before.
	begun map[string]bool
	// entered tells that the hooks are visible in the tree, kernel that the
	// kernel's file systems are, guest that /run and /dev/shm are.
	entered, kernel, guest bool
	// encoded are the outputs that were written.
	encoded map[string]bool
	// stopped are the points of break at which the build has stopped.
	stopped map[string]bool
}

func newAttempts() attempts {
	return attempts{done: map[string]map[string]bool{}, begun: map[string]bool{}, encoded: map[string]bool{}, stopped: map[string]bool{}}
}

// succeeded notes a hook that need not run again.
func (a *attempts) succeeded(phase, name string) {
	if a.done[phase] == nil {
		a.done[phase] = map[string]bool{}
	}
	a.done[phase][name] = true
}

// left are the hooks of a phase that did not succeed yet.
func (a *attempts) left(phase string, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return a.done[phase][name] })
}

// begin tells whether a method runs again. Then the hooks that the user edited
// meanwhile, in their elements, are taken anew.
func (b *Build) begin(method string) (again bool, err error) {
	if !b.begun[method] {
		b.begun[method] = true
		return false, nil
	}
	changed, err := b.opt.Plan.Hooks.Refresh(b.dirs.hooks)
	for _, entry := range changed {
		b.opt.Report.Say(fmt.Sprintf("Using the changed %s [%s]", entry.Path, entry.Element))
	}
	if err != nil {
		return true, fmt.Errorf("taking changed hooks over: %w", err)
	}
	return true, nil
}

// hooksLeft says how many hooks of a phase are going to run.
func hooksLeft(phase hook.Phase, left, all int) string {
	if left == all {
		return fmt.Sprintf("%s: %s", phase.Name, count(all, "hook"))
	}
	return fmt.Sprintf("%s: %d of %s left", phase.Name, left, count(all, "hook"))
}
