// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package workdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

func readMountinfo() (string, error) { return "", nil }

func openNoFollow(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR, 0) }

func owned(fs.FileInfo) bool { return true }

func removeContents(dir, spare string) error {
	entries, err := os.ReadDir(dir)
	errs := []error{err}
	for _, e := range entries {
		if e.Name() != spare {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}
