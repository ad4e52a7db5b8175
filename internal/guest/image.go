// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// image is the tree that is being built, seen from the host. Its own symbolic
// links cannot lead a write out of it.
type image struct {
	root *os.Root
	dir  string
}

// openImage opens the tree at $TMP_MOUNT_PATH. Close it when done.
func (c *call) openImage() (*image, error) {
	dir, err := c.need("TMP_MOUNT_PATH")
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the tree of the image: %w", err)
	}
	return &image{root: root, dir: dir}, nil
}

func (i *image) Close() error { return i.root.Close() }

// inside turns an absolute path of the image into one relative to its root.
func inside(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// mkdir makes a directory of the image with its parents.
func (i *image) mkdir(name string) error {
	rel := inside(name)
	if rel == "" {
		return nil
	}
	if err := i.root.MkdirAll(rel, 0o755); err != nil {
		return fmt.Errorf("making the directory %s in %s: %w", name, i.dir, err)
	}
	return nil
}

// write replaces a file of the image, making its directory.
func (i *image) write(name string, content []byte, mode os.FileMode) error {
	return i.fill(name, os.O_TRUNC, mode, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// appendLine adds a line to a file of the image.
func (i *image) appendLine(name, line string) error {
	return i.fill(name, os.O_APPEND, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, line+"\n")
		return err
	})
}

func (i *image) fill(name string, how int, mode os.FileMode, write func(io.Writer) error) error {
	if err := i.mkdir(path.Dir(path.Clean("/" + name))); err != nil {
		return err
	}
	f, err := i.root.OpenFile(inside(name), os.O_WRONLY|os.O_CREATE|how, mode)
	if err != nil {
		return fmt.Errorf("writing %s in %s: %w", name, i.dir, err)
	}
	if err := errors.Join(write(f), f.Chmod(mode), f.Close()); err != nil {
		return fmt.Errorf("writing %s in %s: %w", name, i.dir, err)
	}
	return nil
}
