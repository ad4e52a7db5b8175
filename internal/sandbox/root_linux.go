// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxLinks is how many symbolic links a path may go through, as in the
	// kernel; it also bounds how often a lost race is run again.
	maxLinks = 40
	// maxRaces is how often openat2 is repeated when a rename disturbed it.
	maxRaces = 1000
)

// rootDir is an open root directory. Paths given to its methods are paths in
// the tree, absolute or not: neither ".." nor a symbolic link leads out of it,
// and an absolute link begins at the tree's root. A path is resolved anew by
// each call, so what a caller goes on with is the descriptor, never the path.
type rootDir struct {
	f *os.File
	// made, if set, collects the paths of what is made, without links in them.
	made *[]string
}

func openRoot(dir string) (rootDir, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return rootDir{}, fmt.Errorf("opening the tree: %w", &fs.PathError{Op: "open", Path: dir, Err: err})
	}
	return rootDir{f: os.NewFile(uintptr(fd), dir)}, nil
}

func (r rootDir) close() { _ = r.f.Close() } // an O_PATH descriptor has nothing to lose

// open opens a path of the tree. Its errors are *fs.PathError.
func (r rootDir) open(name string, flags int) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	for try := 0; ; try++ {
		fd, err := unix.Openat2(int(r.f.Fd()), relative(name), &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), name), nil
		case (errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)) && try < maxRaces:
			continue
		case errors.Is(err, unix.ENOSYS):
			err = fmt.Errorf("%w: the kernel has no openat2, Linux 5.6 or newer is needed", err)
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
}

// relative keeps openat2 from an empty path; a leading slash it treats right.
func relative(name string) string {
	if name == "" {
		return "."
	}
	return name
}

// mkdirAll opens a directory of the tree; what is missing of its path is made
// with mode 0755 and owner root.
func (r rootDir) mkdirAll(name string) (*os.File, error) { return r.mkdir(name, 0) }

func (r rootDir) mkdir(name string, depth int) (*os.File, error) {
	dir, err := r.open(name, unix.O_PATH|unix.O_DIRECTORY)
	if !errors.Is(err, fs.ErrNotExist) || depth > maxLinks {
		return dir, err
	}
	above, base := split(name)
	if base == "" {
		return nil, err
	}
	parent, err := r.mkdir(above, depth)
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	if base == "." || base == ".." {
		return r.open(name, unix.O_PATH|unix.O_DIRECTORY)
	}
	if link, ok := readLink(parent, base); ok {
		return r.mkdir(follow(above, link), depth+1)
	}
	err = unix.Mkdirat(int(parent.Fd()), base, 0o755)
	if err == nil {
		err = r.own(parent, base)
	}
	if err != nil && !raced(err) {
		return nil, &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	return r.mkdir(name, depth+1)
}

// raced reports errors that come of somebody changing the path meanwhile.
func raced(err error) bool {
	for _, e := range []error{unix.EEXIST, unix.ENOENT, unix.ENOTDIR, unix.ELOOP} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// own gives a new directory its mode whatever the umask is, and notes it.
func (r rootDir) own(parent *os.File, base string) error {
	fd, err := unix.Openat(int(parent.Fd()), base,
		unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	dir := os.NewFile(uintptr(fd), base)
	defer dir.Close()
	if err := errors.Join(chownRoot(fd), unix.Fchmod(fd, 0o755)); err != nil {
		return err
	}
	return r.note(dir)
}

// note adds to made what a descriptor stands for.
func (r rootDir) note(f *os.File) error {
	if r.made == nil {
		return nil
	}
	path, err := os.Readlink(magic(f))
	if err != nil {
		return err
	}
	root, err := os.Readlink(magic(r.f))
	if err != nil {
		return err
	}
	*r.made = append(*r.made, strings.TrimPrefix(path, root))
	return nil
}

// chownRoot makes root the owner; a set-group-id directory would give its group
// otherwise. Not being root, we can only own it ourselves.
func chownRoot(fd int) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return unix.Fchown(fd, 0, 0)
}

// locate finds the directory that holds, or shall hold, the last element of a
// path, and that element's name: never a symbolic link when it looked, since
// links are followed. Missing directories are made. A path that can only name a
// directory ("", "/", "a/", "a/..") gives the name "".
func (r rootDir) locate(name string) (dir *os.File, base string, err error) {
	for range maxLinks {
		if strings.HasSuffix(name, "/") {
			return nil, "", nil
		}
		above, base := split(name)
		if base == "" || base == "." || base == ".." {
			return nil, "", nil
		}
		dir, err := r.mkdirAll(above)
		if err != nil {
			return nil, "", err
		}
		link, ok := readLink(dir, base)
		if !ok {
			return dir, base, nil
		}
		_ = dir.Close()
		name = follow(above, link)
	}
	return nil, "", &fs.PathError{Op: "resolve", Path: name, Err: unix.ELOOP}
}

// split separates the last element. Unlike path.Split it ignores slashes at the
// end; and nothing is cleaned, as "a/.." is not "." if a is a link.
func split(name string) (above, base string) {
	name = strings.TrimRight(name, "/")
	i := strings.LastIndexByte(name, '/')
	return name[:i+1], name[i+1:]
}

// follow is the path that a link in directory above stands for.
func follow(above, link string) string {
	if path.IsAbs(link) || above == "" {
		return link
	}
	return above + "/" + link
}

func readLink(dir *os.File, base string) (string, bool) {
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(dir.Fd()), base, text)
	if err != nil {
		return "", false
	}
	return string(text[:n]), true
}

// reopen opens what an O_PATH descriptor stands for. Looking at the kind of a
// file first and opening it then is safe only so: opening a device or a FIFO
// does things.
func reopen(f *os.File, flags int) (*os.File, error) {
	fd, err := unix.Open(magic(f), flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: f.Name(), Err: err}
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// magic is a path that leads to what a descriptor stands for.
func magic(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }
