// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// nameMap is an element's pkg-map file (element contract §4.2). A package may map
// to several, separated by blanks, or to none at all: the empty string.
type nameMap struct {
	preset  map[string]string
	family  map[string]map[string]string
	distro  map[string]map[string]string
	release map[string]map[string]map[string]string
	unknown []string // top-level keys that mean nothing
}

// parseNameMap reads a pkg-map file.
func parseNameMap(doc []byte) (*nameMap, error) {
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(doc, &sections); err != nil {
		return nil, err
	}
	m := &nameMap{}
	targets := map[string]any{"default": &m.preset, "family": &m.family, "distro": &m.distro, "release": &m.release}
	names := make([]string, 0, len(sections))
	for name := range sections {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		target, known := targets[name]
		if !known {
			m.unknown = append(m.unknown, name)
			continue
		}
		if err := json.Unmarshal(sections[name], target); err != nil {
			return nil, fmt.Errorf("section %q: %w", name, err)
		}
	}
	return m, nil
}

// packageFamily is the family of a distribution in pkg-map files. The names with
// a 7 are those of older releases of diskimage-builder.
func packageFamily(distro string) string {
	switch distro {
	case "almalinux", "centos", "centos7", "fedora", "openeuler", "rhel", "rhel7", "rocky":
		return "redhat"
	case "debian", "ubuntu":
		return "debian"
	case "opensuse":
		return "suse"
	case "gentoo":
		return "gentoo"
	}
	return ""
}

// names is the map that holds for a release of a distribution: the default,
// overridden by family, distribution and release in this order.
func (m *nameMap) names(distro, release string) map[string]string {
	if release == "8-stream" {
		release = "8"
	}
	all := map[string]string{}
	for _, layer := range []map[string]string{
		m.preset, m.family[packageFamily(distro)], m.distro[distro], m.release[distro][release],
	} {
		for from, to := range layer {
			all[from] = to
		}
	}
	return all
}

// missingError says that a package has no mapping though it needs one.
type missingError struct{ element, name string }

func (e *missingError) Error() string {
	return fmt.Sprintf("%s has no valid mapping for package %s", e.element, e.name)
}

// mapNames translates names, each result a word or several. Names without a
// mapping pass through if missingOK, else the first of them ends the work; what
// was translated before it is returned too.
func mapNames(table map[string]string, element string, names []string, missingOK bool) ([]string, error) {
	var mapped []string
	for _, name := range names {
		to, ok := table[name]
		switch {
		case !ok && !missingOK:
			return mapped, &missingError{element, name}
		case !ok:
			mapped = append(mapped, name)
		case to != "":
			mapped = append(mapped, to)
		}
	}
	return mapped, nil
}

// words splits what mapNames returns into single packages.
func words(mapped []string) []string {
	return strings.Fields(strings.Join(mapped, " "))
}

// CheckPackageMap reads an element's pkg-map before the build runs. It returns a
// sentence for everything in it that diskimage-builder passes over in silence; the
// error is one that the build would end with.
func CheckPackageMap(s PackageSource) ([]string, error) {
	file := filepath.Join(s.Dir, "pkg-map")
	doc, err := fs.ReadFile(s.FS, "pkg-map")
	if info, statErr := fs.Stat(s.FS, "pkg-map"); errors.Is(statErr, fs.ErrNotExist) || statErr == nil && info.IsDir() {
		return nil, nil // the element pkg-map has hooks and no map
	}
	var m *nameMap
	if err == nil {
		m, err = parseNameMap(doc)
	}
	if err != nil {
		return nil, fmt.Errorf("element %s: %s is not a valid package map: %w", s.Element, file, err)
	}
	var warnings []string
	for _, key := range m.unknown {
		warnings = append(warnings, fmt.Sprintf("element %s: %s: the section %q has no effect%s; sections are %s",
			s.Element, file, key, nearest.Hint(key, mapSections()), strings.Join(mapSections(), ", ")))
	}
	families := []string{"redhat", "debian", "suse", "gentoo"}
	for _, family := range slices.Sorted(maps.Keys(m.family)) {
		if !slices.Contains(families, family) {
			warnings = append(warnings, fmt.Sprintf("element %s: %s: no distribution is of the family %q%s; families are %s",
				s.Element, file, family, nearest.Hint(family, families), strings.Join(families, ", ")))
		}
	}
	return warnings, nil
}

func mapSections() []string { return []string{"default", "family", "distro", "release"} }
