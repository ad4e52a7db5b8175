// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// form is what a value is to cloud-init, or a set of such.
type form uint

const (
	text form = 1 << iota
	integer
	decimal
	boolean
	null
	date
	list
	mapping
	// unknown is what a template only decides when it is rendered.
	unknown
)

const scalars = text | integer | decimal | boolean | date

// Placeholder stands in a text for what jinja will put there.
const Placeholder = '\uE000'

// What YAML 1.1 makes of a plain scalar, as PyYAML has it.
var (
	booleanForm = regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)
	integerForm = regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	decimalForm = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	dateForm    = regexp.MustCompile(`^\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)?$`)
	bareDate    = regexp.MustCompile(`^\d{4}-\d-|^\d{4}-\d\d-\d$`)
)

// formOf says what a node is to cloud-init.
func formOf(n *yaml.Node) form {
	switch n.Kind {
	case yaml.MappingNode:
		return mapping
	case yaml.SequenceNode:
		return list
	}
	if strings.ContainsRune(n.Value, Placeholder) {
		return unknown
	}
	if n.Style&yaml.TaggedStyle != 0 {
		return taggedForm(n.ShortTag())
	}
	if n.Style != 0 {
		return text
	}
	return plainForm(n.Value)
}

func plainForm(value string) form {
	switch {
	case value == "" || value == "~" || value == "null" || value == "Null" || value == "NULL":
		return null
	case booleanForm.MatchString(value):
		return boolean
	case integerForm.MatchString(value):
		return integer
	case decimalForm.MatchString(value):
		return decimal
	case dateForm.MatchString(value) && !bareDate.MatchString(value):
		return date
	}
	return text
}

func taggedForm(tag string) form {
	switch tag {
	case "!!null":
		return null
	case "!!bool":
		return boolean
	case "!!int":
		return integer
	case "!!float":
		return decimal
	case "!!timestamp":
		return date
	}
	return text
}

// truth says what a boolean means.
func truth(value string) bool {
	switch strings.ToLower(value) {
	case "yes", "true", "on":
		return true
	}
	return false
}

// formNames name single forms in messages.
var formNames = []struct {
	form form
	name string
}{
	{text, "text"}, {integer, "a whole number"}, {decimal, "a number"}, {boolean, "true or false"},
	{list, "a list"}, {mapping, "a mapping"}, {null, "null"}, {date, "a date"},
}

// called names the form of a value that is there.
func called(f form) string {
	if f == boolean {
		return "a boolean"
	}
	for _, n := range formNames {
		if n.form == f {
			return n.name
		}
	}
	return "something else"
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// pair is a key of a mapping and its value.
type pair struct{ key, value *yaml.Node }

// pairs are a mapping's keys with their values, those that << merges into it
// behind its own.
func pairs(n *yaml.Node) []pair {
	var out []pair
	collect(n, map[string]bool{}, map[*yaml.Node]bool{}, &out)
	return out
}

func collect(n *yaml.Node, have map[string]bool, seen map[*yaml.Node]bool, out *[]pair) {
	n = resolve(n)
	if n == nil || n.Kind != yaml.MappingNode || seen[n] {
		return
	}
	seen[n] = true
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		switch {
		case key.ShortTag() == "!!merge" && value.Kind == yaml.SequenceNode:
			merged = append(merged, value.Content...)
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
		case !have[key.Value]:
			have[key.Value] = true
			*out = append(*out, pair{key, value})
		}
	}
	for _, m := range merged {
		collect(m, have, seen, out)
	}
}

// get is the value of a key, nil if there is none.
func get(n *yaml.Node, name string) *yaml.Node {
	for _, p := range pairs(n) {
		if p.key.Value == name {
			return p.value
		}
	}
	return nil
}

// given is the value of a key that has one.
func given(n *yaml.Node, name string) *yaml.Node {
	if v := get(n, name); v != nil && formOf(v) != null {
		return v
	}
	return nil
}
