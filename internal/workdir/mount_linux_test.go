// SPDX-License-Identifier: MPL-2.0

//go:build linux

package workdir

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// privateMounts runs f on a thread in a mount namespace of its own; thread and
// mounts are gone afterwards.
func privateMounts(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	done := make(chan error)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			done <- err
			return
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			done <- err
			return
		}
		f()
	}()
	if err := <-done; err != nil {
		t.Skip("no mount namespace of our own:", err)
	}
}

func TestRemoveRefusesMounts(t *testing.T) {
	cases := map[string]func(source, target string) error{
		"tmpfs": func(_, target string) error { return unix.Mount("tmpfs", target, "tmpfs", 0, "") },
		"bind":  func(source, target string) error { return unix.Mount(source, target, "", unix.MS_BIND, "") },
	}
	for name, mount := range cases {
		t.Run(name, func(t *testing.T) {
			d, precious := create(t, t.TempDir()), t.TempDir()
			write(t, filepath.Join(precious, "file"))
			target := filepath.Join(d.Path(), "tree/dev")
			if err := os.MkdirAll(target, 0o755); err != nil {
				t.Fatal(err)
			}
			privateMounts(t, func() {
				if err := mount(precious, target); err != nil {
					t.Error(err)
					return
				}
				write(t, filepath.Join(target, "more"))
				if err := d.Remove(); !errors.Is(err, ErrMounted) || !strings.Contains(err.Error(), target) {
					t.Errorf("Remove: %v", err)
				}
				if !exists(filepath.Join(target, "more")) {
					t.Error("something was removed all the same")
				}
				if err := removeContents(d.Path(), lockName); name == "tmpfs" && !errors.Is(err, ErrMounted) {
					t.Errorf("crossed to another device: %v", err)
				}
			})
		})
	}
}

func TestRemoveTakesImmutableFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the immutable flag needs root")
	}
	d := create(t, t.TempDir())
	path := filepath.Join(d.Path(), "etc/resolv.conf")
	write(t, path)
	for _, p := range []string{path, filepath.Dir(path)} {
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, 0x10); err != nil {
			t.Skip("this filesystem has no immutable flag:", err)
		}
		_ = f.Close()
	}
	if err := d.Remove(); err != nil || exists(d.Path()) {
		t.Errorf("still there: %v", err)
	}
}
