// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
