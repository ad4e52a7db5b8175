// SPDX-License-Identifier: MPL-2.0

package element

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

// BashArrayVariable is the environment variable under which bash finds the
// exported function get_image_element_array.
const BashArrayVariable = "BASH_FUNC_get_image_element_array%%"

// EnvironmentList is the value of IMAGE_ELEMENT: the names in the order of the
// set, separated by spaces.
func (s *Set) EnvironmentList() string { return strings.Join(s.Names(), " ") }

// EnvironmentYAML is the value of IMAGE_ELEMENT_YAML: a YAML map from the name
// of an element to its directory, keys sorted bytewise.
func (s *Set) EnvironmentYAML() string {
	lines := make([]string, len(s.Elements))
	for i, e := range s.byName() {
		lines[i] = yamlScalar(e.Name) + ": " + yamlScalar(e.Dir) + "\n"
	}
	if len(lines) == 0 {
		return "{}\n"
	}
	return strings.Join(lines, "")
}

func (s *Set) byName() []Element {
	return slices.SortedFunc(slices.Values(s.Elements), func(a, b Element) int {
		return strings.Compare(a.Name, b.Name)
	})
}

// yamlScalar is a string in YAML 1.1, plain where nobody could read anything
// but a string. Go's escapes are all YAML's, too.
func yamlScalar(value string) string {
	plain := regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/_.+-]*$`)
	reserved := regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$`)
	if plain.MatchString(value) && !reserved.MatchString(value) {
		return value
	}
	return strconv.Quote(value)
}

// BashArrayFunction is the value of BashArrayVariable: a function definition as
// bash imports it. Its output, "[name]=dir …", becomes an array by
//
//	eval declare -A elements=($(get_image_element_array))
//
// where it is split into words and globbed before eval reads it (element
// contract §3.4). So that any path survives, characters with a meaning there
// are written as escapes in $'…'.
func (s *Set) BashArrayFunction() string {
	pairs := make([]string, len(s.Elements))
	for i, e := range s.Elements {
		pairs[i] = "[" + escape(e.Name) + "]=" + escape(e.Dir)
	}
	return "() {  printf '%s\\n' " + shell.Quote(strings.Join(pairs, " ")) + "\n}"
}

// escape quotes a word for bash without using white space or glob characters.
func escape(word string) string {
	plain := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("-_./:=,+@%", c) >= 0
	}
	var b strings.Builder
	escaped := word == ""
	for i := range len(word) {
		if plain(word[i]) {
			b.WriteByte(word[i])
			continue
		}
		escaped = true
		fmt.Fprintf(&b, `\x%02x`, word[i])
	}
	if !escaped {
		return word
	}
	return "$'" + b.String() + "'"
}
