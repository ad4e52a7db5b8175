// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Each row of the table of troubles names tests, which have to exist.
func TestDocumentedTroublesHaveTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/nocloud.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| Symptom | Cause | What we do | Test |\n|---|---|---|---|\n")
	if !found {
		t.Fatal("docs/nocloud.md has no table of troubles")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if len(rows) < 11 {
		t.Errorf("only %d rows", len(rows))
	}
	tests := testNames(t)
	for _, name := range regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1) {
		if !tests[name[1]] {
			t.Errorf("there is no %s", name[1])
		}
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != 4 || len(named) == 0 {
			t.Errorf("%d columns and %d tests: %s", len(cells), len(named), row)
		}
		for _, name := range named {
			if !tests[name[1]] {
				t.Errorf("there is no %s, which is in: %s", name[1], row)
			}
		}
	}
}

// testNames are the tests of this module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	root := os.DirFS("../..")
	for _, dir := range []string{"internal", "provisioner", "builder", "datasource"} {
		err := fs.WalkDir(root, dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(root, path)
			for _, name := range declared.FindAllSubmatch(text, -1) {
				names[string(name[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}
