// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/golden"
)

const movingPage = "../../docs/moving.md"

// The page's examples are what convert makes of them.
func TestDocumentedExamples(t *testing.T) {
	page, err := os.ReadFile(movingPage)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	examples := regexp.MustCompile("(?s)### Example: [^\n]*\n\n```(shell|yaml)\n(.*?)```\n\nbecomes\n\n```hcl\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(examples) < 2 {
		t.Fatalf("%d examples were found", len(examples))
	}
	for _, e := range examples {
		name := filepath.Join(t.TempDir(), map[string]string{"shell": "build.sh", "yaml": "images.yaml"}[e[1]])
		t.Chdir(filepath.Dir(name))
		if err := os.WriteFile(name, []byte(e[2]), 0o644); err != nil {
			t.Fatal(err)
		}
		status, out, said := run(t, "", filepath.Base(name))
		if status != StatusSame {
			t.Errorf("status %d:\n%s", status, said)
		}
		if golden.Update() {
			text = strings.Replace(text, e[3], out, 1)
		} else if diff := cmp.Diff(e[3], out); diff != "" {
			t.Errorf("%s (-page +convert):\n%s", e[1], diff)
		}
	}
	if golden.Update() {
		t.Chdir(packageDir)
		if err := os.WriteFile(movingPage, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var packageDir, _ = os.Getwd()

// Every option, key and variable that is treated here stands in the page.
func TestEverythingIsDocumented(t *testing.T) {
	page, err := os.ReadFile(movingPage)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	o := commandLine()
	names = append(append(append(names, o.Flags...), o.Values...), o.Late...)
	for _, p := range properties() {
		if "--"+p.key != p.option {
			names = append(names, p.key)
		}
	}
	for _, v := range inFor {
		names = append(names, v.variable)
	}
	for _, v := range switches {
		names = append(names, v.variable)
	}
	for _, g := range gone {
		if g.variable != "PATH" && g.variable != "PWD" && g.variable != "CLEAR_ENV" {
			names = append(names, g.variable)
		}
	}
	for _, name := range append(names, reset...) {
		if !regexp.MustCompile("`" + regexp.QuoteMeta(name) + "[` ,]").MatchString(string(page)) {
			t.Errorf("%s is not in the page", name)
		}
	}
}
