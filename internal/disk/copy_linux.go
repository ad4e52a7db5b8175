// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// chunk is copied between two looks at the context.
const chunk = 16 << 20

// copier copies a tree with owners, modes, times, extended attributes, hard
// links, holes and special files.
type copier struct {
	source, target string
	// skip are directories, by path relative to the source, that are made but
	// whose contents belong to another file system.
	skip map[string]bool
	// clamp is the latest time a file may have; nil for no limit.
	clamp *time.Time
	// lenient ignores attributes that the target cannot hold.
	lenient bool
	report  func(bytes int64)

	links map[inode]string // first copy of what has several names
}

type inode struct{ dev, number uint64 }

// run copies all of it. The target directory exists.
func (c *copier) run(ctx context.Context) error {
	c.links = map[inode]string{}
	return c.entry(ctx, ".")
}

func (c *copier) entry(ctx context.Context, rel string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	from, to := filepath.Join(c.source, rel), filepath.Join(c.target, rel)
	var st unix.Stat_t
	if err := unix.Lstat(from, &st); err != nil {
		return &os.PathError{Op: "lstat", Path: from, Err: err}
	}
	kind := st.Mode & unix.S_IFMT
	if st.Nlink > 1 && kind != unix.S_IFDIR {
		id := inode{uint64(st.Dev), st.Ino}
		if first, ok := c.links[id]; ok {
			return os.Link(first, to)
		}
		c.links[id] = to
	}
	if err := c.create(ctx, rel, from, to, &st); err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	if err := c.attributes(from, to, &st); err != nil {
		return fmt.Errorf("copying the attributes of %s: %w", from, err)
	}
	return nil
}

// create makes the entry and its contents.
func (c *copier) create(ctx context.Context, rel, from, to string, st *unix.Stat_t) error {
	switch kind := st.Mode & unix.S_IFMT; kind {
	case unix.S_IFDIR:
		return c.directory(ctx, rel, from, to)
	case unix.S_IFREG:
		return c.file(ctx, from, to, st.Size)
	case unix.S_IFLNK:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	default:
		if err := unix.Mknod(to, kind|0o600, int(st.Rdev)); err != nil {
			return &os.PathError{Op: "mknod", Path: to, Err: err}
		}
		return nil
	}
}

func (c *copier) directory(ctx context.Context, rel, from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil && !(rel == "." && errors.Is(err, os.ErrExist)) {
		return err
	}
	if c.skip[rel] {
		return nil
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.entry(ctx, filepath.Join(rel, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// file copies the parts that hold data; the rest stays holes.
func (c *copier) file(ctx context.Context, from, to string, size int64) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := c.data(ctx, in, out, size); err != nil {
		return errors.Join(err, out.Close())
	}
	return out.Close()
}

func (c *copier) data(ctx context.Context, in, out *os.File, size int64) error {
	for at := int64(0); at < size; {
		begin, end, err := nextData(in, at, size)
		if err != nil {
			return err
		}
		if begin >= size {
			break
		}
		if _, err := in.Seek(begin, io.SeekStart); err != nil {
			return err
		}
		if _, err := out.Seek(begin, io.SeekStart); err != nil {
			return err
		}
		n, err := io.CopyN(out, in, min(end-begin, chunk))
		if err != nil {
			return err
		}
		if c.report != nil {
			c.report(n)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		at = begin + n
	}
	return out.Truncate(size)
}

// nextData finds the next run of data at or after an offset. Where the file
// system knows no holes, everything is data.
func nextData(f *os.File, at, size int64) (begin, end int64, err error) {
	begin, err = f.Seek(at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return size, size, nil
	case errors.Is(err, unix.EINVAL):
		return at, size, nil
	case err != nil:
		return 0, 0, err
	}
	if end, err = f.Seek(begin, unix.SEEK_HOLE); err != nil {
		return 0, 0, err
	}
	return begin, min(end, size), nil
}

// attributes come last: a change of owner drops setuid bits and capabilities,
// and the contents of a directory change its time.
func (c *copier) attributes(from, to string, st *unix.Stat_t) error {
	if err := os.Lchown(to, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	if err := c.xattrs(from, to); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		if err := unix.Chmod(to, st.Mode&0o7777); err != nil {
			return &os.PathError{Op: "chmod", Path: to, Err: err}
		}
	}
	return setTimes(to, clampTime(st.Atim, c.clamp), clampTime(st.Mtim, c.clamp))
}

func setTimes(path string, access, modification unix.Timespec) error {
	times := []unix.Timespec{access, modification}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "utimensat", Path: path, Err: err}
	}
	return nil
}

// clampTime is the earlier of t and the limit.
func clampTime(t unix.Timespec, limit *time.Time) unix.Timespec {
	if limit == nil || time.Unix(t.Unix()).Before(*limit) {
		return t
	}
	return unix.NsecToTimespec(limit.Unix() * int64(time.Second))
}

func (c *copier) xattrs(from, to string) error {
	names, err := listXattrs(from)
	if err != nil {
		return err
	}
	for _, name := range names {
		value, err := getXattr(from, name)
		if err == nil {
			err = unix.Lsetxattr(to, name, value, 0)
		}
		if err != nil && !(c.lenient && errors.Is(err, unix.ENOTSUP)) {
			return fmt.Errorf("extended attribute %s: %w", name, err)
		}
	}
	return nil
}

func listXattrs(path string) ([]string, error) {
	size, err := unix.Llistxattr(path, nil)
	if errors.Is(err, unix.ENOTSUP) || err == nil && size == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing extended attributes: %w", err)
	}
	buf := make([]byte, size)
	if size, err = unix.Llistxattr(path, buf); err != nil {
		return nil, fmt.Errorf("listing extended attributes: %w", err)
	}
	names := strings.FieldsFunc(string(buf[:size]), func(r rune) bool { return r == 0 })
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.HasPrefix(name, "trusted.SGI_ACL_") // how xfs shows system.posix_acl_* again
	}), nil
}

func getXattr(path, name string) ([]byte, error) {
	size, err := unix.Lgetxattr(path, name, nil)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, size)
	size, err = unix.Lgetxattr(path, name, buf)
	return buf[:max(size, 0)], err
}
