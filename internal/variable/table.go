// SPDX-License-Identifier: MPL-2.0

package variable

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// Variable is one that elements of an image or the builder know.
type Variable struct {
	// Use is what all of them do with it.
	Use
	// ReadBy and SetBy are the names of elements, sorted.
	ReadBy, SetBy []string
	// Builder tells that the builder reads it, whatever the elements do.
	Builder bool
}

// Table is what is known of the variables of an image.
type Table struct {
	byName map[string]*Variable
}

// Of makes the table of an image's elements.
func Of(elements []element.Element) (*Table, error) {
	t := &Table{byName: map[string]*Variable{}}
	for _, name := range Builder() {
		v := t.variable(name)
		v.Builder, v.Reads, v.Prefix = true, true, strings.HasSuffix(name, "_")
	}
	for _, e := range elements {
		uses, err := Scan(e.FS)
		if err != nil {
			return nil, fmt.Errorf("element %q in %s: %w", e.Name, e.Dir, err)
		}
		for _, use := range uses {
			v := t.variable(use.Name)
			v.merge(use)
			if use.Reads {
				v.ReadBy = append(v.ReadBy, e.Name)
			}
			if use.Sets {
				v.SetBy = append(v.SetBy, e.Name)
			}
		}
	}
	for _, v := range t.byName {
		slices.Sort(v.ReadBy)
		slices.Sort(v.SetBy)
	}
	return t, nil
}

func (t *Table) variable(name string) *Variable {
	if t.byName[name] == nil {
		t.byName[name] = &Variable{Use: Use{Name: name}}
	}
	return t.byName[name]
}

// Variables lists those that somebody reads, sorted by name.
func (t *Table) Variables() []Variable {
	var all []Variable
	for _, name := range slices.Sorted(maps.Keys(t.byName)) {
		if v := t.byName[name]; v.Reads {
			all = append(all, *v)
		}
	}
	return all
}

// Knows tells whether an element or the builder has to do with a variable. To
// be on the safe side one that is only set counts, too.
func (t *Table) Knows(name string) bool {
	if t.byName[name] != nil {
		return true
	}
	for prefix, v := range t.byName {
		if v.Prefix && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// Unknown says, for each name that begins with DIB_ and that nobody has to do
// with, so in a sentence without a final full stop; in the order of the names.
func (t *Table) Unknown(names []string) []string {
	var sentences []string
	for _, name := range slices.Sorted(slices.Values(names)) {
		if !strings.HasPrefix(name, "DIB_") || t.Knows(name) {
			continue
		}
		sentence := name + " has no effect: neither an element of this image nor the builder reads it"
		if meant, ok := t.nearest(name); ok {
			sentence += "; did you mean " + meant + "?"
		}
		sentences = append(sentences, sentence)
	}
	return sentences
}

// nearest is the variable that was probably meant. All begin alike, so only the
// rest is compared.
func (t *Table) nearest(name string) (string, bool) {
	var rests []string
	for _, known := range t.Variables() {
		if !known.Prefix {
			rests = append(rests, strings.TrimPrefix(known.Name, "DIB_"))
		}
	}
	rest, ok := nearest.Name(strings.TrimPrefix(name, "DIB_"), rests)
	return "DIB_" + rest, ok
}
