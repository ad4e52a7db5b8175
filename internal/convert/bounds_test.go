// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"strings"
	"testing"
)

// Input that grows without end when it is read is refused, and large input of
// any form is read in a time that nobody notices.
func TestLargeInputEnds(t *testing.T) {
	many := func(text string) string { return strings.Repeat(text, largestInput/16/len(text)) }
	for name, tc := range map[string]struct{ source, want string }{
		"doubling":          {"A=xxxxxxxx\n" + strings.Repeat("A=$A$A\n", 60), "too large"},
		"doubling by +=":    {"A=xxxxxxxx\n" + strings.Repeat("A+=$A\n", 60), "too large"},
		"doubling a list":   {"A=(a b c d)\n" + strings.Repeat(`A=("${A[@]}" "${A[@]}")`+"\n", 60), "too large"},
		"growing a list":    {"A=()\n" + strings.Repeat("A+=(a)\n", 30000), "too large"},
		"blocks":            {many("{ "), "nested too deeply"},
		"subshells":         {many("("), "nested too deeply"},
		"expansions":        {many("${A:-"), "nested too deeply"},
		"lists":             {"A=(" + many("B=("), "nested too deeply"},
		"groups in turn":    {many("{ A=1; }\n"), "there is no call"},
		"a long word":       {"disk-image-create " + many("a"), ""},
		"escapes":           {"disk-image-create " + many(`\a`), ""},
		"quotes":            {"disk-image-create " + many(`"a"'b'`), ""},
		"braces":            {"disk-image-create " + many("{a"), ""},
		"dollars":           {"disk-image-create " + many("$"), ""},
		"parentheses":       {"disk-image-create $" + many("("), "has no end"},
		"here-documents":    {many("cat <<E\n"), "there is no call"},
		"many calls":        {many("disk-image-create a\n"), "more than 1000 images"},
		"many variables":    {many("export A=1\n") + "disk-image-create a", ""},
		"sh -c in sh -c":    {strings.Repeat(`bash -c "`, 51) + "disk-image-create a", "has no end"},
		"words of the loop": {"for i in " + many("a ") + "; do disk-image-create $i; done", ""},
	} {
		_, out, said := run(t, tc.source, "--from", "script")
		if !strings.Contains(out+said, tc.want) {
			t.Errorf("%s: no %q in %.300s", name, tc.want, said)
		}
	}
	alias := "- &a0 {elements: [x]}\n"
	for i := range 9 {
		next := string(rune('1' + i))
		alias += "- &a" + next + " {<<: [" + strings.TrimSuffix(strings.Repeat("*a"+string(rune('0'+i))+", ", 9), ", ") + "]}\n"
	}
	if _, _, said := run(t, alias, "--from", "yaml"); !strings.Contains(said, "too large") && !strings.Contains(said, "too deep") {
		t.Errorf("aliases: %.300s", said)
	}
}
