// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOSRelease(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       OS
		release    string
	}{
		{"Debian", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n",
			OS{ID: "debian", Version: "12", Codename: "bookworm"}, "bookworm"},
		{"no code name, single quotes, comment", "# ID=x\nID='fedora'\nVERSION_ID=41\nVERSION_CODENAME=\"\"", OS{ID: "fedora", Version: "41"}, "41"},
		{"escapes and a line that is none", "ID=\"a\\\"b\\$c\"\nnonsense\n =\n", OS{ID: `a"b$c`}, ""},
		{"empty", "", OS{}, ""},
	} {
		got := parseOSRelease(tc.text)
		if got != tc.want || got.Release() != tc.release {
			t.Errorf("%s: %+v, release %q", tc.name, got, got.Release())
		}
	}
}

// A tree's links mean the tree: what they lead to on the host is not told.
func TestOSOfATree(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "os-release")
	if err := os.WriteFile(outside, []byte("ID=host\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	for _, dir := range []string{"etc", "usr/lib"} {
		if err := os.MkdirAll(filepath.Join(tree, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	asked := func(what string, want OS) {
		t.Helper()
		if got, err := osOf(tree); err != nil || got != want {
			t.Errorf("%s: %+v %v", what, got, err)
		}
	}
	asked("a tree without os-release", OS{})
	link := filepath.Join(tree, "etc/os-release")
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	asked("a link that leads out of the tree", OS{})
	if err := os.WriteFile(filepath.Join(tree, "usr/lib/os-release"), []byte("ID=tree\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	asked("only the file of usr/lib", OS{ID: "tree"})
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../usr/lib/os-release", link); err != nil {
		t.Fatal(err)
	}
	asked("the usual link", OS{ID: "tree"})
}
