// SPDX-License-Identifier: MPL-2.0

package element

import (
	"maps"
	"slices"
)

// topological orders the members of a set: dependencies first, otherwise by
// name. A dependency on a provided name is one on its provider.
func topological(members map[string]Element, provided map[string][]string) []Element {
	reach := reachability(members, provided)
	// An element may come when all that it still waits for waits for it, too.
	ready := func(name string, done map[string]bool) bool {
		for dep := range reach[name] {
			if !done[dep] && !reach[dep][name] {
				return false
			}
		}
		return true
	}
	names := slices.Sorted(maps.Keys(members))
	done := map[string]bool{}
	ordered := make([]Element, 0, len(names))
	for len(names) > 0 {
		i := slices.IndexFunc(names, func(name string) bool { return ready(name, done) })
		done[names[i]] = true
		ordered = append(ordered, members[names[i]])
		names = slices.Delete(names, i, i+1)
	}
	return ordered
}

// reachability maps each member to the members that it depends on, directly or not.
func reachability(members map[string]Element, provided map[string][]string) map[string]map[string]bool {
	reach := map[string]map[string]bool{}
	for name := range members {
		seen := map[string]bool{}
		todo := []string{name}
		for len(todo) > 0 {
			next := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for _, dep := range members[next].Deps {
				for _, target := range append([]string{dep}, provided[dep]...) {
					if _, ok := members[target]; ok && !seen[target] {
						seen[target] = true
						todo = append(todo, target)
					}
				}
			}
		}
		reach[name] = seen
	}
	return reach
}
