// SPDX-License-Identifier: MPL-2.0

package variable

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func table(t *testing.T) *Table {
	t.Helper()
	made, err := Of([]element.Element{
		{Name: "os", FS: fstest.MapFS{"environment.d/1": file("export DIB_RELEASE=${DIB_RELEASE:-stable}\nDIB_FLAVOUR=x")}},
		{Name: "app", FS: fstest.MapFS{"install.d/1": file("echo $DIB_APP_PORT $DIB_RELEASE DIB_APP_OPTION_$x")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestTableNamesElements(t *testing.T) {
	for _, v := range table(t).Variables() {
		if v.Name != "DIB_RELEASE" {
			continue
		}
		want := Variable{Use: Use{Name: "DIB_RELEASE", Reads: true, Sets: true, Defaults: []string{"stable"}},
			ReadBy: []string{"app", "os"}, SetBy: []string{"os"}, Builder: true}
		if diff := cmp.Diff(want, v); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		return
	}
	t.Error("DIB_RELEASE is not there")
}

func TestUnknown(t *testing.T) {
	cases := map[string]string{
		"DIB_RELAESE":          "did you mean DIB_RELEASE?",
		"DIB_APP_PROT":         "did you mean DIB_APP_PORT?",
		"DIB_ZZZZZZZZZZZZZZZZ": "the builder reads it",
		"DIB_RELEASE":          "", "DIB_APP_PORT": "", "DIB_IMAGE_SIZE": "",
		"DIB_FLAVOUR":         "", // only set, so nobody knows
		"DIB_INSTALLTYPE_app": "", "DIB_REPOREF_x": "", "DIB_REPOLOCATION_x": "", "DIB_REPOTYPE_x": "", "DIB_APP_OPTION_y": "",
		"RELAESE": "", "http_proxy": "",
	}
	known := table(t)
	for name, want := range cases {
		got := strings.Join(known.Unknown([]string{name}), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) || want != "" && !strings.HasPrefix(got, name+" has no effect") {
			t.Errorf("%s: %q", name, got)
		}
		if !strings.HasPrefix(want, "did") && strings.Contains(got, "did you mean") {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := known.Unknown([]string{"DIB_Q", "DIB_P"}); len(got) != 2 || !strings.HasPrefix(got[0], "DIB_P ") {
		t.Errorf("%q", got)
	}
}

// What the Go sources, and the scripts that they embed, call by name is in the list.
func TestBuilderListIsWhole(t *testing.T) {
	// Given to hooks and never read; the last has no effect without element
	// partitioning-sfdisk, whose scripts name it.
	given := []string{"DIB_ARGS", "DIB_BLOCK_DEVICE_PARAMS_YAML", "DIB_ENV", "DIB_PARTITIONING_SFDISK_SCHEMA"}
	found := map[string]string{}
	note := func(text, where string) {
		for _, name := range regexp.MustCompile(`\bDIB_[A-Z0-9_]+`).FindAllString(text, -1) {
			found[name] = where
		}
	}
	for _, top := range []string{"../../internal", "../../builder", "../../provisioner", "../../elements"} {
		if err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				if entry != nil && entry.Name() == "testdata" {
					return fs.SkipDir
				}
				return err
			}
			isLibrary := filepath.Ext(path) == ".bash" || strings.Contains(filepath.ToSlash(path), "guest/lib/")
			switch {
			case strings.HasPrefix(path, "../../internal/variable/") || strings.HasPrefix(path, "../../internal/convert/") ||
				filepath.Base(path) == "record.go":
				// Lists of names, and what makes templates: no build reads them.
			case strings.HasPrefix(path, "../../elements/") && filepath.Dir(path) != "../../elements":
				// Elements are scanned when they are used.
			case isLibrary:
				uses := map[string]*Use{}
				text, err := os.ReadFile(path)
				scanText(text, false, uses)
				for name := range uses {
					note(name, path)
				}
				return err
			case filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go"):
				return noteStrings(path, note)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 30 {
		t.Errorf("only %d names were found", len(found))
	}
	upstream, err := os.ReadFile("testdata/upstream.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, where := range found {
		if slices.Contains(strings.Fields(string(upstream)), strings.TrimPrefix(name, "DIB_")) {
			continue // read for the sake of an element, which reads it as well
		}
		if !slices.Contains(Builder(), name) && !slices.Contains(given, name) {
			t.Errorf("%s names %s: add it to Builder (or to given, here, if it is only given to hooks)", where, name)
		}
	}
	if !slices.IsSorted(Builder()) {
		t.Error("the list is not sorted")
	}
}

// noteStrings notes the string literals of a Go file that are names, or begin
// with one as PREFIX_%s and NAME=value do.
func noteStrings(path string, note func(text, where string)) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	name := regexp.MustCompile("^[\"`](DIB_[A-Z0-9_]+)([\"`=%])")
	ast.Inspect(parsed, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if match := name.FindStringSubmatch(literal.Value); match != nil {
				note(match[1], path)
			}
		}
		return true
	})
	return nil
}

// Each variable that the README of a built-in element names is one that the scan
// knows, and so can be set without a warning.
func TestDocumentedVariablesAreKnown(t *testing.T) {
	catalogue, _, err := element.Load(elements.FS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []element.Element
	for _, name := range catalogue.Names() {
		e, _ := catalogue.Lookup(name)
		all = append(all, e)
	}
	known, err := Of(all)
	if err != nil {
		t.Fatal(err)
	}
	documented := 0
	for _, e := range all {
		text, err := fs.ReadFile(e.FS, "README.md")
		if err != nil {
			continue // elements/structure_test.go wants one
		}
		for _, name := range regexp.MustCompile("`(DIB_[A-Z0-9_]*[A-Z0-9])`").FindAllStringSubmatch(string(text), -1) {
			documented++
			if !known.Knows(name[1]) {
				t.Errorf("%s documents %s, which nobody reads", e.Name, name[1])
			}
		}
	}
	if documented < 30 {
		t.Errorf("only %d variables were found", documented)
	}
}
