// SPDX-License-Identifier: MPL-2.0

package element

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
)

// Resolve works out the elements of an image. The errors are of type
// *InfrastructureError, *MissingElementError, *AlreadyProvidedError and *MissingOSError; all that
// are found are joined, in the order in which diskimage-builder would have met
// them (it stops at the first).
func (c *Catalog) Resolve(request Request) (*Set, error) {
	if err := checkPathInfrastructure(request.PathInfrastructure); err != nil {
		return nil, err
	}
	r := newResolver(c, request)
	for len(r.queue) > 0 {
		name := r.queue[0]
		r.queue = r.queue[1:]
		r.visit(name)
	}
	r.checkRequested()
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	return r.set(), nil
}

// resolver is the state of the algorithm of element contract §3.3.
type resolver struct {
	catalog  *Catalog
	request  Request
	names    []string          // request.Elements and the defaults
	rules    map[string]string // why a default was added
	queue    []string
	final    map[string]bool
	elements map[string]Element  // those visited
	provided map[string][]string // name → providers
	neededBy map[string][]string // name → elements with it in element-deps
	missing  bool
	errs     []error
}

func newResolver(c *Catalog, request Request) *resolver {
	names, rules := request.Expand()
	r := &resolver{
		catalog: c, request: request, names: names, rules: rules,
		queue:    slices.Clone(names),
		final:    map[string]bool{},
		elements: map[string]Element{},
		provided: map[string][]string{},
		neededBy: map[string][]string{},
	}
	for _, name := range names {
		r.final[name] = true
	}
	return r
}

// visit does one turn of the loop: a name that nobody provides so far must be
// an element; its provides are recorded and its dependencies queued.
func (r *resolver) visit(name string) {
	if r.provided[name] != nil {
		return
	}
	e, ok := r.catalog.pick(name, slices.Contains(r.request.PathInfrastructure, name))
	if !ok {
		r.missing = true
		r.errs = append(r.errs, r.missingElement(name))
		return
	}
	r.elements[name] = e
	for _, virtual := range e.Provides {
		if by := r.provided[virtual]; by != nil {
			r.errs = append(r.errs, r.alreadyProvided(virtual, name, false))
			continue
		}
		r.provided[virtual] = []string{name}
	}
	for _, dep := range e.Deps {
		if !slices.Contains(r.neededBy[dep], name) {
			r.neededBy[dep] = append(r.neededBy[dep], name)
		}
		if !r.final[dep] {
			r.queue = append(r.queue, dep)
		}
		r.final[dep] = true
	}
}

// checkRequested finds what can be judged only when all are known.
func (r *resolver) checkRequested() {
	for i, name := range r.names {
		if r.provided[name] != nil && slices.Index(r.names, name) == i {
			r.errs = append(r.errs, r.alreadyProvided(name, name, true))
		}
	}
	// A missing element may well have been the operating system.
	if r.provided[OperatingSystem] == nil && !r.missing {
		r.errs = append(r.errs, &MissingOSError{
			Elements:   r.request.Elements,
			Providers:  r.catalog.Providers(OperatingSystem),
			SearchPath: r.catalog.Paths(),
		})
	}
}

func (r *resolver) reason(name string) Reason {
	needed := slices.Clone(r.neededBy[name])
	slices.Sort(needed)
	return Reason{
		Requested: slices.Contains(r.request.Elements, name),
		Rule:      r.rules[name],
		NeededBy:  needed,
	}
}

func (r *resolver) missingElement(name string) error {
	err := &MissingElementError{
		Name:       name,
		Reason:     r.reason(name),
		SearchPath: r.catalog.Paths(),
		Nearest:    nearest(name, r.catalog.Names()),
		Providers:  r.catalog.Providers(name),
		Upstream:   describeUpstream(name),
		Alias:      r.catalog.aliases[name],
	}
	if needed := err.Reason.NeededBy; len(needed) > 0 {
		err.File = filepath.Join(r.elements[needed[0]].Dir, DepsFile)
	}
	return err
}

func (r *resolver) alreadyProvided(virtual, by string, requested bool) error {
	providers := r.provided[virtual]
	return &AlreadyProvidedError{
		Provision: Provision{Name: virtual, By: slices.Clone(providers)},
		Element:   by,
		Requested: requested,
		File:      filepath.Join(r.elements[providers[0]].Dir, ProvidesFile),
	}
}

// set is the result: what was wanted less what is provided.
func (r *resolver) set() *Set {
	s := &Set{reasons: map[string]Reason{}}
	members := map[string]Element{}
	for name := range r.final {
		if r.provided[name] == nil {
			members[name] = r.elements[name]
			s.reasons[name] = r.reason(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.provided)) {
		s.Provided = append(s.Provided, Provision{Name: name, By: r.provided[name]})
	}
	s.Elements = topological(members, r.provided)
	s.Warnings = r.catalog.infrastructureNotes(s.Elements)
	return s
}
