// SPDX-License-Identifier: MPL-2.0

package image

import (
	"os"
	"path/filepath"
	"testing"
)

func makeDirectory(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(path, "inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(path, "inner", "list"), text)
}

// What hooks put beside the image is published with it and replaces what an
// earlier build of that image left, with or without force.
func TestPublishTakesDirectoriesAlong(t *testing.T) {
	dir := t.TempDir()
	makeDirectory(t, filepath.Join(dir, "web.d"), "old")
	write(t, filepath.Join(dir, "web.vmlinuz"), "old")
	s := stage(t, dir, "web.raw")
	makeDirectory(t, s.file("web.d"), "new")
	write(t, s.file("web.vmlinuz"), "new")
	if _, err := s.Publish(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web.d/inner/list", "web.vmlinuz"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "new" {
			t.Errorf("%s: %q %v", name, text, err)
		}
	}
	if got := contents(t, dir); got != "web.d=directory; web.raw=new web.raw; web.vmlinuz=new" {
		t.Error(got)
	}
}

func TestPublishRollsDirectoriesBack(t *testing.T) {
	dir := t.TempDir()
	makeDirectory(t, filepath.Join(dir, "web.d"), "old")
	s := stage(t, dir)
	makeDirectory(t, s.file("web.d"), "new")
	p, err := s.placeDirectory("web.d")
	if err != nil {
		t.Fatal(err)
	}
	if err := undo([]placement{p}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "web.d/inner/list")); err != nil || string(text) != "old" {
		t.Errorf("%q %v", text, err)
	}
}

func TestPublishDirectoryOverAFileChangesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "web.d"), "a file")
	s := stage(t, dir, "web.raw")
	makeDirectory(t, s.file("web.d"), "new")
	if _, err := s.Publish(t.Context(), true); err == nil {
		t.Error("a directory replaced a file")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "web.d")); err != nil || string(text) != "a file" {
		t.Errorf("%q %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "web.raw")); err == nil {
		t.Error("the image was published although its companion could not be")
	}
}
