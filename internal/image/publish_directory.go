// SPDX-License-Identifier: MPL-2.0

package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

func isDirectory(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// syncTree flushes a file, or all files of a directory.
func syncTree(path string) error {
	return filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return syncDirectory(name)
		case e.Type().IsRegular():
			return syncFile(name)
		}
		return nil
	})
}

// placeDirectory gives a directory its name. A directory cannot be replaced in
// one step: an earlier one is moved aside first.
func (s *Staging) placeDirectory(name string) (placement, error) {
	p := placement{path: filepath.Join(s.output, name), tree: true}
	earlier := filepath.Join(s.dir.Path(), earlierFolder, name)
	switch err := os.Rename(p.path, earlier); {
	case err == nil:
		p.earlier = earlier
	case !errors.Is(err, os.ErrNotExist):
		return p, err
	}
	if err := os.Rename(s.file(name), p.path); err != nil {
		return p, errors.Join(err, undoDirectory(p))
	}
	return p, nil
}

func undoDirectory(p placement) error {
	err := os.RemoveAll(p.path)
	if err == nil && p.earlier != "" {
		err = os.Rename(p.earlier, p.path)
	}
	return err
}
