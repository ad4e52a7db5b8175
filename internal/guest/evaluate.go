// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// DecidedEntry is an entry whose conditions were evaluated.
type DecidedEntry struct {
	PackageEntry
	// Applies tells whether all of its conditions hold.
	Applies bool
	// Mapped are the package's names in the distribution, by the element's
	// pkg-map. There are none if the map has an empty one for it.
	Mapped []string
}

// PackagePhase is what a phase installs and uninstalls in the end, sorted.
type PackagePhase struct {
	Name               string
	Install, Uninstall []string
}

// InstallType is how a part of an image is to be installed that has the given
// prefix in the names of its hooks' directories, usually an element.
func InstallType(prefix string, environment []string) string {
	return (&call{env: environment}).installType(prefix)
}

// EvaluatePackages is CheckPackages, without its warnings, with the environment
// at hand that hooks of extra-data.d see ("NAME=value"): it decides what
// package-installs-squash will, and names packages as package-installs-v2 does. An entry that cannot be decided is an error.
func EvaluatePackages(sources []PackageSource, facts PackageFacts, environment []string) ([]DecidedEntry, []PackagePhase, error) {
	l := &lister{facts: facts, k: collector{c: &call{env: []string{"ARCH=" + facts.Arch}}, compat: facts.Compat, packages: packages{}}}
	l.read(sources)
	if err := errors.Join(l.errs...); err != nil {
		return nil, nil, err
	}
	maps, err := nameMaps(sources)
	if err != nil {
		return nil, nil, err
	}
	k := collector{c: &call{env: environment}, compat: facts.Compat, packages: packages{}}
	distro, release := k.c.getenv("DISTRO_NAME", ""), k.c.getenv("DIB_RELEASE", "")
	var decided []DecidedEntry
	for i, e := range l.entries {
		k.element = e.Element
		pass, err := k.passes(l.specs[i])
		if err != nil {
			return nil, nil, fmt.Errorf("element %s: %s, line %d: package %s: %w", e.Element, e.File, e.Line, e.Package, err)
		}
		if pass {
			k.packages.add(l.k.requests[i])
		}
		mapped, err := mapNames(maps[e.Element].names(distro, release), e.Element, []string{e.Package}, true)
		if err != nil {
			return nil, nil, err
		}
		decided = append(decided, DecidedEntry{PackageEntry: e, Applies: pass, Mapped: words(mapped)})
	}
	return decided, k.packages.outcome(func(w wanted) []string {
		for _, d := range decided {
			if d.Package == w.Package && d.Element == w.Element {
				return d.Mapped
			}
		}
		return nil // no list has others
	}), nil
}

// UnconditionalPackages is what phases install and uninstall, by the names that
// elements use, if no conditional entry applies.
func UnconditionalPackages(entries []PackageEntry) []PackagePhase {
	all := packages{}
	for _, e := range entries {
		if !e.Conditional() {
			all.add(request{wanted: wanted{e.Package, e.Element}, phase: e.Phase, uninstall: e.Uninstall, buildOnly: e.BuildOnly})
		}
	}
	return all.outcome(func(w wanted) []string { return []string{w.Package} })
}

// outcome lists the packages of phases by the names that translate gives them.
func (p packages) outcome(translate func(wanted) []string) []PackagePhase {
	list := func(all []wanted) (names []string) {
		for _, w := range all {
			names = append(names, translate(w)...)
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	var phases []PackagePhase
	for _, phase := range p.phases() {
		if a := p[phase]; len(a.Install)+len(a.Uninstall) > 0 {
			phases = append(phases, PackagePhase{phase, list(a.Install), list(a.Uninstall)})
		}
	}
	return phases
}

// nameMaps reads the pkg-map of every element, an empty one where there is none.
func nameMaps(sources []PackageSource) (map[string]*nameMap, error) {
	all := map[string]*nameMap{}
	for _, s := range sources {
		all[s.Element] = &nameMap{}
		doc, err := fs.ReadFile(s.FS, "pkg-map")
		if err != nil {
			continue // CheckPackageMap tells of maps that cannot be read
		}
		m, err := parseNameMap(doc)
		if err != nil {
			return nil, fmt.Errorf("element %s: %s is not a valid package map: %w", s.Element, s.Dir+"/pkg-map", err)
		}
		all[s.Element] = m
	}
	return all, nil
}

// Conditions are those of the entry as they are written, each as key: value.
func (e PackageEntry) Conditions() []string {
	var all []string
	for _, c := range []struct{ key, value string }{
		{"installtype", e.InstallType}, {"arch", e.Arch}, {"not-arch", e.NotArch}, {"dib_python_version", e.PythonVersion},
	} {
		if c.value != "" {
			all = append(all, c.key+": "+c.value)
		}
	}
	for _, statement := range e.When {
		all = append(all, "when: "+strings.TrimSpace(statement))
	}
	return all
}

// Action is "install", "uninstall", or "build-only": installed when the phase
// begins, uninstalled when it ends.
func (e PackageEntry) Action() string {
	switch {
	case e.BuildOnly:
		return "build-only"
	case e.Uninstall:
		return "uninstall"
	}
	return "install"
}

// PackagePhases lists the phases in which packages are installed, in their order.
func PackagePhases() []string { return slices.Clone(packagePhases[:]) }
