// SPDX-License-Identifier: MPL-2.0

// Package workdir makes temporary directories that say of themselves whether
// somebody still needs them.
//
// Each directory holds a file named lock. Its text marks the directory as ours,
// and an exclusive flock on it, which the kernel drops when the process dies by
// whatever cause, means "in use". So anybody can tell a directory that a killed
// build left behind from one at work, without asking process numbers, which are
// used again: Sweep removes the former. A directory with a file named kept is
// one that a user asked to keep, and stays.
//
// Removing never crosses into another mount: a tree that still has the host's
// /dev or a cache mounted in it must fail to be removed, not take those along.
package workdir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	lockName = "lock"
	keptName = "kept"
	// marker is how the lock file of our directories begins.
	marker = "packer-plugin-diskimage work directory\n"
	// randomLength is the number of letters and digits after the prefix.
	randomLength = 8
	attempts     = 100
)

// ErrMounted says that a directory was not removed because something is
// mounted at or below it.
var ErrMounted = errors.New("still mounted")

// Dir is a work directory held by this process.
type Dir struct {
	path string

	mu   sync.Mutex
	lock *os.File // nil once removed or released
}

// Create makes parent/<prefix>XXXXXXXX with mode 0700 and locks it. The parent
// must exist; the prefix is a plain name, not empty.
func Create(parent, prefix string) (*Dir, error) {
	if prefix == "" || strings.ContainsAny(prefix, `/\`) {
		return nil, fmt.Errorf("creating a work directory in %s: %q is no file name prefix", parent, prefix)
	}
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, fmt.Errorf("creating a work directory: %w", err)
	}
	for range attempts {
		path := filepath.Join(parent, prefix+strings.ToLower(rand.Text()[:randomLength]))
		lock, err := claim(path)
		switch {
		case err == nil:
			return &Dir{path: path, lock: lock}, nil
		case errors.Is(err, errRaced):
			continue
		default:
			return nil, fmt.Errorf("creating a work directory in %s: %w", parent, err)
		}
	}
	return nil, fmt.Errorf("creating a work directory in %s: no free name after %d attempts", parent, attempts)
}

// errRaced says that somebody else took or swept the new directory.
var errRaced = errors.New("taken by another process")

// claim makes and locks path. Sweep in another process may see the directory
// before it is locked; then the lock is lost or no longer the one in place.
func claim(path string) (*os.File, error) {
	switch err := os.Mkdir(path, 0o700); {
	case errors.Is(err, fs.ErrExist):
		return nil, errRaced
	case err != nil:
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errRaced
	} else if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	got, err := tryLock(lock)
	if err == nil && got && inPlace(lock, path) {
		if _, err = fmt.Fprintf(lock, "%sprocess %d\n", marker, os.Getpid()); err == nil {
			return lock, nil
		}
	}
	if err == nil {
		err = errRaced
	}
	return nil, errors.Join(err, lock.Close())
}

// inPlace reports whether lock is the lock file of the directory now.
func inPlace(lock *os.File, dir string) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(filepath.Join(dir, lockName))
	return err == nil && os.SameFile(held, there)
}

// Adopt takes over a directory whose lock another process shares with this one:
// lock is the descriptor of its LockFile, inherited.
func Adopt(path string, lock *os.File) *Dir { return &Dir{path: path, lock: lock} }

// Path is the absolute path of the directory.
func (d *Dir) Path() string { return d.path }

// LockFile is the locked file. A child process that inherits it shares the
// lock. It is nil after Remove or Close.
func (d *Dir) LockFile() *os.File {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lock
}

// Keep marks the directory as wanted, with the reason for whoever finds it:
// neither Sweep nor Close remove it any more.
func (d *Dir) Keep(reason string) error {
	err := os.WriteFile(filepath.Join(d.path, keptName), []byte(strings.TrimSpace(reason)+"\n"), 0o600)
	if err != nil {
		return fmt.Errorf("marking %s as kept: %w", d.path, err)
	}
	return nil
}

// Kept reports whether dir is marked as kept, and why.
func Kept(dir string) (reason string, kept bool) {
	text, err := os.ReadFile(filepath.Join(dir, keptName))
	return strings.TrimSpace(string(text)), err == nil
}

// Remove removes the directory and all in it, kept or not. It refuses with
// ErrMounted if anything is mounted at or below it. Removing twice is harmless;
// after an error it can be tried again.
func (d *Dir) Remove() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock == nil {
		return nil
	}
	if err := removeUnmounted(d.path); err != nil {
		return err
	}
	return d.release()
}

// Close is the crash net: it removes the directory unless it is kept, and gives
// up the lock in any case. It is harmless after Remove.
func (d *Dir) Close() error {
	if _, kept := Kept(d.path); !kept {
		if err := d.Remove(); err != nil {
			d.mu.Lock()
			defer d.mu.Unlock()
			return errors.Join(err, d.release())
		}
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.release()
}

func (d *Dir) release() error {
	if d.lock == nil {
		return nil
	}
	err := d.lock.Close()
	d.lock = nil
	if err != nil {
		return fmt.Errorf("unlocking %s: %w", d.path, err)
	}
	return nil
}
