// SPDX-License-Identifier: MPL-2.0

package foreign

import "testing"

func TestPython(t *testing.T) {
	o := Python(t, "def answer(q): return [q, len(q)]")
	if o == nil {
		t.Skip("no python3 on this host")
	}
	for range 3 {
		var got []any
		if !o.Ask(t, "a\nb", &got) || len(got) != 2 || got[0] != "a\nb" || got[1] != 3.0 {
			t.Errorf("got %v", got)
		}
	}
}

func TestBash(t *testing.T) {
	o := Bash(t, `answer() { printf '<%s>' "$1"; }`)
	for _, word := range []string{"", " a\nb ", "*", `\`} {
		if got, ok := o.AskText(t, word); !ok || got != "<"+word+">" {
			t.Errorf("%q: got %q", word, got)
		}
	}
}

func TestWhoCannotAnswerIsNobody(t *testing.T) {
	o := Python(t, "import no_such_module")
	if o != nil || o.Ask(t, 1, nil) {
		t.Error("there is an answer")
	}
}
