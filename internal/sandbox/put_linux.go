// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

// defaultMode is the mode of files of which nothing is known.
const defaultMode = 0o644

// errNotRegular says that something is neither a file nor a directory.
var errNotRegular = errors.New("not a regular file")

// Put writes a file of the tree, owned by root, with the permissions of info
// (0644 without, or if info is of a pipe or device). It appears whole: a running
// program or a read-only file is replaced, not written to, and a reader that
// ends before the size of info is an error. Missing directories are made. If
// dst is a symbolic link, what it stands for in the tree is written. If dst is
// a directory or ends in a slash, the file gets info's name in there, which is
// an error without info.
func (g *Guest) Put(dst string, r io.Reader, info fs.FileInfo) error {
	root, err := openRoot(g.tree.root)
	if err == nil {
		defer root.close()
		err = put(root, g.path(dst), r, info)
	}
	if err != nil {
		return fmt.Errorf("uploading to %s in %s: %w", dst, g.tree.root, err)
	}
	return nil
}

func put(root rootDir, dst string, r io.Reader, info fs.FileInfo) error {
	if info != nil && info.IsDir() {
		return fmt.Errorf("%s is %w", info.Name(), errNotRegular)
	}
	dir, base, err := target(root, dst, info)
	if err != nil {
		return err
	}
	defer dir.Close()
	if info != nil && info.Mode().IsRegular() {
		r = &whole{reader: r, size: info.Size()}
	}
	return replace(dir, base, r, permissions(info))
}

// whole is a reader that must give as much as was announced: over Packer's
// protocol, a reader that fails on the other side looks like one that ended.
type whole struct {
	reader io.Reader
	size   int64
	came   int64
}

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.reader.Read(p)
	w.came += int64(n)
	if errors.Is(err, io.EOF) && w.came < w.size {
		return n, fmt.Errorf("only %d of %d bytes came: %w; was the source cut short meanwhile, or could it not be read?",
			w.came, w.size, io.ErrUnexpectedEOF)
	}
	return n, err
}

// target finds the directory and the name for a file.
func target(root rootDir, dst string, info fs.FileInfo) (dir *os.File, base string, err error) {
	dir, base, err = root.locate(dst)
	if err != nil {
		return nil, "", err
	}
	kind := uint32(unix.S_IFDIR) // what locate has no name for
	if base != "" {
		if kind, err = kindOf(dir, base); err != nil {
			return nil, "", errors.Join(err, dir.Close())
		}
	}
	switch kind {
	case 0, unix.S_IFREG:
		return dir, base, nil
	case unix.S_IFDIR:
		if base != "" {
			_ = dir.Close()
		}
		return targetIn(root, dst, info)
	case unix.S_IFLNK:
		// It was none when locate looked; the rename replaces it.
		return dir, base, nil
	default:
		return nil, "", errors.Join(fmt.Errorf("there is something that is %w", errNotRegular), dir.Close())
	}
}

// targetIn is target for a dst that is a directory.
func targetIn(root rootDir, dst string, info fs.FileInfo) (*os.File, string, error) {
	if info == nil || path.Base(info.Name()) == "/" || path.Base(info.Name()) == "." || path.Base(info.Name()) == ".." {
		return nil, "", errors.New("this is a directory, and the file has no name to get in it; give the full destination path")
	}
	dir, base, err := root.locate(dst + "/" + path.Base(info.Name()))
	if err != nil {
		return nil, "", err
	}
	if base == "" {
		return nil, "", fmt.Errorf("%s in it is a directory", info.Name())
	}
	kind, err := kindOf(dir, base)
	if err == nil && kind != 0 && kind != unix.S_IFREG && kind != unix.S_IFLNK {
		err = fmt.Errorf("%s in it is a directory or %w", base, errNotRegular)
	}
	if err != nil {
		return nil, "", errors.Join(err, dir.Close())
	}
	return dir, base, nil
}

// kindOf is the type of an entry, S_IFREG for one; 0 if there is none.
func kindOf(dir *os.File, base string) (uint32, error) {
	var st unix.Stat_t
	err := unix.Fstatat(int(dir.Fd()), base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return 0, nil
	} else if err != nil {
		return 0, &fs.PathError{Op: "stat", Path: base, Err: err}
	}
	return st.Mode & unix.S_IFMT, nil
}

// permissions are those of info. A FileInfo without any knows nothing of them
// (Windows, or one made up); those of a pipe are not the contents'.
func permissions(info fs.FileInfo) uint32 {
	if info == nil || !info.Mode().IsRegular() || info.Mode().Perm() == 0 {
		return defaultMode
	}
	return uint32(info.Mode().Perm())
}

// replace writes a new file and renames it to base.
func replace(dir *os.File, base string, r io.Reader, mode uint32) error {
	temporary := ".upload-" + rand.Text()
	fd, err := unix.Openat(int(dir.Fd()), temporary, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return &fs.PathError{Op: "create", Path: base, Err: err}
	}
	f := os.NewFile(uintptr(fd), temporary)
	err = fill(f, r, mode)
	if err == nil {
		err = unix.Renameat(int(dir.Fd()), temporary, int(dir.Fd()), base)
	}
	if err != nil {
		return errors.Join(&fs.PathError{Op: "write", Path: base, Err: err}, unix.Unlinkat(int(dir.Fd()), temporary, 0))
	}
	return nil
}

// fill writes and closes f.
func fill(f *os.File, r io.Reader, mode uint32) error {
	_, err := io.Copy(f, r)
	if err == nil {
		err = chownRoot(int(f.Fd()))
	}
	if err == nil {
		err = unix.Fchmod(int(f.Fd()), mode) // after chown, which clears bits
	}
	err = errors.Join(err, f.Close())
	// A process that is being started at this moment by another goroutine has
	// a copy of the descriptor until it executes its program, and a file that
	// is open for writing cannot be executed ("text file busy"). Starting holds
	// this lock, so now there is none left.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock() //nolint:staticcheck // the critical section is the waiting
	return err
}
