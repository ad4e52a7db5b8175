// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// onDisk lists a directory as "path mode content-or-target".
func onDisk(t *testing.T, dir string) []string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		line := strings.TrimPrefix(path, dir+"/") + " " + info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(content)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line += " " + target
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestWrite(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	changed := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	e := elementOf("a", "install.d/10-a", "install.d/data°", "bin/x>../install.d/10-a")
	fsys := e.FS.(fstest.MapFS)
	fsys["static/closed"] = &fstest.MapFile{Mode: fs.ModeDir | 0o555, ModTime: changed}
	fsys["static/closed/file"] = &fstest.MapFile{Mode: 0o440, ModTime: changed, Data: []byte("a\x00b")}
	fsys["static/open"] = &fstest.MapFile{Mode: fs.ModeDir | fs.ModeSticky | 0o777}
	fsys["static/suid"] = &fstest.MapFile{Mode: fs.ModeSetuid | 0o755}
	fsys["element-deps"] = &fstest.MapFile{Mode: 0o666, Data: []byte("b\n")}

	dst := filepath.Join(t.TempDir(), "build", "hooks")
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dst, "static", "closed"), 0o755) })
	if err := merge(t, e).Write(dst); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bin drwxr-xr-x", "bin/x Lrwxrwxrwx ../install.d/10-a",
		"element-deps -rw-rw-rw- b\n",
		"install.d drwxr-xr-x", "install.d/10-a -rwxr-xr-x a", "install.d/data -rw-r--r-- a",
		"static drwxr-xr-x",
		"static/closed dr-xr-xr-x", "static/closed/file -r--r----- a\x00b",
		"static/open dtrwxrwxrwx", "static/suid urwxr-xr-x ",
	}
	if diff := cmp.Diff(want, onDisk(t, dst)); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"static/closed", "static/closed/file"} {
		if info, err := os.Stat(filepath.Join(dst, name)); err != nil || !info.ModTime().Equal(changed) {
			t.Errorf("%s: changed %v, %v", name, info.ModTime(), err)
		}
	}
}

func TestWriteAgreesWithPlan(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	catalog, _, err := element.Load(inventory(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := catalog.Resolve(element.Request{Elements: []string{"rocky-container", "vm"}})
	if err != nil {
		t.Fatal(err)
	}
	tree, dst := merge(t, set.Elements...), t.TempDir()
	if err := tree.Write(dst); err != nil {
		t.Fatal(err)
	}
	names := func(hooks []Hook) (names []string) {
		for _, h := range hooks {
			names = append(names, h.Name)
		}
		return names
	}
	run, ignored, err := List(filepath.Join(dst, "pre-install.d"))
	if err != nil || len(ignored) > 0 {
		t.Error(ignored, err)
	}
	if diff := cmp.Diff(names(tree.Hooks("pre-install.d")), run); diff != "" {
		t.Error(diff)
	}
	environment, err := ListEnvironment(filepath.Join(dst, EnvironmentDir))
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(names(tree.EnvironmentFiles()), environment); diff != "" {
		t.Error(diff)
	}
}

func TestWriteRefusesFullDirectory(t *testing.T) {
	dst := fill(t, "there")
	err := merge(t, elementOf("a", "install.d/x")).Write(dst)
	if err == nil || !strings.Contains(err.Error(), dst) || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("got %v", err)
	}
	if got := onDisk(t, dst); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestWriteSaysWhichFileFailed(t *testing.T) {
	e := elementOf("a", "install.d/x")
	tree := merge(t, e)
	delete(e.FS.(fstest.MapFS), "install.d/x")
	err := tree.Write(t.TempDir())
	if err == nil || !strings.Contains(err.Error(), `install.d/x of element "a"`) {
		t.Errorf("got %v", err)
	}
}
