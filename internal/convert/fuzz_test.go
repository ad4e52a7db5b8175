// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// addFiles makes seeds of files in testdata.
func addFiles(f *testing.F, pattern string) {
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
}

// checkTemplate runs convert on a text: whatever it is, the template is HCL in
// canonical form, and a status of 0 has a template.
func checkTemplate(t *testing.T, stdin string, args ...string) {
	status, out, said := run(t, stdin, args...)
	switch {
	case status == StatusNothing && out != "":
		t.Errorf("nothing was made, and yet:\n%s", out)
	case status == StatusNothing && said == "":
		t.Error("nothing was made, and nothing said")
	case status == StatusDiffers && !strings.Contains(said, "not the same") && !strings.Contains(said, "error"):
		t.Errorf("what is not the same is not said:\n%s", said)
	case status != StatusNothing:
		if strings.ContainsAny(out, marks) {
			t.Errorf("a mark is left:\n%q", out)
		}
		asPacker(t, []byte(out))
	}
}

func FuzzScript(f *testing.F) {
	addFiles(f, "*.sh")
	for _, word := range shellWords {
		f.Add("A=1\n" + word + "\ndisk-image-create $A \"$B\"\n")
	}
	for _, seed := range []string{
		"if [ a ]; then A=1; else A=2; fi; disk-image-create $A", "for i in a b; do export A=$i; done; disk-image-create $A",
		"case $1 in a) A=1;; b) A=2;; esac; disk-image-create $A", "f() { disk-image-create x; }; f", "function f { A=1; }; disk-image-create $A",
		"A=$A$A;A=$A$A", "disk-image-create $((1+2)) $(a \"$(b)\") `c` <(d) {a,b} ~ ~x \"$@\" ${A%%x} ${A[1]} ${#A}", "disk-image-create ${A:-${B:-${C}}}",
		"[ a ] && A=1 || A=2; disk-image-create $A", "bash -c 'disk-image-create a'", "bash -c \"disk-image-create $(x)\"", "cat <<A <<B\nA\nB\ndisk-image-create x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		checkTemplate(t, source, "--from", "script")
	})
}

func FuzzYAML(f *testing.F) {
	addFiles(f, "*.yaml")
	for _, seed := range []string{
		"- {}", "- &a {<<: *a}", "- &a {imagename: x, elements: [a]}\n- *a", "- {<<: [{image-size: 1}, {image-size: 2}]}", "[]", "a: b",
		"- {environment: {A: 1:30, B: yes, C: 0o7}}", "- imagename: ''\n  elements: ['', '-x']", "--- \n- elements: [a]\n...\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		checkTemplate(t, source, "--from", "yaml")
	})
}

func FuzzCommandLine(f *testing.F) {
	for _, seed := range []string{
		"disk-image-create\x00-o\x00x\x00vm", "A=1\x00disk-image-create\x00-xup\x00a,b\x00--\x00-x", "sudo\x00-E\x00B=\x00disk-image-create\x00--image=3",
		"disk-image-create\x00--qemu-img-options=a=b,,c,d\x00a", "disk-image-create\x00-t,raw,\x00-oa/b/\x00a", "ramdisk-image-create\x00a", "-o\x00x",
		"disk-image-create\x00--checksum\x00-o\x00${x}\"{{\x00a b\n\x00%{",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\x00")
		checkTemplate(t, "", append([]string{"--"}, args...)...)
		// Whatever the options are, parsing keeps every operand and invents none.
		if parsed, err := commandLine().Parse(args); err == nil {
			for _, operand := range parsed.Operands {
				if !slices.Contains(args, operand) {
					t.Errorf("%q is none of %q", operand, args)
				}
			}
		}
	})
}

func FuzzValues(f *testing.F) {
	for _, text := range awkward {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsAny(text, marks+"\x00") {
			return // never read
		}
		checkSurvives(t, text)
		if _, diags := hclsyntax.ParseConfig(render([]string{text}, nil), "x", hcl.InitialPos); diags.HasErrors() {
			t.Error(diags)
		}
	})
}
