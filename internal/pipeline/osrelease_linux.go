// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// osReleaseLimit is more than any os-release file has, in bytes.
const osReleaseLimit = 64 << 10

// OS asks the tree in the making what system it is. A tree without an
// os-release file is none that has a name.
func (b *Build) OS() (OS, error) { return osOf(b.dirs.mount) }

func osOf(tree string) (OS, error) {
	for _, path := range []string{"etc/os-release", "usr/lib/os-release"} {
		text, err := readInside(tree, path, osReleaseLimit)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return OS{}, fmt.Errorf("reading which system the image is: %w", err)
		}
		return parseOSRelease(text), nil
	}
	return OS{}, nil
}

// readInside reads the beginning of a file of a tree; links on the way are
// followed as they would be inside the tree.
func readInside(tree, path string, limit int64) (text string, err error) {
	// Not to wait for the other end of a fifo.
	fd, err := openInside(tree, path, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: "/" + path + " of the tree", Err: err}
	}
	file := os.NewFile(uintptr(fd), path)
	defer func() { err = errors.Join(err, file.Close()) }()
	content, err := io.ReadAll(io.LimitReader(file, limit))
	return string(content), err
}
