// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "write executables.txt from the run bits of the tree")

// walk calls visit for every path below the package's directory that belongs to an element.
func walk(t *testing.T, visit func(name string, info fs.FileInfo)) {
	t.Helper()
	root := os.DirFS(".")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !strings.Contains(name, "/") && !entry.IsDir() || name == "." {
			return nil
		}
		info, err := os.Lstat(filepath.FromSlash(name))
		if err == nil {
			visit(name, info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExecutables(t *testing.T) {
	var names []string
	walk(t, func(name string, info fs.FileInfo) {
		if !info.IsDir() && info.Mode()&0o111 != 0 {
			names = append(names, name)
		}
	})
	want := strings.Join(names, "\n") + "\n"
	if *update {
		if err := os.WriteFile("executables.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if executables != want {
		t.Errorf("executables.txt does not list the files with run bits: run go generate ./elements\nlisted:\n%s\ntree:\n%s", executables, want)
	}
}

func TestTreeHasOnlyPlainFilesWithOrdinaryModes(t *testing.T) {
	walk(t, func(name string, info fs.FileInfo) {
		mode := info.Mode()
		switch {
		case mode.IsDir() && mode.Perm() != 0o755,
			mode.IsRegular() && mode.Perm() != 0o755 && mode.Perm() != 0o644,
			!mode.IsDir() && !mode.IsRegular():
			t.Errorf("%s has mode %v: built-in elements have directories 0755 and files 0755 or 0644 only", name, mode)
		}
	})
}

func TestFSIsAFileSystem(t *testing.T) {
	err := fstest.TestFS(FS(), "base/element-deps", "dpkg/bin/install-packages",
		"debian-minimal/root.d/75-debian-minimal-baseinstall")
	if err != nil {
		t.Error(err)
	}
}

func TestFSShowsElementsOnly(t *testing.T) {
	entries, err := fs.ReadDir(FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			t.Errorf("%s is at the top and no directory", entry.Name())
		}
	}
	for _, name := range []string{"README.md", "elements.go"} {
		if _, err := FS().Open(name); err == nil {
			t.Errorf("%s can be opened", name)
		}
	}
}

func TestExtractKeepsModesAndContent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "elements")
	if err := Extract(dir); err != nil {
		t.Fatal(err)
	}
	var want []string
	walk(t, func(name string, info fs.FileInfo) {
		want = append(want, name)
		got, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			return
		}
		if got.Mode() != info.Mode() {
			t.Errorf("%s: mode %v, in the tree %v", name, got.Mode(), info.Mode())
		}
		if info.IsDir() {
			return
		}
		a, _ := os.ReadFile(filepath.FromSlash(name))
		b, _ := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if string(a) != string(b) {
			t.Errorf("%s: content differs", name)
		}
	})
	var got []string
	_ = fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, _ error) error {
		if name != "." {
			got = append(got, name)
		}
		return nil
	})
	if !slices.Equal(got, want) {
		t.Errorf("extracted %d paths, the tree has %d", len(got), len(want))
	}
}

func TestExtractReportsWhatFailed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Extract(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Extract onto a file: %v", err)
	}
}
