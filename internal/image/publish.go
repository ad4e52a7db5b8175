// SPDX-License-Identifier: MPL-2.0

package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
)

// Publish flushes all outputs to disk and then gives them their names in the
// output directory; it returns their paths.
//
// Without force an existing file is an *ExistsError, and nothing is changed.
// With force each is replaced in one step. If a step fails, those before it are
// undone: new files go, replaced ones come back, unless the file system has no
// hard links (FAT), where the error names what stays replaced. When ctx has
// ended before the first step, nothing is changed; later it is not looked at.
//
// The staging directory is gone after success. If only removing it failed, both
// the paths and the error are returned.
func (s *Staging) Publish(ctx context.Context, force bool) ([]string, error) {
	if s.closed {
		return nil, errors.New("publishing outputs: the staging directory is closed already")
	}
	made, err := s.Made()
	if err != nil {
		return nil, fmt.Errorf("publishing outputs: %w", err)
	}
	names := make([]string, len(made))
	for i, output := range made {
		names[i] = output.Name
	}
	if err := s.conflicts(names, force); err != nil {
		return nil, fmt.Errorf("publishing outputs: %w", err)
	}
	for _, name := range names {
		if err := syncTree(s.file(name)); err != nil {
			return nil, fmt.Errorf("publishing outputs: %w", explain(err))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("publishing outputs: %w", err)
	}
	paths, err := s.placeAll(names, force)
	if err != nil {
		return nil, fmt.Errorf("publishing outputs: %w", explain(err))
	}
	s.closed = true
	if err := s.dir.Remove(); err != nil {
		return paths, fmt.Errorf("removing the staging directory after publishing: %w", err)
	}
	return paths, nil
}

// Output is a file or directory that Publish will give its name.
type Output struct {
	Name      string
	Directory bool
}

// Made lists the outputs that are there: those asked for by Path first.
func (s *Staging) Made() ([]Output, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir.Path(), outputsFolder))
	if err != nil {
		return nil, err
	}
	var there []Output
	for _, e := range entries {
		if !e.Type().IsRegular() && !e.IsDir() {
			return nil, fmt.Errorf("%s is neither a regular file nor a directory", s.file(e.Name()))
		}
		there = append(there, Output{e.Name(), e.IsDir()})
	}
	rank := func(o Output) int {
		if i := slices.Index(s.names, o.Name); i >= 0 {
			return i
		}
		return len(s.names)
	}
	slices.SortStableFunc(there, func(a, b Output) int { return rank(a) - rank(b) })
	return there, nil
}

func (s *Staging) conflicts(names []string, force bool) error {
	asked := slices.DeleteFunc(slices.Clone(names), s.beside)
	paths, err := Existing(s.output, asked)
	if err != nil {
		return err
	}
	if len(paths) > 0 && !force {
		return &ExistsError{Paths: paths}
	}
	for _, name := range names {
		path := filepath.Join(s.output, name)
		if info, err := os.Lstat(path); err == nil && info.IsDir() != isDirectory(s.file(name)) {
			return fmt.Errorf("%s is in the way: a file and a directory do not replace each other; remove it", path)
		}
	}
	return nil
}

// beside tells whether an output was not asked for by Path: hooks made it
// beside the image. It belongs to the image of that name and replaces what an
// earlier build left of its kind, since nobody can foresee it.
func (s *Staging) beside(name string) bool { return !slices.Contains(s.names, name) }

// placement is one output that has got its name.
type placement struct {
	path    string
	earlier string // a second name of the file that was replaced; "" if there is none
	lost    bool   // a file was replaced that has no second name
	tree    bool   // it is a directory
}

func (s *Staging) placeAll(names []string, force bool) ([]string, error) {
	var done []placement
	var paths []string
	for _, name := range names {
		p, err := s.place(name, force)
		if err != nil {
			return nil, errors.Join(err, undo(done))
		}
		done = append(done, p)
		paths = append(paths, p.path)
	}
	if err := syncDirectory(s.output); err != nil {
		return nil, errors.Join(err, undo(done))
	}
	return paths, nil
}

// place gives one output its name. A hard link does that without ever replacing
// a file, a rename replaces in one step.
func (s *Staging) place(name string, force bool) (placement, error) {
	p := placement{path: filepath.Join(s.output, name)}
	staged := s.file(name)
	if isDirectory(staged) {
		return s.placeDirectory(name)
	}
	if !force && !s.beside(name) {
		err := os.Link(staged, p.path)
		if err == nil {
			return p, nil
		}
		if errors.Is(err, os.ErrExist) {
			return p, &ExistsError{Paths: []string{p.path}}
		}
		// No hard links here: the check before must do.
		if err := s.conflicts([]string{name}, false); err != nil {
			return p, err
		}
		return p, os.Rename(staged, p.path)
	}
	earlier := filepath.Join(s.dir.Path(), earlierFolder, name)
	switch err := os.Link(p.path, earlier); {
	case err == nil:
		p.earlier = earlier
	case !errors.Is(err, os.ErrNotExist):
		p.lost = true
	}
	return p, os.Rename(staged, p.path)
}

// undo takes placements back, the last one first.
func undo(done []placement) error {
	var errs []error
	for _, p := range slices.Backward(done) {
		var err error
		switch {
		case p.tree:
			err = undoDirectory(p)
		case p.lost:
			err = fmt.Errorf("%s stays replaced: its file system cannot keep the earlier file", p.path)
		case p.earlier != "":
			err = os.Rename(p.earlier, p.path)
		default:
			err = os.Remove(p.path)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("taking back an output: %w", err))
		}
	}
	return errors.Join(errs...)
}

// syncDirectory makes new names in dir last. Windows has no such call, and some
// network file systems refuse it.
func syncDirectory(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("flushing the directory: %w", err)
	}
	if err = d.Sync(); errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("flushing the directory %s: %w", dir, err)
	}
	return nil
}
