// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// packagesFile is where squash leaves the packages for the phases, in the image.
const packagesFile = "/tmp/package-installs.json"

// packagePhases are the phases in which packages are installed, in their order.
var packagePhases = [...]string{"pre-install.d", "install.d", "post-install.d"}

// wanted is a package that an element asks for, by the element's name for it.
type wanted struct{ Package, Element string }

// MarshalJSON writes the pair that upstream writes.
func (w wanted) MarshalJSON() ([]byte, error) { return json.Marshal([]string{w.Package, w.Element}) }

// UnmarshalJSON reads such a pair.
func (w *wanted) UnmarshalJSON(doc []byte) error {
	var both []string
	if err := json.Unmarshal(doc, &both); err != nil {
		return err
	}
	if len(both) != 2 {
		return fmt.Errorf("want a pair of package and element, got %d strings", len(both))
	}
	w.Package, w.Element = both[0], both[1]
	return nil
}

// actions is what one phase does. An action nobody asked for is nil.
type actions struct {
	Install   []wanted `json:"install,omitempty"`
	Uninstall []wanted `json:"uninstall,omitempty"`
}

// packages is what each phase does.
type packages map[string]*actions

func (p packages) phase(name string) *actions {
	if p[name] == nil {
		p[name] = &actions{}
	}
	return p[name]
}

// request is one entry of a package-installs file that has passed its filters.
type request struct {
	wanted
	phase                string
	uninstall, buildOnly bool
	// conditional entries apply in some builds only.
	conditional bool
	where       string // file and line, for messages
}

// add applies the override rules of element contract §4.1 for a package name
// and phase: who wants a package for good wins over who only wants it gone.
// As only entries that passed their filters come here, the outcome does not
// depend on the order of elements (quirk 20, mended).
func (p packages) add(r request) {
	a := p.phase(r.phase)
	has := func(list []wanted) bool {
		return slices.ContainsFunc(list, func(w wanted) bool { return w.Package == r.Package })
	}
	kept := has(a.Install) && !has(a.Uninstall)
	switch {
	case r.uninstall && !r.buildOnly:
		if !kept {
			a.Uninstall = append(a.Uninstall, r.wanted)
		}
	case r.buildOnly:
		a.Install = append(a.Install, r.wanted)
		if !kept {
			a.Uninstall = append(a.Uninstall, r.wanted)
		}
	default:
		a.Uninstall = slices.DeleteFunc(a.Uninstall, func(w wanted) bool { return w.Package == r.Package })
		a.Install = append(a.Install, r.wanted)
	}
}

// encode writes the packages in upstream's format, phases in their order.
func (p packages) encode() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("{")
	separator := "\n "
	for _, name := range p.phases() {
		if len(p[name].Install)+len(p[name].Uninstall) == 0 {
			continue
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		body, err := json.MarshalIndent(p[name], " ", " ")
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%s%s: %s", separator, key, body)
		separator = ",\n "
	}
	if out.Len() > 1 {
		out.WriteString("\n")
	}
	out.WriteString("}\n")
	return out.Bytes(), nil
}

// phases lists the phases as they come in a build, unknown ones last by name.
func (p packages) phases() []string {
	names := slices.DeleteFunc(slices.Clone(packagePhases[:]), func(name string) bool { return p[name] == nil })
	var unknown []string
	for name := range p {
		if !slices.Contains(packagePhases[:], name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return append(names, unknown...)
}

// readPackages reads what encode, or upstream's tool, has written.
func readPackages(r io.Reader) (packages, error) {
	var p packages
	if err := json.NewDecoder(r).Decode(&p); err != nil {
		return nil, err
	}
	return p, nil
}
