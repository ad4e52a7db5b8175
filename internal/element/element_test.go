// SPDX-License-Identifier: MPL-2.0

package element

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// tree makes a file system of elements from lines "name <dep >provided".
func tree(lines ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, line := range lines {
		words := strings.Fields(line)
		var deps, provides string
		for _, word := range words[1:] {
			if dep, ok := strings.CutPrefix(word, "<"); ok {
				deps += dep + "\n"
			} else {
				provides += strings.TrimPrefix(word, ">") + "\n"
			}
		}
		fsys[words[0]+"/README.rst"] = &fstest.MapFile{Data: []byte(words[0])}
		if deps != "" {
			fsys[words[0]+"/"+DepsFile] = &fstest.MapFile{Data: []byte(deps)}
		}
		if provides != "" {
			fsys[words[0]+"/"+ProvidesFile] = &fstest.MapFile{Data: []byte(provides)}
		}
	}
	return fsys
}

// onDisk writes a tree to a temporary directory and returns its real path.
func onDisk(t *testing.T, lines ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, tree(lines...)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func load(t *testing.T, builtin fstest.MapFS, paths ...string) *Catalog {
	t.Helper()
	c, _, err := Load(builtin, paths)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func messages(warnings []Warning) []string {
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.String())
	}
	return texts
}

func TestParseList(t *testing.T) {
	tests := map[string]struct {
		content string
		want    []string
	}{
		"empty":         {"", nil},
		"blank lines":   {"\n  \n\t\n", nil},
		"sorted":        {"vm\nbase\n", []string{"base", "vm"}},
		"duplicates":    {"vm\nvm\n vm\n", []string{"vm"}},
		"white space":   {"  vm \t\n\u00a0base\x1c\n", []string{"base", "vm"}},
		"no newline":    {"vm", []string{"vm"}},
		"line ends":     {"a\r\nb\rc\n", []string{"a", "b", "c"}},
		"no comments":   {"# needed\nvm # yes\n", []string{"# needed", "vm # yes"}},
		"inner space":   {"vm base\n", []string{"vm base"}},
		"case is meant": {"VM\nvm\n", []string{"VM", "vm"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ParseList([]byte(test.content))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseList(f *testing.F) {
	for _, seed := range []string{"", "vm\nbase\n", " a \r\n\r\n#b c\n", "\x1c\u0085x\u2028y\n", "\xff\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		names := ParseList(content)
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("not a sorted set: %q", names)
		}
		for _, name := range names {
			if name == "" || name != strings.TrimSpace(name) || strings.ContainsAny(name, "\r\n") {
				t.Errorf("bad name %q", name)
			}
			if !strings.Contains(string(content), name) {
				t.Errorf("invented name %q", name)
			}
		}
		again := ParseList([]byte(strings.Join(names, "\n")))
		if !slices.Equal(again, names) {
			t.Errorf("%q, read again: %q", names, again)
		}
	})
}

func TestSplitPath(t *testing.T) {
	sep := string(filepath.ListSeparator)
	for value, want := range map[string][]string{
		"":                  nil,
		"/a":                {"/a"},
		"/a" + sep + "/b":   {"/a", "/b"},
		"/a" + sep:          {"/a", ""},
		sep + "/a":          {"", "/a"},
		"/a" + sep + sep:    {"/a", "", ""},
		"a b" + sep + "./c": {"a b", "./c"},
	} {
		if diff := cmp.Diff(want, SplitPath(value)); diff != "" {
			t.Errorf("%q: %s", value, diff)
		}
	}
}
