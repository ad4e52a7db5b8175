// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox/sandboxtest"
)

// file is information about a file that is nowhere, as ansible's proxy makes it up.
type file struct {
	name string
	mode fs.FileMode
	size int64
}

func (f file) Name() string       { return f.name }
func (f file) Size() int64        { return f.size }
func (f file) Mode() fs.FileMode  { return f.mode }
func (f file) ModTime() time.Time { return time.Time{} }
func (f file) IsDir() bool        { return f.mode.IsDir() }
func (f file) Sys() any           { return nil }

// upload uploads the text "new" with the information given, if any.
func (s *subject) upload(dst string, info ...file) error {
	if len(info) == 0 {
		return s.Upload(dst, strings.NewReader("new"), nil)
	}
	var about fs.FileInfo = info[0]
	return s.Upload(dst, strings.NewReader("new"), &about)
}

// work makes a directory in the tree that holds nothing else.
func (s *subject) work(t *testing.T) string {
	t.Helper()
	must(t, os.Mkdir(s.path("work"), 0o755))
	return s.path("work")
}

func TestCommunicatorUpload(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		work := s.work(t)
		must(t, os.MkdirAll(s.path("work/dir"), 0o755))
		must(t, os.MkdirAll(s.path("root"), 0o755))
		for name, mode := range map[string]os.FileMode{"old": 0o755, "read only": 0o400} {
			must(t, os.WriteFile(filepath.Join(work, name), []byte("older and longer"), mode))
		}
		for link, to := range map[string]string{"absolute": "/work/a", "relative": "./b", "up": "../../../work/c", "to dir": "dir"} {
			must(t, os.Symlink(to, filepath.Join(work, link)))
		}
		known := file{name: "named", mode: 0o751}
		for dst, info := range map[string][]file{
			"/work/unknown": nil, "/work/known": {known}, "work/from the root": nil, "/work/old": nil, "/work/read only": {known},
			"/work/missing/parents/file": nil, "/work/dir": {known}, "/work/to dir": {{name: "linked", mode: 0o600}},
			"/work/slash/": {known}, "/work/new\nline 'ü' \"*\" $X": nil, "/work/setuid": {{mode: 0o4755}},
			"/work/absolute": nil, "/work/relative": nil, "/work/up": nil, "/../../work/above": nil,
			"/work/pipe": {{mode: fs.ModeNamedPipe | 0o600}}, "/work/no mode": {{}}, "~/../work/home": nil,
		} {
			if err := s.upload(dst, info...); err != nil {
				t.Error(err)
			}
		}
		sandboxtest.WantListing(t, work, "-rw-r--r-- unknown = new", "-rwxr-x--x known = new", "-rw-r--r-- from the root = new",
			"-rw-r--r-- old = new", "-rwxr-x--x read only = new", "drwxr-xr-x missing", "drwxr-xr-x missing/parents",
			"-rw-r--r-- missing/parents/file = new", "drwxr-xr-x dir", "-rwxr-x--x dir/named = new", "-rw------- dir/linked = new",
			"drwxr-xr-x slash", "-rwxr-x--x slash/named = new", "-rw-r--r-- new\nline 'ü' \"*\" $X = new", "-rwxr-xr-x setuid = new",
			"Lrwxrwxrwx absolute -> /work/a", "-rw-r--r-- a = new", "Lrwxrwxrwx relative -> ./b", "-rw-r--r-- b = new",
			"Lrwxrwxrwx up -> ../../../work/c", "-rw-r--r-- c = new", "-rw-r--r-- above = new", "Lrwxrwxrwx to dir -> dir",
			"-rw-r--r-- pipe = new", "-rw-r--r-- no mode = new", "-rw-r--r-- home = new")
		s.want(t, "stat -c %u:%g /work/unknown /work/missing /work/read\\ only", "0:0\n0:0\n0:0\n")
	})
}

// A refused upload says what is wrong, and leaves everything as it was.
func TestCommunicatorUploadErrors(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		work := s.work(t)
		must(t, os.MkdirAll(s.path("work/dir/sub"), 0o755))
		must(t, os.WriteFile(s.path("work/file"), []byte("old"), 0o600))
		must(t, unix.Mkfifo(s.path("work/fifo"), 0o600))
		must(t, os.Symlink("loop", s.path("work/loop")))
		before := sandboxtest.Listing(t, work)
		for _, tc := range []struct {
			dst  string
			info []file
			want string
		}{
			{"/work/dir", nil, "give the full destination path"},
			{"/work/dir/", nil, "give the full destination path"},
			{"", nil, "give the full destination path"},
			{"/work/file/below", nil, "not a directory"},
			{"/work/fifo", nil, "not a regular file"},
			{"/work/loop", nil, "too many levels of symbolic links"},
			{"/work/dir", []file{{name: "sub"}}, "is a directory"},
			{"/work/file", []file{{mode: fs.ModeDir | 0o755}}, "not a regular file"},
			{"/work/file", []file{{mode: 0o644, size: 4}}, "only 3 of 4 bytes came"},
		} {
			err := s.upload(tc.dst, tc.info...)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.dst+" in "+s.root) {
				t.Errorf("%q: %v", tc.dst, err)
			}
		}
		// A source that breaks is noticed even where only its end is to be seen.
		var info fs.FileInfo = file{size: 100}
		broken := io.MultiReader(strings.NewReader("new"), iotest.ErrReader(errors.New("broken")))
		if err := s.Upload("/work/file", broken, &info); err == nil {
			t.Error("half a file was taken for a whole one")
		}
		if after := sandboxtest.Listing(t, work); after != before {
			t.Errorf("now there is\n%s", after)
		}
	})
}

func TestCommunicatorReplacesARunningProgram(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		must(t, os.Link(s.path("bin/busybox"), s.path("tmp/sleep")))
		cmd := &packersdk.RemoteCmd{Command: "exec /tmp/sleep 900"}
		must(t, s.Start(t.Context(), cmd))
		s.running(t, "/tmp/sleep", "900")
		if got := s.run(t, "echo >> /tmp/sleep", nil); !strings.Contains(got.errs, "Text file busy") {
			t.Errorf("it is not busy: %+v", got)
		}
		must(t, s.Upload("/tmp/sleep", strings.NewReader("#!/bin/sh\necho new\n"), nil))
		s.want(t, "chmod +x /tmp/sleep && /tmp/sleep", "new\n")
		must(t, s.guest.KillAll(t.Context()))
		ended(t, cmd)
		s.want(t, "/bin/busybox echo the other name is untouched", "the other name is untouched\n")
	})
}

// bigSize is that of docker's acceptance test for uploads.
const bigSize = 100 << 20

// big makes a sparse file of that size with something at its beginning and end.
func big(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "big")
	must(t, os.WriteFile(name, []byte("begin"), 0o640))
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("end"), bigSize-3)
	must(t, errors.Join(err, f.Close()))
	return name
}

func sum(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	must(t, err)
	return fmt.Sprintf("%d %x", n, h.Sum(nil))
}

func TestCommunicatorBigFiles(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		source := big(t)
		f, err := os.Open(source)
		must(t, err)
		defer f.Close()
		info, err := f.Stat()
		must(t, err)
		must(t, s.Upload("/tmp/big", f, &info))
		back, err := os.Create(filepath.Join(t.TempDir(), "back"))
		must(t, err)
		defer back.Close()
		must(t, s.Download("/tmp/big", back))
		if want, got := sum(t, source), sum(t, back.Name()); got != want {
			t.Errorf("%s became %s", want, got)
		}
		var st syscall.Stat_t
		must(t, syscall.Stat(s.path("tmp/big"), &st))
		if st.Mode&0o7777 != 0o640 {
			t.Errorf("mode %o", st.Mode)
		}
	})
}

func TestCommunicatorUploadDir(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		here := t.TempDir()
		sandboxtest.Source(t, here)
		for i, tc := range []struct {
			dst, src string
			exclude  []string
			want     []string
		}{
			{dst: "/new", src: "/src", want: sandboxtest.Copied("new/src/", "drwxr-xr-x new", "drwxr-xr-x new/src")},
			{dst: "/new/", src: "/src", want: sandboxtest.Copied("new/src/", "drwxr-xr-x new", "drwxr-xr-x new/src")},
			{dst: "/new", src: "/src/", want: sandboxtest.Copied("new/", "drwxr-xr-x new")},
			{dst: "/new", src: "/src/.", want: sandboxtest.Copied("new/", "drwxr-xr-x new")},
			{dst: "/new", src: "/src/empty/..", want: sandboxtest.Copied("new/", "drwxr-xr-x new")},
			{dst: "", src: "/src/", want: sandboxtest.Copied("")},
			{
				dst: "", src: "/src/", exclude: []string{"*.log", "/cache/x", "empty/", ".hidden", "dirlink", "link"},
				want: []string{"-rw------- .secret = .secret", "drwxr-xr-x cache", "-rwxr-xr-x run = run"},
			},
		} {
			work := fmt.Sprintf("work %d", i)
			must(t, os.Mkdir(s.path(work), 0o755))
			must(t, s.UploadDir("/"+work+tc.dst, here+tc.src, tc.exclude))
			sandboxtest.WantListing(t, s.path(work), tc.want...)
		}
		s.want(t, "stat -c %u:%g '/work 0/new/src/.hidden' '/work 0/new/src/run'", "0:0\n0:0\n")
	})
}

// What cannot be copied is named, and does not keep the rest from being copied.
func TestCommunicatorUploadDirErrors(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		here, work := t.TempDir(), s.work(t)
		uncopyable(t, here)
		err := s.UploadDir("/work", here+"/", nil)
		for _, name := range []string{"dangling", "circle", "fifo", "device"} {
			if err == nil || !strings.Contains(err.Error(), filepath.Join(here, name)) {
				t.Errorf("%s is not named: %v", name, err)
			}
		}
		sandboxtest.WantListing(t, work, "-rw-r--r-- z = z")
		for src, want := range map[string]string{here + "/none": "no such file", here + "/z": "not a directory"} {
			if err := s.UploadDir("/work", src, nil); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", src, err)
			}
		}
		if err := s.UploadDir("/work", here, []string{"[x"}); err == nil || !strings.Contains(err.Error(), `exclude pattern "[x"`) {
			t.Error(err)
		}
	})
}
