// SPDX-License-Identifier: MPL-2.0

//go:build linux

package image

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// cloneFile makes dst share the blocks of src (reflink: btrfs, XFS and others).
func cloneFile(dst, src *os.File) bool {
	return unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())) == nil
}

// nextData returns the next range of data at or after offset; start is size
// when there is none. A file whose holes are not known is all data.
func nextData(f *os.File, offset, size int64) (start, end int64, err error) {
	start, err = unix.Seek(int(f.Fd()), offset, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return size, size, nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return offset, size, nil
	case err != nil:
		return 0, 0, err
	}
	end, err = unix.Seek(int(f.Fd()), start, unix.SEEK_HOLE)
	if err != nil {
		return 0, 0, err
	}
	return min(start, size), min(end, size), nil
}

// freeBytes is what an unprivileged process may still write below dir.
func freeBytes(dir string) (int64, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true //nolint:unconvert // differs by architecture
}

// allocated is the number of bytes that a file occupies on disk; 0 if unknown.
func allocated(path string) int64 {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0
	}
	return st.Blocks * 512
}

// mountPoint is the directory on which the file system of path is mounted, as
// far as a change of the device number shows it.
func mountPoint(path string) string {
	return climb(path, func(p string) (uint64, bool) {
		var st unix.Stat_t
		err := unix.Stat(p, &st)
		return uint64(st.Dev), err == nil //nolint:unconvert // differs by architecture
	})
}

func fullErrors() []error  { return []error{unix.ENOSPC, unix.EDQUOT} }
func readOnlyError() error { return unix.EROFS }
