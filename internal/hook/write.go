// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Write lays the tree out in the directory dst, which is made if need be and
// must be empty: files with mode and time of change, directories, links. All
// belongs to the calling user.
func (t *Tree) Write(dst string) error {
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return fmt.Errorf("writing hooks: %w", err)
	}
	present, err := os.ReadDir(dst)
	if err != nil {
		return fmt.Errorf("writing hooks: %w", err)
	}
	if len(present) > 0 {
		return fmt.Errorf("writing hooks to %s: the directory is not empty", dst)
	}
	entries := t.Entries()
	for _, e := range entries {
		if err := e.write(filepath.Join(dst, filepath.FromSlash(e.Path))); err != nil {
			return fmt.Errorf("writing %s of element %q: %w", e.Path, e.Element, err)
		}
	}
	// Directories get their mode and time when nothing is put in them any more.
	for _, e := range slices.Backward(entries) {
		if !e.Mode.IsDir() {
			continue
		}
		if err := e.stamp(filepath.Join(dst, filepath.FromSlash(e.Path))); err != nil {
			return fmt.Errorf("writing %s of element %q: %w", e.Path, e.Element, err)
		}
	}
	return nil
}

func (e Entry) write(path string) error {
	switch {
	case e.Mode.IsDir():
		return os.Mkdir(path, 0o700)
	case e.Mode&fs.ModeSymlink != 0:
		return os.Symlink(e.Target, path)
	}
	return errors.Join(e.writeFile(path), e.stamp(path))
}

func (e Entry) writeFile(path string) (err error) {
	in, err := e.fsys.Open(e.origin)
	if err != nil {
		return err
	}
	defer in.Close() // only read
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// stamp sets mode and time of change.
func (e Entry) stamp(path string) error {
	const kept = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	if err := os.Chmod(path, e.Mode&kept); err != nil {
		return err
	}
	if changed := e.info.ModTime(); !changed.IsZero() {
		return os.Chtimes(path, changed, changed)
	}
	return nil
}
