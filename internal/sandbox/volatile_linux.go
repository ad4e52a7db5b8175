// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// MountVolatile mounts a tmpfs on /run and one on /dev/shm, as provisioners
// expect them on a running machine. What the tree itself has in /run stays
// untouched below; its directories and links (/run/lock) are there as well.
// After an error nothing of it stays mounted.
func (t *Tree) MountVolatile(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		err = t.mountVolatile()
	}
	if err != nil {
		err = fmt.Errorf("mounting /run and /dev/shm in %s: %w", t.root, err)
		return errors.Join(err, t.UnmountVolatile(context.WithoutCancel(ctx)))
	}
	return nil
}

func (t *Tree) mountVolatile() error {
	skeleton, err := t.skeleton("/run")
	if err != nil {
		return err
	}
	for _, m := range []mount{
		{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755"},
		{"tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	} {
		if err := t.mountAt(m, false); err != nil {
			return err
		}
		t.mu.Lock()
		t.volatile = append(t.volatile, m.target)
		t.mu.Unlock()
	}
	return t.rebuild(skeleton)
}

// UnmountVolatile undoes MountVolatile. What still uses the mounts is killed
// (see Kill) if it does not let go. Without MountVolatile it does nothing.
func (t *Tree) UnmountVolatile(ctx context.Context) error {
	t.mu.Lock()
	targets := t.volatile
	t.volatile = nil
	t.mu.Unlock()
	var errs []error
	for _, target := range targets {
		errs = append(errs, t.Unbind(ctx, target))
	}
	return errors.Join(errs...)
}

// bone is a directory or a link of a skeleton.
type bone struct {
	name, link string
	mode       uint32
	uid, gid   int
}

// skeleton lists the directories and links below a directory of the tree.
func (t *Tree) skeleton(name string) ([]bone, error) {
	root, err := openRoot(t.root)
	if err != nil {
		return nil, err
	}
	defer root.close()
	top, err := root.open(name, unix.O_RDONLY|unix.O_DIRECTORY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return bones(top, name)
}

// bones reads an open directory and closes it.
func bones(dir *os.File, name string) ([]bone, error) {
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var list []bone
	for _, base := range names {
		var st unix.Stat_t
		if err := unix.Fstatat(int(dir.Fd()), base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return nil, &fs.PathError{Op: "stat", Path: path.Join(name, base), Err: err}
		}
		b := bone{name: path.Join(name, base), mode: st.Mode & 0o7777, uid: int(st.Uid), gid: int(st.Gid)}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			if link, ok := readLink(dir, base); ok {
				b.link = link
				list = append(list, b)
			}
		case unix.S_IFDIR:
			below, err := bonesBelow(dir, base, b.name)
			if err != nil {
				return nil, err
			}
			list = append(append(list, b), below...)
		}
	}
	return list, nil
}

func bonesBelow(dir *os.File, base, name string) ([]bone, error) {
	fd, err := unix.Openat(int(dir.Fd()), base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return bones(os.NewFile(uintptr(fd), name), name)
}

// rebuild makes a skeleton anew.
func (t *Tree) rebuild(skeleton []bone) error {
	root, err := openRoot(t.root)
	if err != nil {
		return err
	}
	defer root.close()
	for _, b := range skeleton {
		if err := rebuildOne(root, b); err != nil {
			return fmt.Errorf("making %s: %w", b.name, err)
		}
	}
	return nil
}

func rebuildOne(root rootDir, b bone) error {
	if b.link == "" {
		dir, err := root.mkdirAll(b.name)
		if err != nil {
			return err
		}
		defer dir.Close()
		if err := unix.Chown(magic(dir), b.uid, b.gid); err != nil {
			return err
		}
		return unix.Chmod(magic(dir), b.mode)
	}
	above, base := split(b.name)
	dir, err := root.open(above, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer dir.Close()
	return unix.Symlinkat(b.link, int(dir.Fd()), base)
}
