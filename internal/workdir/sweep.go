// SPDX-License-Identifier: MPL-2.0

package workdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Sweep removes the directories parent/<prefix>XXXXXXXX that nobody holds and
// nobody marked as kept, and returns their paths. It goes on after a failure
// and returns every error. A parent that does not exist holds nothing to sweep.
func Sweep(parent, prefix string) (removed []string, err error) {
	abandoned, err := Abandoned(parent, prefix)
	errs := []error{err}
	for _, dir := range abandoned {
		gone, err := Reclaim(dir)
		if gone {
			removed = append(removed, dir)
		}
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}

// Abandoned lists the directories that Sweep would look at, whether they are
// in use or not, in the order of their names.
func Abandoned(parent, prefix string) ([]string, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, fmt.Errorf("looking for work directories: %w", err)
	}
	entries, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("looking for work directories: %w", err)
	}
	var dirs []string
	for _, e := range entries {
		random, ok := strings.CutPrefix(e.Name(), prefix)
		if ok && e.IsDir() && len(random) == randomLength && prefix != "" {
			dirs = append(dirs, filepath.Join(parent, e.Name()))
		}
	}
	return dirs, nil
}

// Reclaim removes one work directory if nobody holds it and it is not kept.
// What is not a work directory of this user is left alone without an error, and
// so is one that is gone.
func Reclaim(dir string) (removed bool, err error) {
	d, err := Acquire(dir)
	if d == nil || err != nil {
		return false, err
	}
	if _, kept := Kept(dir); kept {
		return false, d.release()
	}
	if err := d.Remove(); err != nil {
		return false, errors.Join(err, d.release())
	}
	return true, nil
}

// Acquire takes hold of a work directory that nobody holds. It returns nil
// without an error if somebody does, or if dir is no work directory of this
// user.
func Acquire(dir string) (*Dir, error) {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || !owned(info) {
		return nil, nil //nolint:nilerr,nilnil // nothing there that is ours
	}
	lock, err := openNoFollow(filepath.Join(dir, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		// Killed before it was locked, or while it was removed. Only an
		// empty one goes this way.
		_ = os.Remove(dir)
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("looking at the lock of %s: %w", dir, err)
	}
	got, err := tryLock(lock)
	if err != nil || !got || !inPlace(lock, dir) || !ours(lock, dir) {
		return nil, errors.Join(err, lock.Close())
	}
	return &Dir{path: dir, lock: lock}, nil
}

// ours reports whether the lock file bears our marker, or stands alone in its
// directory (the process died before it wrote the marker).
func ours(lock *os.File, dir string) bool {
	text := make([]byte, len(marker))
	n, _ := lock.ReadAt(text, 0)
	if string(text[:n]) == marker {
		return true
	}
	entries, err := os.ReadDir(dir)
	return err == nil && n == 0 && len(entries) == 1
}

// removeUnmounted removes a directory below which nothing is mounted; its lock
// file goes last, so that a removal cut short is finished by the next Sweep.
func removeUnmounted(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	mounts, err := MountsBelow(dir)
	if err != nil {
		return fmt.Errorf("removing %s: %w", dir, err)
	}
	if len(mounts) > 0 {
		points := make([]string, len(mounts))
		for i, m := range mounts {
			points[i] = m.Point
		}
		return fmt.Errorf("removing %s: %w: %s; unmount that and remove the directory",
			dir, ErrMounted, strings.Join(points, ", "))
	}
	if err := removeContents(dir, lockName); err != nil {
		return fmt.Errorf("removing %s: %w", dir, err)
	}
	for _, path := range []string{filepath.Join(dir, lockName), dir} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the work directory: %w", err)
		}
	}
	return nil
}
