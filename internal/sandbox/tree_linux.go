// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/release"
)

// Tree is a root file system in a directory of this host, in which commands
// run. Its methods may be called concurrently, those that mount excepted.
type Tree struct {
	root   string
	runner command.Runner

	mu   sync.Mutex
	keep []string
	// made are the mount points that were missing in the tree, by the
	// target they were made for, outermost first.
	made map[string][]string
	// volatile are the mount points of MountVolatile.
	volatile []string
}

// NewTree describes the tree in the directory root; nothing is done to it yet.
// Commands in it are run by runner.
func NewTree(root string, runner command.Runner) *Tree {
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	return &Tree{root: root, runner: runner, made: map[string][]string{}}
}

// Root is the tree's directory on this host.
func (t *Tree) Root() string { return t.root }

// Keep names mount points in the tree ("/", "/boot/efi") that Unmount leaves
// alone: those of the disk, which has to unmount them itself.
func (t *Tree) Keep(points ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep = append(t.keep, points...)
}

// mount is one call of mount(2) in the tree.
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

const (
	noPrograms = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	// deviceData bounds the tmpfs: it holds nodes, not files.
	deviceData = "mode=0755,size=16m"
	// terminalData is the usual: group 5 is tty in every distribution.
	terminalData = "newinstance,ptmxmode=0666,mode=0620,gid=5"
)

// MountKernel mounts what programs expect of a running kernel: /proc; /dev as a
// tmpfs with the standard nodes, links and a devpts of its own, not the host's
// devices (element contract, quirk 26) and without /dev/shm (quirk 27); and
// /sys, read-only, with /sys/firmware hidden, so that what is built does not
// depend on how this host was booted (quirk 28). Missing mount points are made.
// After an error nothing of it stays mounted.
func (t *Tree) MountKernel(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("mounting /proc, /dev and /sys in %s: %w", t.root, err)
	}
	root, err := openRoot(t.root)
	if err != nil {
		return err
	}
	defer root.close()
	var undo release.Stack
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("mounting /proc, /dev and /sys in %s: %w", t.root, err), undo.Release())
		}
	}()
	if err := attach(root, mount{"proc", "/proc", "proc", noPrograms, ""}, &undo); err != nil {
		return err
	}
	if err := attach(root, mount{"tmpfs", "/dev", "tmpfs", unix.MS_NOSUID, deviceData}, &undo); err != nil {
		return err
	}
	if err := populateDevices(root, &undo); err != nil {
		return err
	}
	return mountSys(root, &undo)
}

// mountSys mounts /sys and only then makes the mount read-only: asked for at
// once, the flag could become one of the filesystem, which is the host's too.
func mountSys(root rootDir, undo *release.Stack) error {
	err := attach(root, mount{"sysfs", "/sys", "sysfs", noPrograms, ""}, undo)
	if errors.Is(err, unix.EPERM) {
		// A container's network namespace may not be ours to look at.
		err = attach(root, mount{"/sys", "/sys", "", unix.MS_BIND, ""}, undo)
	}
	if err != nil {
		return err
	}
	firmware, err := root.open("/sys/firmware", unix.O_PATH|unix.O_DIRECTORY)
	if err == nil {
		_ = firmware.Close()
		err = attach(root, mount{"tmpfs", "/sys/firmware", "tmpfs", noPrograms | unix.MS_RDONLY, "size=4k,mode=0555"}, undo)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return remountReadOnly(root, "/sys")
}

// attach mounts m on its target in the tree, and pushes the undoing.
func attach(root rootDir, m mount, undo *release.Stack) error {
	point, err := root.mkdirAll(m.target)
	if err != nil {
		return err
	}
	defer point.Close()
	path, err := mountOn(point, m)
	if err != nil {
		return err
	}
	undo.Push("mount "+path, func() error { return unix.Unmount(path, unix.UMOUNT_NOFOLLOW) })
	return nil
}

// mountOn mounts m on what point stands for, wherever that lies by now, and
// returns the mount point's path on this host.
func mountOn(point *os.File, m mount) (path string, err error) {
	path, err = os.Readlink(magic(point))
	if err != nil {
		return "", fmt.Errorf("looking up the mount point %s: %w; is /proc mounted?", m.target, err)
	}
	if err := unix.Mount(m.source, magic(point), m.kind, m.flags, m.data); err != nil {
		what := strings.TrimSpace(m.kind + " " + m.source)
		return "", fmt.Errorf("mounting %s on %s: %w", what, path, err)
	}
	return path, nil
}

// remountReadOnly makes the mount on a path of the tree read-only, and keeps
// its other flags.
func remountReadOnly(root rootDir, target string) error {
	point, err := root.open(target, unix.O_PATH)
	if err != nil {
		return err
	}
	defer point.Close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(point.Fd()), &st); err != nil {
		return fmt.Errorf("looking at the mount on %s: %w", target, err)
	}
	// The flags of statfs are those of mount but for ST_RELATIME.
	const same = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME
	flags := uintptr(st.Flags)&same | unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY
	if err := unix.Mount("", magic(point), "", flags, ""); err != nil {
		return fmt.Errorf("making the mount on %s read-only: %w", target, err)
	}
	return nil
}

// makePoint makes a mount point, an empty file or a directory, if it is missing.
func makePoint(root rootDir, target string, file bool) error {
	if !file {
		dir, err := root.mkdirAll(target)
		if err != nil {
			return err
		}
		return dir.Close()
	}
	dir, base, err := root.locate(target)
	if err != nil {
		return err
	}
	if base == "" {
		return fmt.Errorf("%s cannot be a file to mount on", target)
	}
	defer dir.Close()
	fd, err := unix.Openat(int(dir.Fd()), base, unix.O_CREAT|unix.O_EXCL|unix.O_RDONLY|unix.O_CLOEXEC, 0o644)
	if errors.Is(err, unix.EEXIST) {
		return nil
	} else if err != nil {
		return &fs.PathError{Op: "create", Path: target, Err: err}
	}
	f := os.NewFile(uintptr(fd), target)
	defer f.Close()
	return root.note(f)
}

// unmakePoints removes mount points that were made for a target, or for all
// targets if that is "". What has got contents meanwhile stays.
func (t *Tree) unmakePoints(target string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	root, err := openRoot(t.root)
	if err != nil {
		return err
	}
	defer root.close()
	var targets []string
	for name := range t.made {
		if target == "" || name == target {
			targets = append(targets, name)
		}
	}
	slices.Sort(targets)
	slices.Reverse(targets) // a target inside another's new directory goes first
	for _, name := range targets {
		for _, point := range slices.Backward(t.made[name]) {
			removeEmpty(root, point)
		}
		delete(t.made, name)
	}
	return nil
}

// removeEmpty removes an empty file or directory, and nothing else.
func removeEmpty(root rootDir, name string) {
	above, base := split(name)
	dir, err := root.open(above, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return
	}
	defer dir.Close()
	var st unix.Stat_t
	if unix.Fstatat(int(dir.Fd()), base, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		_ = unix.Unlinkat(int(dir.Fd()), base, unix.AT_REMOVEDIR)
	case st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size == 0:
		_ = unix.Unlinkat(int(dir.Fd()), base, 0)
	}
}
