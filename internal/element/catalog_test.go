// SPDX-License-Identifier: MPL-2.0

package element

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestLoadReadsBuiltinAndPath(t *testing.T) {
	dir := onDisk(t, "mine <base >operating-system")
	c := load(t, tree("base", "vm <bootloader"), dir)
	if diff := cmp.Diff([]string{"base", "mine", "vm"}, c.Names()); diff != "" {
		t.Error(diff)
	}
	mine, ok := c.Lookup("mine")
	if !ok || mine.Builtin || mine.Dir != filepath.Join(dir, "mine") {
		t.Errorf("mine: %v %+v", ok, mine)
	}
	if diff := cmp.Diff([]string{"base"}, mine.Deps); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{OperatingSystem}, mine.Provides); diff != "" {
		t.Error(diff)
	}
	vm, ok := c.Lookup("vm")
	if !ok || !vm.Builtin || vm.Dir != "builtin:vm" {
		t.Errorf("vm: %v %+v", ok, vm)
	}
	for _, e := range []Element{mine, vm} {
		readme, err := fs.ReadFile(e.FS, "README.rst")
		if err != nil || string(readme) != e.Name {
			t.Errorf("%s: README is %q, %v", e.Name, readme, err)
		}
	}
	if _, ok := c.Lookup(OperatingSystem); ok {
		t.Error("a virtual name was found as an element")
	}
	if diff := cmp.Diff([]string{"mine"}, c.Providers(OperatingSystem)); diff != "" {
		t.Error(diff)
	}
}

func TestFirstPathWins(t *testing.T) {
	first, second := onDisk(t, "x <first"), onDisk(t, "x <second", "y")
	c, warnings, err := Load(tree("x <builtin", "z"), []string{first, second})
	if err != nil {
		t.Fatal(err)
	}
	x, _ := c.Lookup("x")
	if diff := cmp.Diff([]string{"first"}, x.Deps); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"element x in " + first + "/x overrides " + second + "/x",
		"element x in " + first + "/x overrides builtin:x",
	}
	if diff := cmp.Diff(want, messages(warnings)); diff != "" {
		t.Error(diff)
	}
	for _, w := range warnings {
		if w.Element != "x" {
			t.Errorf("warning about %q", w.Element)
		}
	}
}

func TestSamePathTwiceOverridesNothing(t *testing.T) {
	dir := onDisk(t, "x")
	if _, warnings, err := Load(nil, []string{dir, dir}); err != nil || len(warnings) > 0 {
		t.Errorf("%v, %v", warnings, err)
	}
}

func TestSymbolicLinks(t *testing.T) {
	dir, other := onDisk(t, "x"), onDisk(t, "real <x")
	links := map[string]string{
		"alias":   filepath.Join(other, "real"), // known as "real" only
		"again":   "alias",
		"nowhere": filepath.Join(other, "none"),
		"file":    filepath.Join(other, "real", "README.rst"),
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	linked := filepath.Join(other, "linked-path")
	if err := os.Symlink(dir, linked); err != nil {
		t.Fatal(err)
	}
	c, warnings, err := Load(nil, []string{linked})
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	if diff := cmp.Diff([]string{"real", "x"}, c.Names()); diff != "" {
		t.Error(diff)
	}
	found, _ := c.Lookup("real")
	if want := filepath.Join(other, "real"); found.Dir != want {
		t.Errorf("real is at %s, want %s", found.Dir, want)
	}
	for _, name := range []string{"alias", "again"} {
		_, err := c.Resolve(Request{Elements: []string{name}, SkipBase: true})
		if err == nil || !strings.Contains(err.Error(), name+`" not found`) || !strings.Contains(err.Error(), "called real") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRelativePathGivesAbsoluteDir(t *testing.T) {
	dir := onDisk(t, "elements/x")
	t.Chdir(dir)
	x, _ := load(t, nil, "elements").Lookup("x")
	if want := filepath.Join(dir, "elements", "x"); x.Dir != want {
		t.Errorf("x is at %s, want %s", x.Dir, want)
	}
}

func TestHiddenDirectoriesOverrideSilently(t *testing.T) {
	first, second := onDisk(t, ".git", "__pycache__"), onDisk(t, ".git", "__pycache__")
	c, warnings, err := Load(nil, []string{first, second})
	if err != nil || len(warnings) > 0 {
		t.Errorf("%v, %v", warnings, err)
	}
	if diff := cmp.Diff([]string{".git", "__pycache__"}, c.Names()); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidElementDirs(t *testing.T) {
	dir := onDisk(t, "x")
	file := filepath.Join(dir, "x", "README.rst")
	none := filepath.Join(dir, "none")
	_, _, err := Load(nil, []string{dir, file, "", none})
	var got []string
	for _, err := range flatten(err) {
		var invalid *InvalidElementDirError
		if !errors.As(err, &invalid) {
			t.Fatalf("not an InvalidElementDirError: %v", err)
		}
		got = append(got, invalid.Path)
	}
	if diff := cmp.Diff([]string{file, "", none}, got); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("what the system said about the last is lost")
	}
	for _, want := range []string{file, "is not a directory", "empty part", none} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not mention %q", err, want)
		}
	}
}

func TestUnreadableLists(t *testing.T) {
	dir := onDisk(t, "x/"+DepsFile) // a directory of that name
	_, _, err := Load(nil, []string{dir})
	if err == nil || !strings.Contains(err.Error(), `"x"`) || !strings.Contains(err.Error(), DepsFile) {
		t.Errorf("got %v", err)
	}
	_, _, err = Load(fstest.MapFS{"y/" + ProvidesFile: {Mode: fs.ModeDir}}, nil)
	if err == nil || !strings.Contains(err.Error(), "builtin:y") || !strings.Contains(err.Error(), ProvidesFile) {
		t.Errorf("got %v", err)
	}
}

// flatten takes joined errors apart, with whatever is wrapped around them.
func flatten(err error) []error {
	for err != nil {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			var all []error
			for _, part := range joined.Unwrap() {
				all = append(all, flatten(part)...)
			}
			return all
		}
		if errors.Unwrap(err) == nil || isTyped(err) {
			return []error{err}
		}
		err = errors.Unwrap(err)
	}
	return nil
}

func isTyped(err error) bool {
	switch err.(type) {
	case *InvalidElementDirError, *MissingElementError, *AlreadyProvidedError, *MissingOSError:
		return true
	}
	return false
}
