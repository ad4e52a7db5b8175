// SPDX-License-Identifier: MPL-2.0

package repeat_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/repeat"
)

func TestReadInTheOrderOfRegistration(t *testing.T) {
	got, err := repeat.Read(fstest.MapFS{
		".order": {Data: []byte("first\nsecond-thing\nthird\nfirst\n")},
		"first":  {Data: []byte("one")}, "second-thing": {Data: []byte("two")}, "third": {Data: []byte("three")},
		".new": {Data: []byte("half")},
	})
	if want := []repeat.Script{{Name: "second-thing", Text: "two"}, {Name: "third", Text: "three"}, {Name: "first", Text: "one"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if got, err := repeat.Read(fstest.MapFS{}); err != nil || len(got) > 0 {
		t.Errorf("of an empty directory: %v, %v", got, err)
	}
}

func TestReadRefuses(t *testing.T) {
	many := fstest.MapFS{".order": {}}
	for i := range repeat.MaxScripts + 1 {
		name := "n" + strings.Repeat("x", i)
		many[".order"].Data = append(many[".order"].Data, name+"\n"...)
		many[name] = &fstest.MapFile{}
	}
	for says, dir := range map[string]fstest.MapFS{
		"/lost was put there":       {"lost": {}},
		"file does not exist":       {".order": {Data: []byte("gone\n")}},
		`"Upper/case"`:              {".order": {Data: []byte("Upper/case\n")}, "Upper/case": {}},
		"/dir is no file":           {".order": {Data: []byte("dir\n")}, "dir": {Mode: fs.ModeDir}},
		"/link is no file":          {".order": {Data: []byte("link\n")}, "link": {Mode: fs.ModeSymlink, Data: []byte("/etc/passwd")}},
		"/long is longer":           {".order": {Data: []byte("long\n")}, "long": {Data: make([]byte, repeat.MaxBytes+1)}},
		"33 scripts are registered": many,
		"/.order is longer":         {".order": {Data: make([]byte, 1<<20)}},
	} {
		if got, err := repeat.Read(dir); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, %v; want an error with %q", got, err, says)
		}
	}
}

// The shell function and Read agree, in every shell.
func TestFunction(t *testing.T) {
	for _, shell := range []string{"dash", "bash --posix", "busybox sh"} {
		words := strings.Fields(shell)
		if _, err := command.LookPath(words[0], os.Getenv("PATH")); err != nil {
			t.Logf("not tried: %v", err)
			continue
		}
		dir := filepath.Join(t.TempDir(), "d")
		script := "set -eu\n" + strings.ReplaceAll(repeat.Function, repeat.Dir, dir) +
			"diskimage_repeat none /nonexistent\nmkdir " + dir + "\ncd " + dir + "\n" +
			"echo 'echo 1' >.x\ndiskimage_repeat b .x\ndiskimage_repeat a .x\necho 'echo 2' >.x\ndiskimage_repeat b .x\n"
		err := command.Host{}.Run(t.Context(), command.Command{Path: words[0], Args: append(words[1:], "-c", script)})
		if err != nil {
			t.Errorf("%s: %v", shell, err)
			continue
		}
		got, err := repeat.Read(os.DirFS(dir))
		if want := []repeat.Script{{Name: "a", Text: "echo 1\n"}, {Name: "b", Text: "echo 2\n"}}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", shell, got, err, want)
		}
	}
}
