// SPDX-License-Identifier: MPL-2.0

package element

import (
	"errors"
	"fmt"
	"slices"
)

// Infrastructure lists the elements that are features of the engine, sorted
// (design §4): the built-in one serves even when the search path has another.
func Infrastructure() []string {
	return []string{
		"cache-url", "dib-init-system", "dib-python", "dib-run-parts",
		"element-manifest", "install-bin", "install-static", "install-types",
		"manifests", "package-installs", "pkg-map", "source-repositories",
		"svc-map",
	}
}

// IsInfrastructure tells whether name is in Infrastructure.
func IsInfrastructure(name string) bool {
	return slices.Contains(Infrastructure(), name)
}

// checkPathInfrastructure refuses names for which a choice has no meaning.
func checkPathInfrastructure(names []string) error {
	var errs []error
	for _, name := range names {
		if !IsInfrastructure(name) {
			errs = append(errs, &InfrastructureError{Name: name})
		}
	}
	return errors.Join(errs...)
}

// infrastructureNotes says for each resolved element which of two served.
func (c *Catalog) infrastructureNotes(elements []Element) []string {
	var notes []string
	for _, e := range elements {
		onPath, ok := c.path[e.Name]
		if !ok || !IsInfrastructure(e.Name) {
			continue
		}
		builtin, isBuiltin := c.builtin[e.Name]
		switch {
		case e.Builtin:
			notes = append(notes, fmt.Sprintf("the built-in element %s serves in place of %s, as it is part of the engine; name it in path_infrastructure to have the latter",
				e.Name, onPath.Dir))
		case isBuiltin:
			notes = append(notes, overrideWarning(e, builtin).Message)
		}
	}
	return notes
}
