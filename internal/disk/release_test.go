// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTwoAtATime(t *testing.T) {
	t.Parallel()
	var wait sync.WaitGroup
	for range 2 {
		spec := newSpec(t, doc(efiDisk, "TYPE", "xfs"), 640*mib)
		spec.Seed = []byte("the same for both")
		oddTree(t, spec.Tree)
		wait.Add(1)
		go func() {
			defer wait.Done()
			d, err := Create(t.Context(), spec)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(d.CleanClose(t.Context()), d.Close()); err != nil {
				t.Error(err)
			}
		}()
	}
	wait.Wait()
}

func TestCancelledBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"mke2fs", "mkfs.xfs", "mkswap"} {
		fsType := map[string]string{"mkfs.xfs": "xfs"}[program]
		if fsType == "" {
			fsType = "ext4"
		}
		spec := newSpec(t, doc(efiDisk, "TYPE", fsType), 640*mib)
		oddTree(t, spec.Tree)
		ctx, cancel := context.WithCancel(t.Context())
		stop := &stopping{program: program, cancel: cancel}
		spec.Runner = stop
		_, err := Create(ctx, spec)
		if !errors.Is(err, context.Canceled) || !strings.Contains(stop.seen.String(), program) {
			t.Errorf("%s: %v; ran %q", program, err, stop.seen.String())
		}
		if _, err := os.Stat(spec.Path); err == nil {
			t.Errorf("%s: the raw file stays", program)
		}
		leftovers(t, filepath.Dir(spec.Path))
	}
}

func TestBusyMountIsToldAndCloseStillCleans(t *testing.T) {
	t.Parallel()
	spec := newSpec(t, doc(mbrDisk), 200*mib)
	oddTree(t, spec.Tree)
	d := create(t, spec)
	if err := d.mounts[1].unmount(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	d.spec.patience = 300 * time.Millisecond
	busy, err := os.Open(filepath.Join(spec.MountPoint, "usr/bin/su"))
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	err = d.CleanClose(t.Context())
	if err == nil {
		t.Fatal("a busy mount was not told of")
	}
	for _, want := range []string{"unmounting " + spec.MountPoint, fmt.Sprintf("process %d", os.Getpid()), "usr/bin/su"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if err := d.Close(); err == nil || !strings.Contains(err.Error(), "still attached") {
		t.Errorf("a device that stays in use was not told of: %v", err)
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	if strings.Contains(string(mounts), spec.MountPoint) {
		t.Error("still mounted after Close")
	}
	busy.Close()
	if err := d.loops[0].detached(t.Context(), patience); err != nil {
		t.Error(err)
	}
}

func TestBusyDeviceIsTold(t *testing.T) {
	t.Parallel()
	for _, node := range []string{"root", "image0"} {
		d := create(t, newSpec(t, doc(mbrDisk), 200*mib))
		busy, err := os.Open(d.Devices()[node])
		if err != nil {
			t.Fatal(err)
		}
		if err := d.unmount(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.spec.patience = 300 * time.Millisecond
		err = d.CleanClose(t.Context())
		if err == nil || !strings.Contains(err.Error(), busy.Name()) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
			t.Errorf("%s: got %v", node, err)
		}
		busy.Close()
		d.spec.patience = patience
		if err := d.CleanClose(t.Context()); err != nil {
			t.Errorf("%s: a second try: %v", node, err)
		}
	}
}

func TestTooSmallSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for fsType, size := range map[string]int64{"ext4": 20, "xfs": 320} {
		spec := newSpec(t, doc(partitionless, "TYPE", fsType), size*mib)
		big, err := os.Create(filepath.Join(spec.Tree, "big"))
		if err != nil {
			t.Fatal(err)
		}
		for range size + 10 {
			if _, err := big.Write(bytes.Repeat([]byte("x"), mib)); err != nil {
				t.Fatal(err)
			}
		}
		big.Close()
		d, err := Create(t.Context(), spec)
		if err == nil {
			d.Close()
			t.Fatalf("%s: %d MiB went into %d MiB", fsType, size+10, size)
		}
		if !strings.Contains(err.Error(), "raise disk_size") || !strings.Contains(err.Error(), "mkfs_root") {
			t.Errorf("%v", err)
		}
		leftovers(t, filepath.Dir(spec.Path))
	}
}

func TestSymlinkedMountPointIsRefused(t *testing.T) {
	t.Parallel()
	spec := newSpec(t, doc(mbrDisk), 200*mib)
	if err := os.Symlink("/etc", filepath.Join(spec.Tree, "boot")); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "mount point /boot") {
		t.Errorf("got %v", err)
	}
}

func TestExistingFileIsNotTouched(t *testing.T) {
	t.Parallel()
	spec := newSpec(t, doc(mbrDisk), 200*mib)
	if err := os.WriteFile(spec.Path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), spec); !errors.Is(err, os.ErrExist) {
		t.Errorf("got %v", err)
	}
	if text, _ := os.ReadFile(spec.Path); string(text) != "precious" {
		t.Errorf("%q", text)
	}
}

// Where /dev is a plain directory, nodes are made here, and one that a killed
// build left may have the number of a device that is gone.
func TestDeviceNodesAreMadeOnce(t *testing.T) {
	t.Parallel()
	needRoot(t)
	const device = "/dev/loop0"
	var want unix.Stat_t
	if err := unix.Stat(device, &want); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "node")
	for _, before := range []struct {
		name string
		make func() error
		made bool
	}{
		{"none", func() error { return nil }, true},
		{"the right one", func() error { return nil }, false},
		{"another's", func() error {
			return errors.Join(os.Remove(path), unix.Mknod(path, unix.S_IFBLK|0o600, int(unix.Mkdev(259, 70000))))
		}, true},
	} {
		if err := before.make(); err != nil {
			t.Fatal(err)
		}
		made, err := ensureNode(path, filepath.Base(device))
		var got unix.Stat_t
		if err := errors.Join(err, unix.Stat(path, &got)); err != nil || made != before.made || got.Rdev != want.Rdev {
			t.Errorf("%s: made %v, number %d, want %d: %v", before.name, made, got.Rdev, want.Rdev, err)
		}
	}
	if _, err := ensureNode(path+"2", "loop-none"); err == nil {
		t.Error("made a node of no device")
	}
}

// The file system of the raw image is full: the kernel says nothing to those
// who write to the image's file systems, so that CleanClose has to notice.
func TestWhatDoesNotFitTheHostIsTold(t *testing.T) {
	t.Parallel()
	for fsType, size := range map[string]int64{"ext4": 200, "ext2": 200, "xfs": 320} {
		t.Run(fsType, func(t *testing.T) {
			spec := newSpec(t, doc(partitionless, "TYPE", fsType), size*mib)
			small := filepath.Join(filepath.Dir(spec.Path), "small")
			if err := os.Mkdir(small, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=110m"); err != nil {
				t.Fatal(err)
			}
			// After the disk, before the look for what is left.
			t.Cleanup(func() { eventually(t, func() error { return unix.Unmount(small, 0) }) })
			spec.Path = filepath.Join(small, "disk.raw")
			d := create(t, spec)
			big, err := os.Create(filepath.Join(spec.MountPoint, "big"))
			if err != nil {
				t.Fatal(err)
			}
			for range 150 {
				// Whether the writer is told is up to the kernel.
				_, _ = big.Write(bytes.Repeat([]byte("x"), mib))
			}
			_ = big.Close()
			for range 2 { // again, as a retry would
				if err := d.CleanClose(t.Context()); err == nil || !strings.Contains(err.Error(), "raw image") {
					t.Errorf("%s: got %v", fsType, err)
				}
			}
		})
	}
}
