// SPDX-License-Identifier: MPL-2.0

//go:build linux

package image

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"golang.org/x/sys/unix"
)

// mountTmpfs mounts a tmpfs for the time of the test.
func mountTmpfs(t *testing.T, flags uintptr, options string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		t.Skipf("mounting a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullFileSystem(t *testing.T) {
	needQemuImg(t)
	small := mountTmpfs(t, 0, "size=1m")
	disk := testDisk(t, t.TempDir())
	for _, format := range Formats() {
		err := Encode(t.Context(), command.Host{}, Spec{
			Format: format, Source: disk, Destination: filepath.Join(small, "out"), Consume: true,
		})
		var full *NoSpaceError
		if !errors.As(err, &full) {
			t.Fatalf("%s: %v", format, err)
		}
		if full.FileSystem != small || full.Free != 1<<20 || full.Needed < 2<<20 {
			t.Errorf("%s: %+v", format, full)
		}
		if !strings.Contains(err.Error(), "the file system at "+small+" is full (1.0 MiB were free") {
			t.Error(err)
		}
		if got := names(t, small); got != "" {
			t.Errorf("%s left %s", format, got)
		}
	}
	if _, err := os.Stat(disk); err != nil {
		t.Errorf("the disk is lost: %v", err)
	}
}

func TestStageOnAFileSystemThatCannotBeWritten(t *testing.T) {
	for _, tc := range []struct {
		name, options, want string
		flags               uintptr
		fill                bool
	}{
		{"read-only", "size=64k", "choose an output directory on a file system that can be written", unix.MS_RDONLY, false},
		{"full", "size=64k,nr_inodes=2", "free some space there", 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := mountTmpfs(t, tc.flags, tc.options)
			if tc.fill {
				write(t, filepath.Join(dir, "last-inode"), "")
			}
			_, err := Stage(filepath.Join(dir, "out"), "web")
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A file system without hard links (FAT) has other roads in publishing.
func TestPlaceWithoutHardLinks(t *testing.T) {
	small := mountTmpfs(t, 0, "size=1m")
	dir := t.TempDir()
	s := stage(t, dir, "a", "b")
	// Links across file systems fail as links on FAT do.
	elsewhere := filepath.Join(small, "earlier")
	if err := errors.Join(os.Mkdir(elsewhere, 0o700),
		os.Remove(filepath.Join(s.Dir(), earlierFolder)),
		os.Symlink(elsewhere, filepath.Join(s.Dir(), earlierFolder))); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a"), "old a")
	p, err := s.place("a", true)
	if err != nil || !p.lost || p.earlier != "" {
		t.Fatalf("%+v %v", p, err)
	}
	if err := undo([]placement{p}); err == nil || !strings.Contains(err.Error(), p.path+" stays replaced") {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(p.path); err != nil || string(got) != "new a" {
		t.Errorf("%q %v: what cannot come back must not be removed", got, err)
	}
}
