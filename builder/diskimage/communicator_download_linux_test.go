// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox/sandboxtest"
)

func TestCommunicatorDownload(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		must(t, os.MkdirAll(s.path("root/sub dir"), 0o755))
		must(t, os.WriteFile(s.path("root/sub dir/ü\nfile"), []byte("text"), 0o400))
		must(t, os.Symlink("/root/sub dir/ü\nfile", s.path("root/link")))
		must(t, os.WriteFile(s.path("root/empty"), nil, 0o600))
		must(t, unix.Mkfifo(s.path("root/fifo"), 0o600))
		for src, want := range map[string]string{
			"/root/sub dir/ü\nfile": "text", "root/link": "text", "~/link": "text", "/../root/sub dir/../link": "text", "/root/empty": "",
		} {
			var w bytes.Buffer
			if err := s.Download(src, &w); err != nil || w.String() != want {
				t.Errorf("%q: %q %v", src, w.String(), err)
			}
		}
		for src, want := range map[string]string{
			"/root/none": "no such file or directory", "/root/link/below": "not a directory", "/root/fifo": "not a regular file",
			"/root": "it is a directory", "/root/*": "no such file or directory", "": "it is a directory",
		} {
			var w bytes.Buffer
			err := s.Download(src, &w)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), src+" from "+s.root) || w.Len() > 0 {
				t.Errorf("%q: %q %v", src, w.String(), err)
			}
		}
	})
}

func TestCommunicatorDownloadDir(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		work := s.work(t)
		sandboxtest.Source(t, work)
		for _, tc := range []struct {
			src, dst string
			exclude  []string
			want     []string
		}{
			{src: "/work/src", dst: "/new", want: sandboxtest.Copied("new/src/", "drwxr-xr-x new", "drwxr-xr-x new/src")},
			{src: "/work/src/", dst: "/new", want: sandboxtest.Copied("new/", "drwxr-xr-x new")},
			{src: "/work/src/.", dst: "/new/", want: sandboxtest.Copied("new/", "drwxr-xr-x new")},
			{src: "/work/src/", dst: "", want: sandboxtest.Copied("")},
			{
				src: "/work/src", exclude: []string{"*.log", "/cache/x", "empty/", ".hidden", "dirlink", "link"},
				want: []string{"drwxr-xr-x src", "-rw------- src/.secret = .secret", "drwxr-xr-x src/cache", "-rwxr-xr-x src/run = run"},
			},
		} {
			here := t.TempDir()
			must(t, s.DownloadDir(tc.src, here+tc.dst, tc.exclude))
			sandboxtest.WantListing(t, here, tc.want...)
		}
	})
}

func TestCommunicatorDownloadDirErrors(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		here, work := t.TempDir(), s.work(t)
		uncopyable(t, work)
		err := s.DownloadDir("/work/", here, nil)
		for _, name := range []string{"dangling", "circle", "fifo", "device"} {
			if err == nil || !strings.Contains(err.Error(), "/work/"+name) {
				t.Errorf("%s is not named: %v", name, err)
			}
		}
		sandboxtest.WantListing(t, here, "-rw-r--r-- z = z")
		for src, want := range map[string]string{
			"/none": "no such file", "/work/z": "not a directory", "/none/*": "nothing matches", "/work/[": "syntax error in pattern",
		} {
			if err := s.DownloadDir(src, here, nil); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", src, err)
			}
		}
		sandboxtest.WantListing(t, here, "-rw-r--r-- z = z")
	})
}

// fileProvisioner downloads as Packer's file provisioner does: it chooses
// between the two calls, and sometimes changes the destination.
func fileProvisioner(comm packersdk.Communicator, src, dst string) error {
	if strings.HasSuffix(dst, "/") && !strings.HasSuffix(src, "/") && !strings.HasSuffix(src, "*") {
		dst = filepath.Join(dst, filepath.Base(src))
	}
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	if strings.HasSuffix(src, "/") || strings.ContainsAny(src, "*?[") {
		return comm.DownloadDir(src, dst, nil)
	}
	f, err := os.Create(dst)
	if err != nil {
		return err
	}
	defer f.Close()
	return comm.Download(src, io.MultiWriter(f))
}

func TestCommunicatorDownloadsForTheFileProvisioner(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		must(t, os.MkdirAll(s.path("log/sub"), 0o755))
		for _, name := range []string{"a.log", "b.log", ".hidden.log", "other", "sub/c.log"} {
			must(t, os.WriteFile(s.path("log/"+name), []byte(name), 0o644))
		}
		const a, b, c = "-rw-r--r-- out/a.log = a.log", "-rw-r--r-- out/b.log = b.log", "-rw-r--r-- out/sub/c.log = sub/c.log"
		const other, hidden, out, sub = "-rw-r--r-- out/other = other", "-rw-r--r-- out/.hidden.log = .hidden.log", "drwxr-xr-x out", "drwxr-xr-x out/sub"
		for i, tc := range []struct {
			src, dst string
			want     []string
		}{
			{"/log/a.log", "out/", []string{out, a}},
			{"/log/a.log", "renamed", []string{"-rw-r--r-- renamed = a.log"}},
			{"/log/", "out/", []string{out, a, b, hidden, other, sub, c}},
			{"/log/", "out", []string{out, a, b, hidden, other, sub, c}},
			{"/log/*", "out/", []string{out, a, b, other, sub, c}},
			{"/log/*.log", "out/", []string{out, a, b}},
			{"/log/*.log", "out", []string{out, a, b}},
			{"/log/[ab].???", "out/", []string{out, a, b}},
			{"/l?g/sub/*.log", "out/", []string{out, "-rw-r--r-- out/c.log = sub/c.log"}},
		} {
			here := filepath.Join(t.TempDir(), fmt.Sprint(i))
			must(t, os.Mkdir(here, 0o755))
			if err := fileProvisioner(s, tc.src, here+"/"+tc.dst); err != nil {
				t.Errorf("%s to %s: %v", tc.src, tc.dst, err)
			}
			sandboxtest.WantListing(t, here, tc.want...)
		}
	})
}
