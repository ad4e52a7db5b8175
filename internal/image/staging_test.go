// SPDX-License-Identifier: MPL-2.0

package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func stage(t *testing.T, dir string, files ...string) *Staging {
	t.Helper()
	s, err := Stage(dir, "web")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Discard() })
	for _, name := range files {
		write(t, s.Path(name), "new "+name)
	}
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// contents is a directory as "name=text", sorted, separated by "; ".
func contents(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			text = []byte("directory")
		}
		all = append(all, e.Name()+"="+string(text))
	}
	return strings.Join(all, "; ")
}

func TestPublishKeepsTheOrderOfPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := stage(t, dir, "web.raw", "web.qcow2")
	write(t, s.file("aside.txt"), "new aside.txt")
	write(t, s.Scratch("disk"), "not an output")
	s.Path("never-made.tar")
	if got := contents(t, dir); strings.Contains(got, "web.raw") {
		t.Errorf("visible before Publish: %s", got)
	}
	paths, err := s.Publish(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"web.raw", "web.qcow2", "aside.txt"}
	for i := range want {
		if len(paths) != len(want) || paths[i] != filepath.Join(dir, want[i]) {
			t.Fatalf("got %v, want %v", paths, want)
		}
	}
	if got := contents(t, dir); got != "aside.txt=new aside.txt; web.qcow2=new web.qcow2; web.raw=new web.raw" {
		t.Error(got)
	}
	if err := s.Discard(); err != nil {
		t.Error(err)
	}
	if _, err := s.Publish(t.Context(), false); err == nil {
		t.Error("published twice")
	}
}

func TestPublishOverEarlierOutputs(t *testing.T) {
	for _, tc := range []struct {
		name  string
		force bool
		want  string
		fails string
	}{
		{"refused", false, "web.qcow2=old", "web.qcow2 already exists"},
		{"forced", true, "web.qcow2=new web.qcow2; web.raw=new web.raw", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "web.qcow2"), "old")
			s := stage(t, dir, "web.raw", "web.qcow2")
			_, err := s.Publish(t.Context(), tc.force)
			var exists *ExistsError
			if tc.fails == "" && err != nil ||
				tc.fails != "" && (!errors.As(err, &exists) || !strings.Contains(err.Error(), tc.fails)) {
				t.Errorf("got %v", err)
			}
			if err := s.Discard(); err != nil {
				t.Error(err)
			}
			if got := contents(t, dir); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestPublishNamesEveryFileInTheWay(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "old")
	write(t, filepath.Join(dir, "c"), "old")
	_, err := stage(t, dir, "a", "b", "c").Publish(t.Context(), false)
	var exists *ExistsError
	if !errors.As(err, &exists) || len(exists.Paths) != 2 || !strings.Contains(err.Error(), "already exist;") {
		t.Errorf("got %v", err)
	}
}

func TestPublishNeverReplacesWhatAppearedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	s := stage(t, dir, "a", "b")
	write(t, filepath.Join(dir, "b"), "another build's")
	// placeAll comes after the check that would have seen b.
	_, err := s.placeAll([]string{"a", "b"}, false)
	var exists *ExistsError
	if !errors.As(err, &exists) {
		t.Errorf("got %v", err)
	}
	if err := s.Discard(); err != nil {
		t.Error(err)
	}
	if got := contents(t, dir); got != "b=another build's" {
		t.Error(got)
	}
}

func TestPublishRollsBack(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "old a")
	s := stage(t, dir, "a", "b", "c")
	if err := os.Remove(s.Path("c")); err != nil {
		t.Fatal(err)
	}
	// The third step fails: its file is not there.
	if _, err := s.placeAll([]string{"a", "b", "c"}, true); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := s.Discard(); err != nil {
		t.Error(err)
	}
	if got := contents(t, dir); got != "a=old a" {
		t.Errorf("got %s", got)
	}
}

func TestPublishOverADirectoryChangesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "old a")
	if err := os.Mkdir(filepath.Join(dir, "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := stage(t, dir, "a", "b")
	if _, err := s.Publish(t.Context(), true); err == nil || !strings.Contains(err.Error(), "is in the way") {
		t.Errorf("got %v", err)
	}
	if err := s.Discard(); err != nil {
		t.Error(err)
	}
	if got := contents(t, dir); got != "a=old a; b=directory" {
		t.Error(got)
	}
}

func TestPublishCancelledChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	s := stage(t, dir, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Publish(ctx, true); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := s.Discard(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory made for the outputs: %v", err)
	}
}

func TestDiscardLeavesWhatOthersMade(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "a", "b")
	s := stage(t, dir, "x")
	write(t, filepath.Join(base, "a", "note"), "mine")
	if err := errors.Join(s.Discard(), s.Discard()); err != nil {
		t.Error(err)
	}
	if got := contents(t, filepath.Join(base, "a")); got != "note=mine" {
		t.Error(got)
	}
}

func TestStageRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	for _, tc := range []struct{ output, name, want string }{
		{dir, "a/b", "plain file name"},
		{dir, "..", "plain file name"},
		{dir, "", "plain file name"},
		{filepath.Join(dir, "file"), "a", "not a directory"},
		{filepath.Join(dir, "file", "below"), "a", "not a directory"},
	} {
		if _, err := Stage(tc.output, tc.name); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %q: %v", tc.output, tc.name, err)
		}
	}
	if got := contents(t, dir); got != "file=" {
		t.Error(got)
	}
}

func TestStageSweepsKilledBuildsOfTheSameImage(t *testing.T) {
	dir := t.TempDir()
	alive := stage(t, dir, "x")
	for _, name := range []string{".web.partial-deadbeef", ".other.partial-deadbeef"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "lock"), "")
	}
	s, err := Stage(dir, "web")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Discard()
	if got := s.Swept(); len(got) != 1 || filepath.Base(got[0]) != ".web.partial-deadbeef" {
		t.Errorf("swept %v", got)
	}
	if _, err := os.Stat(alive.Path("x")); err != nil {
		t.Errorf("a running build was swept: %v", err)
	}
}

func TestExisting(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "b"), "")
	got, err := Existing(dir, []string{"a", "b"})
	if err != nil || len(got) != 1 || got[0] != filepath.Join(dir, "b") {
		t.Errorf("%v %v", got, err)
	}
	if got, err := Existing(filepath.Join(dir, "none"), []string{"a"}); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}
