// SPDX-License-Identifier: MPL-2.0

package element

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// readArray says which value bash has under a name after it took the elements
// from the function, as elements do: "definition", a line, "name".
const readArray = `
answer() {
    local definition=${1%%$'\x01'*} name=${1#*$'\x01'}
    eval "get_image_element_array ${definition}"
    eval declare -A image_elements=($(get_image_element_array))
    printf '%s %s' "${#image_elements[@]}" "${image_elements[$name]}"
}`

const readYAML = `
import yaml
def answer(text):
    return sorted(yaml.safe_load(text).items())`

// Any name and directory that a file system can hold reaches bash and Python as
// it is.
func FuzzElementVariables(f *testing.F) {
	bash, python := foreign.Bash(f, readArray), foreign.Python(f, readYAML)
	for _, seed := range [][2]string{
		{"base", "/usr/share/elements/base"}, {"a b", "/x/*'$(y)`z`\"\\"}, {"yes", "~"}, {"0x1", "1:30"},
		{"é\u2028", "/\x7f\x1b"}, {"-", "null"}, {"a\nb", "/c\n"}, {"[x]", "]="}, {"@", "*"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, dir string) {
		if name == "" || dir == "" || strings.ContainsAny(name+dir, "\x00\x01") {
			return // no file has such a name; \x01 parts the question
		}
		set := &Set{Elements: []Element{{Name: name, Dir: dir}, {Name: "z", Dir: "/z"}}}
		if name == "z" {
			set.Elements = set.Elements[:1]
		}
		if set.EnvironmentList() != strings.Join(set.Names(), " ") {
			t.Error(set.EnvironmentList())
		}
		wanted := map[bool]string{true: "1 ", false: "2 "}[len(set.Elements) == 1] + dir
		if got, ok := bash.AskText(t, set.BashArrayFunction()+"\x01"+name); ok && got != wanted {
			t.Errorf("bash read %q of %q, not %q", got, set.BashArrayFunction(), wanted)
		}
		if !utf8.ValidString(name) || !utf8.ValidString(dir) {
			return // YAML has no way to say it
		}
		var pairs [][2]any
		if python.Ask(t, set.EnvironmentYAML(), &pairs) {
			if len(pairs) != len(set.Elements) || pairs[0][0] != min(name, "z") && pairs[1][0] != name {
				t.Errorf("PyYAML read %q of %q", pairs, set.EnvironmentYAML())
			}
			for _, p := range pairs {
				if p[0] == name && p[1] != dir {
					t.Errorf("PyYAML read %q of %q", pairs, set.EnvironmentYAML())
				}
			}
		}
	})
}
