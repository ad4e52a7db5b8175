// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Get reads a file of the tree. Symbolic links are followed inside the tree. A
// missing file is an fs.ErrNotExist.
func (g *Guest) Get(src string, w io.Writer) error {
	err := g.get(src, w)
	if err != nil {
		return fmt.Errorf("downloading %s from %s: %w", src, g.tree.root, err)
	}
	return nil
}

func (g *Guest) get(src string, w io.Writer) error {
	root, err := openRoot(g.tree.root)
	if err != nil {
		return err
	}
	defer root.close()
	f, info, err := root.look(g.path(src))
	if err != nil {
		return err
	}
	defer f.Close()
	return read(f, info, w)
}

// look finds out what a path is; the file is open for that only (O_PATH).
func (r rootDir) look(name string) (*os.File, fs.FileInfo, error) {
	f, err := r.open(name, unix.O_PATH)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// read copies a file that look found.
func read(f *os.File, info fs.FileInfo, w io.Writer) error {
	switch {
	case info.IsDir():
		return errors.New("it is a directory; a slash at the end downloads its contents")
	case !info.Mode().IsRegular():
		return errNotRegular
	}
	open, err := reopen(f, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer open.Close()
	_, err = io.Copy(w, open)
	return err
}

// Glob lists the paths of the tree that match a pattern (path.Match for each
// element), sorted; none is no error. As in a shell, only a pattern with a dot
// in its place matches a hidden name. Links are followed inside the tree.
func (g *Guest) Glob(pattern string) ([]string, error) {
	root, err := openRoot(g.tree.root)
	if err != nil {
		return nil, err
	}
	defer root.close()
	return root.glob(g.path(pattern))
}

func (r rootDir) glob(pattern string) ([]string, error) {
	found := []string{""}
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		if _, err := path.Match(part, ""); err != nil {
			return nil, fmt.Errorf("the pattern %q: %w", pattern, err)
		}
		var next []string
		for _, dir := range found {
			for _, base := range r.matches(dir, part) {
				next = append(next, dir+"/"+base)
			}
		}
		found = next
	}
	return found, nil
}

// matches lists the names in a directory that match; what cannot be read has none.
func (r rootDir) matches(dir, part string) []string {
	if !strings.ContainsAny(part, `*?[\`) {
		f, err := r.open(dir+"/"+part, unix.O_PATH)
		if err != nil {
			return nil
		}
		_ = f.Close()
		return []string{part}
	}
	f, err := r.open(dir+"/", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := readNames(f)
	return slices.DeleteFunc(names, func(name string) bool {
		ok, _ := path.Match(part, name)
		return !ok || name[0] == '.' && part[0] != '.'
	})
}

// readNames lists a directory that look found, sorted.
func readNames(f *os.File) ([]string, error) {
	fd, err := unix.Openat(int(f.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: f.Name(), Err: err}
	}
	dir := os.NewFile(uintptr(fd), f.Name())
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}
