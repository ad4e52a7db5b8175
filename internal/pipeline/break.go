// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// afterError is the point of the build that every failing hook leads to.
const afterError = "after-error"

// before and after are the points around a phase.
func before(phase hook.Phase) string { return "before-" + plainName(phase) }
func after(phase hook.Phase) string  { return "after-" + plainName(phase) }

// plainName is a phase's name without its ".d".
func plainName(phase hook.Phase) string { return strings.TrimSuffix(phase.Name, ".d") }

// ParseBreaks reads a value of the variable break (element contract §2.8): the
// points at which a build is to stop, with commas between them. Every name that
// is none gives an error; all of them are joined.
func ParseBreaks(value string) ([]string, error) {
	known := []string{afterError}
	var phases, points []string
	for _, phase := range hook.Phases() {
		known = append(known, before(phase), after(phase))
		phases = append(phases, plainName(phase))
	}
	var errs []error
	for point := range strings.SplitSeq(value, ",") {
		point = strings.TrimSpace(point)
		switch {
		case point == "" || slices.Contains(points, point):
		case slices.Contains(known, point):
			points = append(points, point)
		default:
			errs = append(errs, fmt.Errorf("%q is no point at which a build can stop%s; these are after-error, and before- and after- one of %s",
				point, nearest.Hint(point, known), strings.Join(phases, ", ")))
		}
	}
	return points, errors.Join(errs...)
}
