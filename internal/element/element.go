// SPDX-License-Identifier: MPL-2.0

package element

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
)

// Names of the two files that resolution reads (element contract §3.2).
const (
	DepsFile     = "element-deps"
	ProvidesFile = "element-provides"
)

// OperatingSystem is the virtual name that exactly one element of a Set provides.
const OperatingSystem = "operating-system"

// Element is one element directory.
type Element struct {
	// Name is the last part of the directory's real path.
	Name string
	// Dir is the real, absolute path on this host, or "builtin:<name>" for a
	// built-in element that has not been extracted (see Set.Relocate).
	Dir string
	// FS reads the directory, for path and built-in elements alike.
	FS fs.FS
	// Builtin tells that the element is part of the plugin.
	Builtin bool
	// Deps and Provides are the two lists, sorted, without duplicates.
	Deps, Provides []string
}

// ParseList reads the content of element-deps or element-provides: a name per
// line, white space around it dropped, blank lines ignored. There are no
// comments. The result is sorted and free of duplicates.
func ParseList(content []byte) []string {
	lines := strings.FieldsFunc(string(content), func(r rune) bool { return r == '\n' || r == '\r' })
	var names []string
	for _, line := range lines {
		if name := strings.TrimFunc(line, blank); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// blank is what Python's str.strip, by which elements were tested, drops.
func blank(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// read makes the element called name from its directory.
func read(name, dir string, fsys fs.FS, builtin bool) (Element, error) {
	e := Element{Name: name, Dir: dir, FS: fsys, Builtin: builtin}
	var depsErr, providesErr error
	e.Deps, depsErr = readList(fsys, DepsFile)
	e.Provides, providesErr = readList(fsys, ProvidesFile)
	if err := errors.Join(depsErr, providesErr); err != nil {
		return Element{}, fmt.Errorf("reading element %q in %s: %w", name, dir, err)
	}
	return e, nil
}

func readList(fsys fs.FS, name string) ([]string, error) {
	content, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return ParseList(content), nil
}
