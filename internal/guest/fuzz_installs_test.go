// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// What is said of a list before the build is what the build does: a certain mistake
// ends it, and it takes no package that was not listed.
func FuzzPackageInstalls(f *testing.F) {
	m := newMaker(6)
	for range 12 {
		f.Add([]byte(m.list("p")), "one", m.some(50))
	}
	f.Add([]byte(`{"a": [{"phase": "pre-install.d", "when": ["A=x", "A!=y"]}, {"build-only": 1}], "b": {"arch": "amd64", "not-arch": ""}}`), "x", false)
	f.Add([]byte("a: &x {uninstall: no}\nb: [*x, *x]\n1: {}\n"), "", true)
	f.Fuzz(func(t *testing.T, doc []byte, setting string, compat bool) {
		tree := fstest.MapFS{installFiles[1]: {Data: doc}}
		entries, _, before := CheckPackages([]PackageSource{{Element: "one", Dir: "/one", FS: tree}}, PackageFacts{Arch: "amd64", Compat: compat})
		env := []string{"ARCH=amd64", "A=" + setting, "B=two words", "C=", "DIB_PYTHON_VERSION=3", "DIB_INSTALLTYPE_one=" + setting}
		k := &collector{c: &call{env: env}, compat: compat, packages: packages{}, element: "one", file: "/one/" + installFiles[1]}
		all, err := parseValue(installFiles[1], doc)
		if err == nil {
			err = k.collect(all)
		}
		if err != nil {
			return
		}
		if before != nil {
			t.Fatalf("the build takes what is said to end it: %v", before)
		}
		key := func(name, phase string, line int) string { return fmt.Sprintf("%q in %q at %d", name, phase, line) }
		var listed, certain, taken []string
		for _, e := range entries {
			listed = append(listed, key(e.Package, e.Phase, e.Line))
			if !e.Conditional() {
				certain = append(certain, key(e.Package, e.Phase, e.Line))
			}
		}
		for _, r := range k.requests {
			var line int
			if _, err := fmt.Sscanf(strings.TrimPrefix(r.where, k.file), ", line %d", &line); err != nil {
				t.Fatal(err)
			}
			taken = append(taken, key(r.Package, r.phase, line))
			if !slices.Contains(listed, taken[len(taken)-1]) {
				t.Errorf("%s is taken and was not listed: %v", taken[len(taken)-1], listed)
			}
		}
		for _, c := range certain {
			if !slices.Contains(taken, c) {
				t.Errorf("%s was listed without a condition and is not taken: %v", c, taken)
			}
		}
		checkSquashed(t, k.packages)
	})
}

// checkSquashed wants the phases to read what was written.
func checkSquashed(t *testing.T, p packages) {
	t.Helper()
	text, err := p.encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := readPackages(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for phase, a := range p {
		if len(a.Install)+len(a.Uninstall) == 0 {
			delete(p, phase)
		}
	}
	nothing := cmp.FilterValues(func(a, b []wanted) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
	if diff := cmp.Diff(p, again, nothing); diff != "" {
		t.Errorf("%s read from\n%s", diff, text)
	}
}

// A statement of the key when is parted as Python's re does with upstream's expression.
func FuzzWhen(f *testing.F) {
	python := foreign.Python(f, `
import re
def answer(text):
    m = re.match(r"(?P<var>[\w]+)(\s*)(?P<op>=|!=)(\s*)(?P<val>.*)", text)
    return [m['var'], m['op'], m['val']] if m else []`)
	for _, seed := range []string{"A = one", "A=one", "A !=two", "A == one", "B = two words ", "C =", "= one", "A > one", "A\t=\v x\ny", "é =\u00a0ü", "A=\r\n1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := whenParts(value{kind: kindString, text: text})
		var theirs []string
		if !utf8.ValidString(text) || !python.Ask(t, text, &theirs) {
			return
		}
		if err != nil {
			parts = []string{""}
		}
		if !slices.Equal(parts[1:], theirs) {
			t.Errorf("%q: Python says %q, we %q (%v)", text, theirs, parts[1:], err)
		}
	})
}
