// SPDX-License-Identifier: MPL-2.0

package element

import (
	"path/filepath"
	"slices"
	"strings"
)

// Set is the elements of one image.
type Set struct {
	// Elements are in topological order (see the package comment).
	Elements []Element
	// Provided are the names that elements of the set stand in for, sorted.
	// None of them is in Elements.
	Provided []Provision
	// Warnings are notes on which version of an element serves.
	Warnings []string

	reasons map[string]Reason
}

// Names lists the elements in the order of the set.
func (s *Set) Names() []string {
	names := make([]string, len(s.Elements))
	for i, e := range s.Elements {
		names[i] = e.Name
	}
	return names
}

// Contains tells whether the element is in the set. Names that are only
// provided are not; see Provides.
func (s *Set) Contains(name string) bool {
	return slices.ContainsFunc(s.Elements, func(e Element) bool { return e.Name == name })
}

// Find returns the element of that name, and whether it is in the set.
func (s *Set) Find(name string) (Element, bool) {
	i := slices.IndexFunc(s.Elements, func(e Element) bool { return e.Name == name })
	if i < 0 {
		return Element{}, false
	}
	return s.Elements[i], true
}

// HasPrefix tells whether an element's name begins with prefix.
func (s *Set) HasPrefix(prefix string) bool {
	return slices.ContainsFunc(s.Elements, func(e Element) bool { return strings.HasPrefix(e.Name, prefix) })
}

// Provides tells whether an element of the set stands in for name.
func (s *Set) Provides(name string) bool {
	return slices.ContainsFunc(s.Provided, func(p Provision) bool { return p.Name == name })
}

// Why tells why the element is in the set; the zero Reason if it is not.
func (s *Set) Why(name string) Reason { return s.reasons[name] }

// Relocate returns a copy of the set in which every built-in element lies in
// builtinDir, under its name. Nothing is extracted; FS stays as it is.
func (s *Set) Relocate(builtinDir string) *Set {
	moved := *s
	moved.Elements = slices.Clone(s.Elements)
	for i, e := range moved.Elements {
		if e.Builtin {
			moved.Elements[i].Dir = filepath.Join(builtinDir, e.Name)
		}
	}
	return &moved
}
