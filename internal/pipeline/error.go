// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"fmt"
	"strings"
)

// HookError says which hook failed and what it said last.
type HookError struct {
	// Phase and Name say which hook, Element where it came from ("" if it
	// appeared during the build), Path where it lies.
	Phase, Name, Element, Path string
	// Status is the hook's exit status.
	Status int
	// Sourcing is set if Name is an environment.d file that failed when sourced.
	Sourcing bool
	// Last are the last lines of the hook's output.
	Last []string
	// Hint is what the user can do, if anything is known.
	Hint string
}

// Error is a sentence about the hook, followed by its last lines.
func (e *HookError) Error() string {
	origin := ""
	if e.Element != "" {
		origin = fmt.Sprintf(" of element %q", e.Element)
	}
	what := fmt.Sprintf("hook %s/%s%s failed with exit status %d (%s)", e.Phase, e.Name, origin, e.Status, e.Path)
	if e.Sourcing {
		what = fmt.Sprintf("sourcing environment.d/%s%s for %s failed with exit status %d (%s)",
			e.Name, origin, e.Phase, e.Status, e.Path)
	}
	if e.Hint != "" {
		what += "; " + e.Hint
	}
	if len(e.Last) > 0 {
		what += "; its last lines were:\n    " + strings.Join(e.Last, "\n    ")
	}
	return what
}
