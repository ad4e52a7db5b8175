// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// make one element of files: "path" with mode 0755, "path°" with 0644,
// "path/" a directory, "path>target" a link. The content is the element's name.
func elementOf(name string, files ...string) element.Element {
	fsys := fstest.MapFS{}
	for _, file := range files {
		path, target, isLink := strings.Cut(file, ">")
		data, isData := strings.CutSuffix(file, "°")
		switch {
		case isLink:
			fsys[path] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
		case isData:
			fsys[data] = &fstest.MapFile{Data: []byte(name), Mode: 0o644}
		case strings.HasSuffix(file, "/"):
			fsys[strings.TrimSuffix(file, "/")] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		default:
			fsys[file] = &fstest.MapFile{Data: []byte(name), Mode: 0o755}
		}
	}
	return element.Element{Name: name, Dir: "/e/" + name, FS: fsys}
}

// content lists what is in a tree: "path=element", "path/" or "path>target".
func content(tree *Tree) []string {
	var lines []string
	for _, e := range tree.Entries() {
		switch {
		case e.Mode.IsDir():
			lines = append(lines, e.Path+"/")
		case e.Target != "":
			lines = append(lines, e.Path+">"+e.Target)
		default:
			lines = append(lines, e.Path+"="+e.Element)
		}
	}
	return lines
}

func TestMerge(t *testing.T) {
	tests := map[string]struct {
		elements []element.Element
		want     []string
	}{
		"directories of one name": {
			[]element.Element{elementOf("a", "install.d/10-a"), elementOf("b", "install.d/10-b", "static/etc/x°")},
			[]string{"install.d/", "install.d/10-a=a", "install.d/10-b=b", "static/", "static/etc/", "static/etc/x=b"},
		},
		"tests and byte code are left out": {
			[]element.Element{elementOf("a", "tests/x", "__pycache__/x", "x.pyc°", "x.py°", "test-elements/x/y", "bin/x.pyc")},
			[]string{"bin/", "bin/x.pyc=a", "test-elements/", "test-elements/x/", "test-elements/x/y=a", "x.py=a"},
		},
		"hidden entries of a first-level directory only": {
			[]element.Element{elementOf("a", "install.d/.x", "install.d/d/.y", ".hidden/z", ".top°")},
			[]string{".hidden/", ".hidden/z=a", ".top=a", "install.d/", "install.d/d/", "install.d/d/.y=a"},
		},
		"empty directories": {
			[]element.Element{elementOf("a", "static/empty/"), elementOf("b", "static/")},
			[]string{"static/", "static/empty/"},
		},
		"the last of top-level files stays": {
			[]element.Element{elementOf("a", "README.rst°"), elementOf("b", "README.rst°")},
			[]string{"README.rst=b"},
		},
		"the last of nested files stays": {
			[]element.Element{elementOf("a", "static/etc/x", "static/etc/y"), elementOf("b", "static/etc/x")},
			[]string{"static/", "static/etc/", "static/etc/x=b", "static/etc/y=a"},
		},
		"links stay": {
			[]element.Element{elementOf("a", "install.d/10-a", "bin/x>../install.d/10-a", "static/l>/etc/none", "link>bin/x", "gone>none")},
			[]string{"bin/", "bin/x>../install.d/10-a", "install.d/", "install.d/10-a=a", "link>bin/x", "static/", "static/l>/etc/none"},
		},
		"a directory may be a link": {
			[]element.Element{elementOf("a", "common/10-a", "install.d>common")},
			[]string{"common/", "common/10-a=a", "install.d/", "install.d/10-a=a"},
		},
		"a nested directory that is a link stays one": {
			[]element.Element{elementOf("a", "static/d/x", "static/l>d")},
			[]string{"static/", "static/d/", "static/d/x=a", "static/l>d"},
		},
		"nothing": {nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree, err := Merge(test.elements)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, content(tree)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMergeConflicts(t *testing.T) {
	tests := map[string]struct {
		a, b, path string
		types      bool
	}{
		"hooks":                     {"install.d/10-x", "install.d/10-x", "install.d/10-x", false},
		"data in a phase":           {"install.d/x°", "install.d/x", "install.d/x", false},
		"bin":                       {"bin/install-packages", "bin/install-packages", "bin/install-packages", false},
		"environment":               {"environment.d/10-x°", "environment.d/10-x°", "environment.d/10-x", false},
		"link and file":             {"bin/x>y", "bin/x", "bin/x", false},
		"file and directory":        {"static/etc", "static/etc/x", "static/etc", true},
		"directory and file":        {"static/etc/x", "static/etc", "static/etc", true},
		"nested file and directory": {"static/a/etc", "static/a/etc/x", "static/a/etc", true},
		"nested directory and link": {"static/a/etc/x", "static/a/etc>y", "static/a/etc", true},
		"top file and directory":    {"x°", "x/y", "x", true},
		"top directory and file":    {"x/y", "x°", "x", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Merge([]element.Element{elementOf("first", test.a), elementOf("second", test.b)})
			var got *ConflictError
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			want := &ConflictError{
				Path: test.path, First: "first", Second: "second", Types: test.types,
				FirstSource: "/e/first/" + test.path, SecondSource: "/e/second/" + test.path,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			for _, word := range []string{want.FirstSource, want.SecondSource, "rename"} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not mention %q", err, word)
				}
			}
			if !test.types && !strings.Contains(err.Error(), "duplicated hook") {
				t.Errorf("%q does not speak of a duplicated hook", err)
			}
		})
	}
}

func TestModesOfDirectories(t *testing.T) {
	first, second := elementOf("first"), elementOf("second")
	first.FS = fstest.MapFS{"static": {Mode: fs.ModeDir | 0o700}, "static/d": {Mode: fs.ModeDir | 0o700}}
	second.FS = fstest.MapFS{"static": {Mode: fs.ModeDir | 0o711}, "static/d": {Mode: fs.ModeDir | 0o711}}
	tree := merge(t, first, second)
	for path, want := range map[string]fs.FileMode{"static": 0o755, "static/d": 0o711} {
		if e, _ := tree.Lookup(path); e.Mode != fs.ModeDir|want {
			t.Errorf("%s has mode %v", path, e.Mode)
		}
	}
}

func TestMergeRefusesOtherTypes(t *testing.T) {
	odd := elementOf("odd")
	odd.FS = fstest.MapFS{"install.d/pipe": {Mode: fs.ModeNamedPipe | 0o644}}
	_, err := Merge([]element.Element{odd})
	if err == nil || !strings.Contains(err.Error(), "/e/odd/install.d/pipe") {
		t.Errorf("got %v", err)
	}
}

func TestRunnableMarksScripts(t *testing.T) {
	fsys := fstest.MapFS{
		"script": {Data: []byte("#!/bin/sh\n"), Mode: 0o644},
		"data":   {Data: []byte("# no script\n"), Mode: 0o644},
		"dir":    {Mode: fs.ModeDir | 0o755},
	}
	for name, want := range map[string]fs.FileMode{"script": 0o755, "data": 0o644, "dir": fs.ModeDir | 0o755} {
		info, err := fs.Stat(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		if info, err = runnable(fsys, name, info); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
