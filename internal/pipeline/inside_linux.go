// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// inside opens a directory of a tree, "etc" for example, to work on the files
// in it. Symbolic links on the way to it are followed as they would be inside
// the tree, absolute ones too, and never lead out of it. A missing directory is
// made if that is wanted; otherwise the error is fs.ErrNotExist.
func inside(tree, dir string, create bool) (*os.Root, error) {
	fd, err := openInside(tree, dir, unix.O_PATH|unix.O_DIRECTORY)
	if errors.Is(err, unix.ENOENT) && create {
		if err := makeInside(tree, dir); err != nil {
			return nil, err
		}
		fd, err = openInside(tree, dir, unix.O_PATH|unix.O_DIRECTORY)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: "/" + dir + " of the tree", Err: err}
	}
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", fd))
	return root, errors.Join(err, unix.Close(fd))
}

// openInside opens a name of the tree; O_CLOEXEC is added to the flags of open(2).
func openInside(tree, name string, flags uint64) (int, error) {
	top, err := unix.Open(tree, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	fd, err := unix.Openat2(top, name, &unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	return fd, errors.Join(err, unix.Close(top))
}

func makeInside(tree, dir string) error {
	root, err := os.OpenRoot(tree)
	if err != nil {
		return fmt.Errorf("opening the tree: %w", err)
	}
	defer root.Close()
	if err := root.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making /%s in the tree: %w", dir, err)
	}
	return nil
}
