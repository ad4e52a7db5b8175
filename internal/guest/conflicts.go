// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"fmt"
	"slices"
)

// conflicts tells of packages that one entry installs for good and another removes,
// for requests in the order of their elements. Pairs of which an entry is conditional
// are known only when hooks run; the plan tells of the others.
func conflicts(requests []request, conditional bool) []string {
	byName := map[string][]request{}
	var names []string
	for _, r := range requests {
		if byName[r.Package] == nil {
			names = append(names, r.Package)
		}
		byName[r.Package] = append(byName[r.Package], r)
	}
	var all []string
	for _, name := range names {
		for _, remover := range byName[name] {
			for _, keeper := range byName[name] {
				if (remover.conditional || keeper.conditional) != conditional {
					continue
				}
				if outcome := keeper.against(remover); outcome != "" {
					all = append(all, fmt.Sprintf("element %s: %s: package %s: %s by element %s (%s)",
						remover.Element, remover.where, name, outcome, keeper.Element, keeper.where))
				}
			}
		}
	}
	return all
}

// against says what becomes of r's package when another entry removes it, empty
// where nobody will be surprised. An element that removes in a later phase what it
// has installed means it.
func (r request) against(remover request) string {
	if r.uninstall || r.buildOnly || !remover.uninstall && !remover.buildOnly {
		return ""
	}
	installed := slices.Index(packagePhases[:], r.phase)
	removed := slices.Index(packagePhases[:], remover.phase)
	switch {
	case installed < 0 || removed < 0:
		return ""
	case installed == removed && !remover.buildOnly:
		return fmt.Sprintf("is not removed in %s, because it is installed there", r.phase)
	case installed < removed && r.Element != remover.Element:
		return fmt.Sprintf("is removed in %s, though it was installed in %s", remover.phase, r.phase)
	}
	return ""
}
