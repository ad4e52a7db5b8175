// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"strings"
	"testing"
)

// What only a run can tell is not taken for what it might be, and what a script
// does beside is said where it matters.
func TestWhatOnlyARunCanTell(t *testing.T) {
	for _, tc := range []struct{ script, arguments, said string }{
		{`if x; then A=1; fi; IC $A`, "?$A?", ""},
		{`if x; then A=1; IC $A; fi`, "1", "as if it ran once"},
		{`A=1; if x; then A=1; fi; IC $A`, "1", ""},
		{`A=1; if x; then A=2; else IC $A; fi`, "1", "as if it ran once"},
		{`A=1; if x; then A=2; else A=3; fi; IC $A`, "?$A?", ""},
		{`A=1; if x; then A=2; else :; fi; IC $A`, "?$A?", ""},
		{`case $1 in a) A=1;; b) A=2;; esac; IC $A`, "?$A?", ""},
		{`A=0; case $1 in a) B=1;; b) IC $A;; esac`, "0", "as if it ran once"},
		{`for i in a b; do IC $i; done`, "?$i?", "as if it ran once"},
		{`while x; do A=1; done; IC $A`, "?$A?", ""},
		{`[ x ] && A=1; IC $A`, "?$A?", ""},
		{`cd x && A=1 && IC $A`, "1", ""},
		{`x || A=1; IC $A`, "?$A?", ""},
		{`x || IC a`, "a", "as if it ran once"},
		{`A=1; x || unset A; IC $A`, "?$A?", ""},
		{`f() { A=1; }; IC $A`, "?$A?", ""},
		{`function f { IC a; }; f`, "a", "as if it ran once"},
		{`A=1; (A=2); IC $A`, "1", ""},
		{`A=1; { A=2; }; IC $A`, "2", ""},
		{`IC $(date +%F) a`, "?$(date +%F)? a", ""},
		{"IC `x y` a", "?`x y`? a", ""},
		{`IC $1 "$@" $((1+1)) ${A%x} ${#A} {a,b} <(x) ~joe`, "?$1? ?$@? ?$((1+1))? ?${A%x}? ?${#A}? ?{a,b}? ?<(x)? ?~joe?", ""},
		{`IC $UNSET/x`, "!UNSET!/x", ""},
		{`IC ${UNSET:-d} ${UNSET:+e} ${UNSET:?needed}`, "d !UNSET!", `taken: "d"`},
		{`IC $PWD/x $(pwd)/y ~/z "$HOME" '~' a~`, "./x ./y ^/z ^ ~ a~", ""},
		{`A=; IC ${A:-d} "${A-e}" ${A:+f} "${A+g}"`, "d  g", ""},
		{`export A=(1); A=2 IC a`, "a", ""},
		{`. ./rc; IC a`, "a", "./rc is not read"},
		{`. venv/bin/activate; IC a`, "a", ""},
		{`export $(cat x); IC a`, "a", "export $(cat x) cannot be read"},
		{`DIB_X=1; IC a`, "a", "DIB_X is set but not exported"},
		{`DIB_X=1; export DIB_X; IC a`, "a", ""},
		{`tox -e x -- IC a`, "a", "what stands before disk-image-create is not converted: tox -e x --"},
		{`sudo -E timeout 60m nice IC a`, "a", ""},
		{`diskimage-builder x.yaml; IC a`, "a", "give the YAML file itself"},
		{`ssh host "IC a b"; IC a`, "a", "that only ssh reads"},
		{`bash -c "$(x) IC a"; IC b`, "b", "the text of sh -c cannot be read"},
		{`echo IC a; which IC; IC b`, "b", ""},
		{`bash -ec 'IC a; IC b'`, "a | b", ""},
		{`$DIR/IC a; "$(x)/bin/IC" b`, "a | b", ""},
	} {
		found, said, err := readScript("s", strings.ReplaceAll(tc.script, "IC", diskProgram))
		if err != nil {
			t.Errorf("%s: %v", tc.script, err)
			continue
		}
		var calls, lines []string
		for _, i := range found {
			calls = append(calls, strings.Join(i.Arguments, " "))
		}
		for _, m := range said {
			lines = append(lines, m.Text)
		}
		got := strings.NewReplacer(unreadable, "?", variable, "!", workingDirectory, ".", homeDirectory, "^").Replace(strings.Join(calls, " | "))
		text := strings.Join(lines, "\n")
		if got != tc.arguments || !strings.Contains(text, tc.said) || tc.said == "" && text != "" {
			t.Errorf("%s\n got %s, want %s\nsaid %q, want %q", tc.script, got, tc.arguments, text, tc.said)
		}
	}
}

func TestRelativePathsBehindCd(t *testing.T) {
	_, _, said := run(t, "export ELEMENTS_PATH=e:/f\ncd x\ndisk-image-create -o y/z --image-cache c a\n")
	for _, want := range []string{`-o: y is relative, and there is a "cd" in front`, "ELEMENTS_PATH: e is relative", "--image-cache: c is relative"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if _, _, said := run(t, "cd x\ndisk-image-create -o /y/z a\n"); said != "" {
		t.Error(said)
	}
}
