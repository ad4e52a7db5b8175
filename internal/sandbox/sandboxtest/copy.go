// SPDX-License-Identifier: MPL-2.0

package sandboxtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Listing is every path below dir with its permissions and contents.
func Listing(t *testing.T, dir string) string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		line := info.Mode().String() + " " + strings.TrimPrefix(path, dir+"/")
		switch {
		case info.Mode().IsRegular():
			text, _ := os.ReadFile(path)
			line += " = " + string(text)
		case info.Mode()&os.ModeSymlink != 0:
			link, _ := os.Readlink(path)
			line += " -> " + link
		}
		list = append(list, line)
		return err
	})
	must(t, err)
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// WantListing compares a Listing.
func WantListing(t *testing.T, dir string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := Listing(t, dir); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nnot\n%s", got, strings.Join(want, "\n"))
	}
}

// Source makes a directory on the host or in a tree to copy from.
func Source(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{"src/empty", "src/.hidden/deep", "src/cache/x"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	for name, mode := range map[string]os.FileMode{
		"src/run": 0o755, "src/.secret": 0o600, "src/.hidden/deep/file": 0o444, "src/a.log": 0o644, "src/cache/x/y": 0o644,
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(filepath.Base(name)), 0o600))
		must(t, os.Chmod(filepath.Join(dir, name), mode))
	}
	must(t, os.Chmod(filepath.Join(dir, "src/empty"), 0o711))
	must(t, os.Symlink("run", filepath.Join(dir, "src/link")))
	must(t, os.Symlink(".hidden/deep", filepath.Join(dir, "src/dirlink")))
}

// Copied is the Listing of what arrives of Source, under a prefix.
func Copied(prefix string, more ...string) []string {
	list := []string{
		"drwxr-xr-x %.hidden", "drwxr-xr-x %.hidden/deep", "-r--r--r-- %.hidden/deep/file = file", "-rw------- %.secret = .secret",
		"-rw-r--r-- %a.log = a.log", "drwxr-xr-x %cache", "drwxr-xr-x %cache/x", "-rw-r--r-- %cache/x/y = y",
		"drwxr-xr-x %dirlink", "-r--r--r-- %dirlink/file = file", "drwx--x--x %empty", "-rwxr-xr-x %link = run", "-rwxr-xr-x %run = run",
	}
	for i := range list {
		list[i] = strings.Replace(list[i], "%", prefix, 1)
	}
	return append(list, more...)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
