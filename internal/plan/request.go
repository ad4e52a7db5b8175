// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// Make reads the built-in elements and those on the request's search path, and
// makes the plan. Its errors are AttributeErrors, joined.
func Make(builtin fs.FS, r Request, host Inventory) (*Plan, error) {
	catalogue, warnings, err := element.Load(builtin, r.ElementPaths)
	if err != nil {
		return nil, mistakes("element_paths", err)
	}
	made, err := New(r, catalogue, host)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		// A search path usually holds many more elements than the image needs.
		if made.Set.Contains(w.Element) {
			made.Notes = append(made.Notes, w.String())
		}
	}
	return made, nil
}

// SearchPath is where elements are looked for before the built-in ones: the
// template's directories, then those of ELEMENTS_PATH, as absolute paths. Empty
// parts stay, to be complained about.
func SearchPath(paths []string, env map[string]string) []string {
	paths = slices.Clone(paths)
	if more := env["ELEMENTS_PATH"]; more != "" {
		paths = append(paths, filepath.SplitList(more)...)
	}
	for i, p := range paths {
		if full, err := filepath.Abs(p); p != "" && err == nil {
			paths[i] = full
		}
	}
	return paths
}

// architectures are Debian's, ports included.
var architectures = []string{
	"amd64", "arm64", "armhf", "armel", "i386", "loong64", "mips64el", "ppc64el", "riscv64", "s390x",
	"alpha", "hppa", "ia64", "m68k", "mipsel", "powerpc", "ppc64", "sh4", "sparc64", "x32",
}

// CheckArchitecture refuses names that are not among Debian's.
func CheckArchitecture(name string) error {
	elsewhere := map[string]string{
		"x86_64": "amd64", "x86-64": "amd64", "x64": "amd64", "aarch64": "arm64", "armv7l": "armhf",
		"i486": "i386", "i586": "i386", "i686": "i386", "x86": "i386", "386": "i386", "ppc64le": "ppc64el",
	}
	if ours := elsewhere[strings.ToLower(name)]; ours != "" {
		return fmt.Errorf("%q is called %q here, as in Debian", name, ours)
	}
	if slices.Contains(architectures, name) {
		return nil
	}
	return fmt.Errorf("%q is not an architecture of Debian%s; amd64 and arm64 are examples", name, nearest.Hint(name, architectures))
}

// CheckVariableNames lists what is wrong with the names of a template's
// variables, in their order.
func CheckVariableNames(environment map[string]string) []error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		if name == "" || strings.ContainsAny(name, "= ") || strings.ContainsFunc(name, unicode.IsControl) || name[0] >= '0' && name[0] <= '9' {
			wrong = append(wrong, fmt.Errorf("%q cannot be the name of a variable; use letters, digits and _, not beginning with a digit", name))
		}
	}
	return wrong
}
