// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// ConflictError says that two elements have files that cannot both be in one tree.
type ConflictError struct {
	// Path is the place in the tree that both want.
	Path string
	// First and Second are the elements, in the order of the set.
	First, Second string
	// FirstSource and SecondSource are the two files.
	FirstSource, SecondSource string
	// Types tells that one is a directory and the other is not; else two
	// files lie in one directory under the same name.
	Types bool
}

func (e *ConflictError) Error() string {
	if e.Types {
		return fmt.Sprintf("%s is a directory in one element and not in the other: %s (%s) and %s (%s); rename one of them, or do without one of the elements",
			e.Path, e.First, e.FirstSource, e.Second, e.SecondSource)
	}
	return fmt.Sprintf("there is a duplicated hook in your elements: %s is in %s (%s) and in %s (%s); rename one of them, or do without one of the elements",
		e.Path, e.First, e.FirstSource, e.Second, e.SecondSource)
}

// Merge makes one tree of all elements (element contract §2.6), in their order:
//
//   - Each directory of an element, tests and __pycache__ excepted, is merged
//     into the directory of that name. Entries whose name begins with a dot are
//     left out. A file there whose name is taken is a *ConflictError.
//   - Directories below those merge silently; of files with one name the last
//     element's stays, and so does the mode of a directory. As the set is in
//     topological order, that is the element that depends on the others.
//   - Each file beside the directories goes to the top of the tree, *.pyc
//     excepted; the last element's stays.
//
// Symbolic links to files stay links; an element's directory may be a link.
func Merge(elements []element.Element) (*Tree, error) {
	t := &Tree{entries: map[string]Entry{}}
	for _, e := range elements {
		m := merger{tree: t, element: e}
		if err := m.merge(); err != nil {
			return nil, fmt.Errorf("merging element %q: %w", e.Name, err)
		}
	}
	return t, nil
}

// merger adds one element to the tree.
type merger struct {
	tree    *Tree
	element element.Element
}

func (m merger) merge() error {
	entries, err := fs.ReadDir(m.element.FS, ".")
	if err != nil {
		return fmt.Errorf("reading %s: %w", m.element.Dir, err)
	}
	for _, entry := range entries {
		name := entry.Name()
		info, err := fs.Stat(m.element.FS, name) // follows links
		if err != nil {
			if entry.Type()&fs.ModeSymlink != 0 {
				continue // a link to nowhere
			}
			return fmt.Errorf("reading %s: %w", m.source(name), err)
		}
		switch {
		case info.IsDir() && name != "tests" && name != "__pycache__":
			err = m.directory(name, info)
		case info.Mode().IsRegular() && path.Ext(name) != ".pyc":
			if taken, ok := m.tree.entries[name]; ok && !taken.Mode.IsDir() && !perElement(name) {
				m.tree.overwritten = append(m.tree.overwritten, Overwrite{Path: name, Element: m.element.Name, Lost: taken.Element})
			}
			err = m.copy(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// perElement tells whether a file beside the directories is looked for in each
// element, so that what the merged tree has of it is of no account.
func perElement(name string) bool {
	for _, pattern := range []string{
		"README*", "LICENSE*", "COPYING*", "__init__.py", ".*", "element-deps", "element-provides",
		"package-installs.*", "package-uninstalls.*", "pkg-map", "svc-map", "block-device-*.yaml",
	} {
		if match, _ := path.Match(pattern, name); match {
			return true
		}
	}
	return false
}

// directory merges a first-level directory: no file may be there already.
func (m merger) directory(dir string, info fs.FileInfo) error {
	if taken, ok := m.tree.entries[dir]; !ok || !taken.Mode.IsDir() {
		if err := m.put(dir, firstLevel{info}, ""); err != nil {
			return err
		}
	}
	entries, err := fs.ReadDir(m.element.FS, dir)
	if err != nil {
		return fmt.Errorf("reading %s: %w", m.source(dir), err)
	}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if taken, ok := m.tree.entries[name]; ok && !taken.Mode.IsDir() {
			return m.conflict(taken, entry.IsDir())
		}
		if err := m.copy(name); err != nil {
			return err
		}
	}
	return nil
}

// copy adds a file, a link, or a directory with all that is in it.
func (m merger) copy(name string) error {
	info, err := fs.Lstat(m.element.FS, name)
	if err != nil {
		return fmt.Errorf("reading %s: %w", m.source(name), err)
	}
	switch {
	case info.IsDir():
		return m.copyDir(name, info)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := fs.ReadLink(m.element.FS, name)
		if err != nil {
			return fmt.Errorf("reading link %s: %w", m.source(name), err)
		}
		return m.put(name, info, target)
	case info.Mode().IsRegular():
		if runtime.GOOS == "windows" && !m.element.Builtin {
			if info, err = runnable(m.element.FS, name, info); err != nil {
				return fmt.Errorf("reading %s: %w", m.source(name), err)
			}
		}
		return m.put(name, info, "")
	}
	return fmt.Errorf("%s is neither file, directory nor symbolic link (%s); remove it", m.source(name), info.Mode().Type())
}

func (m merger) copyDir(name string, info fs.FileInfo) error {
	if err := m.put(name, info, ""); err != nil {
		return err
	}
	entries, err := fs.ReadDir(m.element.FS, name)
	if err != nil {
		return fmt.Errorf("reading %s: %w", m.source(name), err)
	}
	for _, entry := range entries {
		if err := m.copy(path.Join(name, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// firstLevel is the information on a directory of the build's own making, which
// has the usual mode whatever that of the element's is.
type firstLevel struct{ fs.FileInfo }

func (firstLevel) Mode() fs.FileMode { return fs.ModeDir | 0o755 }

func (m merger) put(name string, info fs.FileInfo, target string) error {
	if taken, ok := m.tree.entries[name]; ok && taken.Mode.IsDir() != info.IsDir() {
		return m.conflict(taken, info.IsDir())
	}
	m.tree.entries[name] = Entry{
		Path: name, Mode: info.Mode(), Target: target,
		Element: m.element.Name, Source: m.source(name),
		info: info, fsys: m.element.FS, origin: name,
	}
	return nil
}

func (m merger) conflict(taken Entry, isDir bool) error {
	return &ConflictError{
		Path: taken.Path, First: taken.Element, Second: m.element.Name,
		FirstSource: taken.Source, SecondSource: m.source(taken.Path),
		Types: taken.Mode.IsDir() != isDir,
	}
}

func (m merger) source(name string) string { return m.element.Dir + "/" + name }
