// SPDX-License-Identifier: MPL-2.0

package shell

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A shell gets every text back, and Word leaves alone what needs no quotes.
func TestShellReadsTheTexts(t *testing.T) {
	texts := []string{"", "a", "it's", "''", "'", "a b", "$HOME", "`id`", "a;b", "*", "~", "\\", "a\nb\n", "é", "#x", "!", "a=b"}
	for _, write := range []func(string) string{Quote, Word} {
		words := make([]string, len(texts))
		for i, text := range texts {
			words[i] = write(text)
		}
		out, err := exec.Command("sh", "-c", `for word in `+strings.Join(words, " ")+`; do printf '%s\0' "$word"; done`).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, texts) {
			t.Errorf("%q became %q", texts, got)
		}
	}
	if got := Word("/a-b_c.d:e=f,g+h@i%j"); got != "/a-b_c.d:e=f,g+h@i%j" {
		t.Error(got)
	}
}
