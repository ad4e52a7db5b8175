// SPDX-License-Identifier: MPL-2.0

package element

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// nearest lists up to three of names that the user may have meant by given:
// those few edits away first, then those of which it is a part between hyphens
// ("nocloud" of "cloud-init-nocloud").
func nearest(given string, names []string) []string {
	type candidate struct {
		name string
		cost int
	}
	limit := 1 + min(len(given)/5, 2)
	var near []candidate
	for _, name := range names {
		if hidden(name) || given == "" {
			continue
		}
		cost := levenshtein.Distance(given, name, nil)
		if cost > limit {
			if !strings.Contains("-"+name+"-", "-"+given+"-") {
				continue
			}
			cost += limit
		}
		near = append(near, candidate{name, cost})
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	var found []string
	for _, c := range near[:min(len(near), 3)] {
		found = append(found, c.name)
	}
	return found
}
