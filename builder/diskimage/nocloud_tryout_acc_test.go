// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	shellPattern   = regexp.MustCompile("(?s)```(?:sh|shell)\n(.*?)```")
	commentPattern = regexp.MustCompile(`(^|\s+)# .*`)
)

// documentedCommands are the lines of a section's shell snippets, without comments.
func documentedCommands(t *testing.T, page, section string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n## "+section+"\n")
	after, _, _ = strings.Cut(after, "\n## ")
	for _, snippet := range shellPattern.FindAllStringSubmatch(after, -1) {
		for _, line := range strings.Split(snippet[1], "\n") {
			if line = commentPattern.ReplaceAllString(line, ""); line != "" {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) < 10 {
		t.Fatalf("%s, %q: only %d commands", page, section, len(lines))
	}
	return lines
}

// tryOut carries out what docs/nocloud.md says on trying out a seed, in a guest that
// was seeded by structured.pkr.hcl: single modules, and questions.
func tryOut(t *testing.T, ctx context.Context, guest login) {
	t.Helper()
	questions := [][2]string{{"before", "rm /etc/binary"}}
	lines := map[string]string{}
	for i, line := range documentedCommands(t, "../../docs/nocloud.md", "Trying out a seed") {
		if strings.Contains(line, "--reboot") {
			continue // the first boot once more takes as long as one
		}
		name := fmt.Sprintf("line %02d", i)
		lines[name] = line
		// The questions come by standard input, which is none of the commands'.
		questions = append(questions, [2]string{name, "{ " + line + "\n} </dev/null; echo ended with $?"})
	}
	const ran = "one\ntwo words\nthree"
	want := [][3]string{
		{"file of the seed", "od -An -tx1 /etc/binary", "00 01 02 ff"},
		{"file of the trial", "cat /etc/again; echo", "again"},
		{"runcmd", "cat /var/tmp/runcmd", ran + "\n" + ran},
	}
	for _, w := range want {
		questions = append(questions, [2]string{w[0], w[1]})
	}
	answers := guest.facts(t, ctx, questions)
	said := ""
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		said += answers[name] + "\n"
		if !strings.HasSuffix(answers[name], "ended with 0") {
			t.Errorf("%s: %s", lines[name], answers[name])
		}
	}
	for _, w := range want {
		if answers[w[0]] != w[2] {
			t.Errorf("%s after trying out: %q, want %q", w[0], answers[w[0]], w[2])
		}
	}
	for _, text := range []string{"name: typist", "Valid schema", "status: done", `"recoverable_errors": {}`, `"third": "three"`, "finished at"} {
		if !strings.Contains(said, text) {
			t.Errorf("the commands do not say %q:\n%s", text, said)
		}
	}
}
