// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Refresh brings files that changed in their elements since the tree was read
// to the directory that Write made, and returns their entries. What appeared or
// vanished in an element since then is not looked at, nor is what is no regular
// file.
func (t *Tree) Refresh(dst string) ([]Entry, error) {
	var changed []Entry
	for _, e := range t.Entries() {
		if !e.Mode.IsRegular() {
			continue
		}
		now, err := fs.Stat(e.fsys, e.origin)
		if err != nil || !now.Mode().IsRegular() || unchanged(e.info, now) {
			continue
		}
		e.info, e.Mode = now, now.Mode()
		path := filepath.Join(dst, filepath.FromSlash(e.Path))
		if there, err := os.Lstat(path); err == nil && unchanged(there, now) {
			continue
		}
		if err := replace(e, path); err != nil {
			return changed, fmt.Errorf("writing %s of element %q: %w", e.Path, e.Element, err)
		}
		changed = append(changed, e)
	}
	return changed, nil
}

func unchanged(before, now fs.FileInfo) bool {
	return before.ModTime().Equal(now.ModTime()) && before.Size() == now.Size() && before.Mode() == now.Mode()
}

// replace writes the entry beside the path first: a hook may be running it.
func replace(e Entry, path string) error {
	next := path + ".next"
	if err := os.RemoveAll(next); err != nil {
		return err
	}
	if err := e.write(next); err != nil {
		return err
	}
	return os.Rename(next, path)
}
