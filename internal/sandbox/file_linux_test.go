// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox/sandboxtest"
)

// plain makes an empty tree beside a directory that nothing may reach.
func plain(t *testing.T) (guest *Guest, root, outside string) {
	t.Helper()
	base := t.TempDir()
	root, outside = filepath.Join(base, "tree"), filepath.Join(base, "outside")
	must(t, os.Mkdir(root, 0o755))
	must(t, os.Mkdir(outside, 0o755))
	return NewTree(root, command.Host{}).Guest(nil), root, outside
}

// fileInfo is the information about a new file on the host.
func fileInfo(t *testing.T, name string, mode os.FileMode) fs.FileInfo {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, os.Chmod(path, mode))
	info, err := os.Stat(path)
	must(t, err)
	return info
}

func TestPut(t *testing.T) {
	old := unix.Umask(0o077) // must not matter
	defer unix.Umask(old)
	guest, root, _ := plain(t)
	must(t, os.MkdirAll(filepath.Join(root, "dir"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "readonly"), []byte("old"), 0o400))
	must(t, os.Symlink("/dir/pointed", filepath.Join(root, "link")))
	must(t, os.Chmod(filepath.Join(root, "dir"), 0o755))
	puts := []struct {
		dst  string
		info fs.FileInfo
	}{
		{"/nothing known", nil},
		{"/a/b/c\nü", fileInfo(t, "x", 0o751)},
		{"relative", fileInfo(t, "x", 0o600)},
		{"/dir", fileInfo(t, "named", 0o644)},
		{"/new/", fileInfo(t, "named", 0o644)},
		{"/readonly", nil},
		{"/link", nil},
	}
	for _, p := range puts {
		if err := guest.Put(p.dst, strings.NewReader("text"), p.info); err != nil {
			t.Error(err)
		}
	}
	sandboxtest.WantListing(t, root, "drwxr-xr-x a", "drwxr-xr-x a/b", "-rwxr-x--x a/b/c\nü = text", "drwxr-xr-x dir",
		"-rw-r--r-- dir/named = text", "-rw-r--r-- dir/pointed = text", "Lrwxrwxrwx link -> /dir/pointed",
		"drwxr-xr-x new", "-rw-r--r-- new/named = text", "-rw-r--r-- nothing known = text",
		"-rw-r--r-- readonly = text", "-rw------- relative = text")
}

func TestPutRefuses(t *testing.T) {
	guest, root, _ := plain(t)
	must(t, os.MkdirAll(filepath.Join(root, "dir/sub"), 0o755))
	must(t, unix.Mkfifo(filepath.Join(root, "fifo"), 0o600))
	must(t, os.Symlink("loop", filepath.Join(root, "loop")))
	must(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o600))
	before := sandboxtest.Listing(t, root)
	for dst, info := range map[string]fs.FileInfo{
		"/dir": nil, "/dir/": nil, "/": nil, "": nil, "/dir/..": nil, "/fifo": nil, "/loop": nil, "/file/x": nil,
		"/dir/.": fileInfo(t, "sub", 0o600),
	} {
		if err := guest.Put(dst, strings.NewReader("x"), info); err == nil {
			t.Errorf("wrote %q", dst)
		} else if !strings.Contains(err.Error(), root) {
			t.Errorf("%q: the error does not say where: %v", dst, err)
		}
	}
	failing := &failingReader{}
	if err := guest.Put("/cut short", failing, nil); !errors.Is(err, errFailing) {
		t.Error(err)
	}
	if after := sandboxtest.Listing(t, root); after != before {
		t.Errorf("something was left:\n%s", after)
	}
}

var errFailing = errors.New("the reader failed")

type failingReader struct{ calls int }

func (f *failingReader) Read(p []byte) (int, error) {
	if f.calls++; f.calls > 1 {
		return 0, errFailing
	}
	return copy(p, "beginning"), nil
}

func TestPutReplacesARunningProgram(t *testing.T) {
	guest, root, _ := plain(t)
	sleep, err := exec.LookPath("sleep")
	must(t, err)
	text, err := os.ReadFile(sleep)
	must(t, err)
	must(t, guest.Put("/sleep", bytes.NewReader(text), fileInfo(t, "x", 0o755)))
	running := exec.Command(filepath.Join(root, "sleep"), "600")
	must(t, running.Start())
	defer func() { _ = running.Process.Kill(); _ = running.Wait() }()
	must(t, guest.Put("/sleep", strings.NewReader("new"), nil))
	if got, err := os.ReadFile(filepath.Join(root, "sleep")); err != nil || string(got) != "new" {
		t.Errorf("%q %v", got, err)
	}
}

func TestPutOwner(t *testing.T) {
	needRoot(t)
	guest, root, _ := plain(t)
	dir := filepath.Join(root, "group")
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.Chown(dir, 1234, 1234))
	must(t, os.Chmod(dir, 0o755|os.ModeSetgid))
	must(t, guest.Put("/group/sub/file", strings.NewReader(""), nil))
	for _, name := range []string{"sub", "sub/file"} {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if st := info.Sys().(*syscall.Stat_t); st.Uid != 0 || st.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", name, st.Uid, st.Gid)
		}
	}
}

func TestGet(t *testing.T) {
	guest, root, _ := plain(t)
	must(t, os.MkdirAll(filepath.Join(root, "a/b"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "a/file"), []byte("text"), 0o600))
	must(t, os.Symlink("/a/file", filepath.Join(root, "a/b/link")))
	must(t, unix.Mkfifo(filepath.Join(root, "fifo"), 0o600))
	for _, src := range []string{"/a/file", "a/b/link", "/a/b/../file", "/../../a/file"} {
		var w bytes.Buffer
		if err := guest.Get(src, &w); err != nil || w.String() != "text" {
			t.Errorf("%s: %q %v", src, w.String(), err)
		}
	}
	for _, src := range []string{"/none", "/a/none/x"} {
		if err := guest.Get(src, &bytes.Buffer{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), src) {
			t.Errorf("%s: %v", src, err)
		}
	}
	for _, src := range []string{"/a", "/fifo", ""} {
		if err := guest.Get(src, &bytes.Buffer{}); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestDirectoriesFollowTheSlashRule(t *testing.T) {
	for _, tc := range []struct {
		src, dst string
		want     []string
	}{
		{"/src", "/new", sandboxtest.Copied("new/src/", "drwxr-xr-x new", "drwxr-xr-x new/src")},
		{"/src/", "/new", sandboxtest.Copied("new/", "drwxr-xr-x new")},
		{"/src/", "/new/", sandboxtest.Copied("new/", "drwxr-xr-x new")},
		{"/src/", "/", sandboxtest.Copied("")},
	} {
		here := t.TempDir()
		sandboxtest.Source(t, here)
		guest, root, outside := plain(t)
		must(t, guest.PutDir(tc.dst, here+tc.src, nil))
		sandboxtest.WantListing(t, root, tc.want...)
		guest, root, _ = plain(t)
		sandboxtest.Source(t, root)
		must(t, guest.GetDir(tc.src, outside+tc.dst, nil))
		sandboxtest.WantListing(t, outside, tc.want...)
	}
}

func TestDirectoriesExclude(t *testing.T) {
	patterns := []string{"*.log", "/cache/x", "empty/", ".hidden", "dirlink", "link"}
	want := []string{"drwxr-xr-x src", "-rw------- src/.secret = .secret", "drwxr-xr-x src/cache", "-rwxr-xr-x src/run = run"}
	here := t.TempDir()
	sandboxtest.Source(t, here)
	guest, root, outside := plain(t)
	must(t, guest.PutDir("/", here+"/src", patterns))
	sandboxtest.WantListing(t, root, want...)
	sandboxtest.Source(t, root)
	must(t, guest.GetDir("/src", outside, patterns))
	sandboxtest.WantListing(t, outside, want...)
	for _, err := range []error{guest.PutDir("/", here, []string{"[x"}), guest.GetDir("/src", outside, []string{"[x"})} {
		if err == nil {
			t.Error("a bad pattern was accepted")
		}
	}
}

func TestDirectoriesNameWhatTheyLeaveOut(t *testing.T) {
	broken := func(dir string) {
		must(t, os.WriteFile(filepath.Join(dir, "z"), []byte("z"), 0o644))
		must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
		must(t, os.Symlink(".", filepath.Join(dir, "circle")))
		must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	}
	here := t.TempDir()
	broken(here)
	guest, root, _ := plain(t)
	errs := []error{guest.PutDir("/", here+"/", nil)}
	sandboxtest.WantListing(t, root, "-rw-r--r-- z = z")
	guest, root, outside := plain(t)
	broken(root)
	errs = append(errs, guest.GetDir("/", outside, nil))
	sandboxtest.WantListing(t, outside, "-rw-r--r-- z = z")
	for _, err := range errs {
		for _, name := range []string{"dangling", "circle", "fifo"} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s is not named: %v", name, err)
			}
		}
	}
	if err := guest.GetDir("/none", outside, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := guest.GetDir("/z", outside, nil); err == nil {
		t.Error("a file was taken for a directory")
	}
	if err := guest.PutDir("/", here+"/z", nil); err == nil {
		t.Error("a file was taken for a directory")
	}
}

func TestGlob(t *testing.T) {
	guest, root, outside := plain(t)
	for _, name := range []string{"var/log/a.log", "var/log/b.log", "var/log/.c.log", "var/log/d.log/in", "var/x[1]/f"} {
		must(t, os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755))
		must(t, os.WriteFile(filepath.Join(root, name), []byte("x"), 0o644))
	}
	for pattern, want := range map[string][]string{
		"/var/log/*.log": {"/var/log/a.log", "/var/log/b.log", "/var/log/d.log"},
		"/v*/l?g/[ab]*":  {"/var/log/a.log", "/var/log/b.log"},
		"/var/log/.*":    {"/var/log/.c.log"},
		"/none/*":        nil,
		"/../var/log/b*": {"/var/log/b.log"},
	} {
		got, err := guest.Glob(pattern)
		if pattern == "/../var/log/b*" {
			want = []string{"/../var/log/b.log"}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v", pattern, got, err)
		}
	}
	must(t, guest.GetDir("/var/log/*.log", outside, nil))
	sandboxtest.WantListing(t, outside, "-rw-r--r-- a.log = x", "-rw-r--r-- b.log = x", "drwxr-xr-x d.log", "-rw-r--r-- d.log/in = x")
	must(t, guest.GetDir("/var/x[1]/", filepath.Join(outside, "literal"), nil))
	if _, err := os.Stat(filepath.Join(outside, "literal/f")); err != nil {
		t.Error("a name with brackets:", err)
	}
	if err := guest.GetDir("/none/*", outside, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
