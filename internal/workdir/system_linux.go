// SPDX-License-Identifier: MPL-2.0

//go:build linux

package workdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// readMountinfo reads the thread's list: a thread may be in another mount
// namespace than its process.
func readMountinfo() (string, error) {
	text, err := os.ReadFile("/proc/thread-self/mountinfo")
	return string(text), err
}

func openNoFollow(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}

func owned(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// remover removes trees without leaving the device they begin on.
type remover struct {
	device uint64
	errs   []error
}

const (
	// maxErrors bounds how many failures one removal reports.
	maxErrors = 5
	// passes is how often a directory is emptied that others still fill.
	passes = 5
)

// removeContents removes all in dir but the entry named spare.
func removeContents(dir, spare string) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening it: %w", err)
	}
	f := os.NewFile(uintptr(fd), dir)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("looking at it: %w", err)
	}
	r := &remover{device: st.Dev}
	r.empty(f, spare)
	return errors.Join(r.errs...)
}

func (r *remover) fail(path string, err error) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, &fs.PathError{Op: "remove", Path: path, Err: err})
	}
}

// empty removes the entries of an open directory.
func (r *remover) empty(dir *os.File, spare string) {
	names, err := dir.Readdirnames(-1)
	if err != nil {
		r.fail(dir.Name(), err)
	}
	slices.Sort(names)
	for _, name := range names {
		if name != spare {
			r.remove(dir, name)
		}
	}
}

func (r *remover) remove(dir *os.File, name string) {
	err := unlink(dir, name, 0)
	if errors.Is(err, unix.EISDIR) {
		err = r.removeDir(dir, name)
	}
	if err != nil && !errors.Is(err, unix.ENOENT) {
		r.fail(filepath.Join(dir.Name(), name), err)
	}
}

func (r *remover) removeDir(parent *os.File, name string) error {
	path := filepath.Join(parent.Name(), name)
	for pass := 1; ; pass++ {
		if err := r.descend(parent, name, path); err != nil {
			return err
		}
		err := unlink(parent, name, unix.AT_REMOVEDIR)
		if !errors.Is(err, unix.ENOTEMPTY) || pass == passes || len(r.errs) > 0 {
			return err
		}
	}
}

func (r *remover) descend(parent *os.File, name, path string) error {
	fd, err := unix.Openat(int(parent.Fd()), name,
		unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	dir := os.NewFile(uintptr(fd), path)
	defer dir.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Dev != r.device {
		return fmt.Errorf("another device (%d:%d) is %w there", unix.Major(st.Dev), unix.Minor(st.Dev), ErrMounted)
	}
	r.empty(dir, "")
	return nil
}

// unlink removes an entry, once more without the immutable flag if that is what
// the kernel may have refused for.
func unlink(dir *os.File, name string, flags int) error {
	err := unix.Unlinkat(int(dir.Fd()), name, flags)
	if errors.Is(err, unix.EPERM) && makeMutable(dir, name) {
		return unix.Unlinkat(int(dir.Fd()), name, flags)
	}
	return err
}

// makeMutable clears the immutable and append-only flags of an entry and of
// its directory, and reports whether there were any.
func makeMutable(dir *os.File, name string) bool {
	changed := clearFlags(int(dir.Fd()))
	var st unix.Stat_t
	err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if kind := st.Mode & unix.S_IFMT; err != nil || kind != unix.S_IFREG && kind != unix.S_IFDIR {
		return changed // opening a device or a pipe may do things
	}
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return changed
	}
	defer unix.Close(fd)
	return clearFlags(fd) || changed
}

// stuckFlags are FS_IMMUTABLE_FL and FS_APPEND_FL of linux/fs.h.
const stuckFlags = 0x10 | 0x20

func clearFlags(fd int) bool {
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil || flags&stuckFlags == 0 {
		return false
	}
	return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags&^stuckFlags)) == nil
}
