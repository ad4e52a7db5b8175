// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"cmp"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Entry is one file, directory or symbolic link of a Tree.
type Entry struct {
	// Path is relative to the tree, with slashes, as "install.d/50-x".
	Path string
	// Mode has the type and the permissions.
	Mode fs.FileMode
	// Target is where a symbolic link points, otherwise empty.
	Target string
	// Element is the name of the element that it comes from; a directory may
	// come from others, too.
	Element string
	// Source is where it lies: the element's Dir and the path in there.
	Source string

	info   fs.FileInfo
	fsys   fs.FS  // the element's
	origin string // path in fsys
}

// Tree is what the directories of all elements merge into.
type Tree struct {
	entries     map[string]Entry
	overwritten []Overwrite
	// names is a value of RUN_PARTS_REGEX, empty for NamePattern.
	names string
}

// Overwrite is a file beside the directories of an element that is not in the
// tree, since a later element has one of the same name.
type Overwrite struct {
	// Path is the file's name, Element where the one in the tree is from, and
	// Lost where the other is from.
	Path, Element, Lost string
}

// Overwritten lists the files beside the directories that more than one element
// has and that are looked for in the tree. Files that are read from the elements
// themselves (a README, package-installs.yaml) are not among them.
func (t *Tree) Overwritten() []Overwrite { return slices.Clone(t.overwritten) }

// MatchNames makes pattern, a value of RUN_PARTS_REGEX, what the names of hooks
// must match; empty means NamePattern.
func (t *Tree) MatchNames(pattern string) error {
	if _, err := compileName(pattern); err != nil {
		return err
	}
	t.names = pattern
	return nil
}

// Hook is a file that a phase runs or, in environment.d, sources.
type Hook struct {
	// Name is the file's name, without directory.
	Name string
	// Path is relative to the tree, with slashes.
	Path string
	// Element is the name of the element that it comes from.
	Element string
	// Source is where it lies: the element's Dir and the path in there.
	Source string
	// Executable tells whether it, or what it links to, may be executed.
	Executable bool
}

// Ignored is a file in a hook directory that will not run.
type Ignored struct {
	Hook
	// Reason completes "… is ignored: …".
	Reason string
}

// Entries lists the whole tree, sorted by path; a directory comes before what
// is in it.
func (t *Tree) Entries() []Entry {
	var entries []Entry
	for _, p := range slices.Sorted(maps.Keys(t.entries)) {
		entries = append(entries, t.entries[p])
	}
	return entries
}

// Lookup returns the entry at a slash-separated path.
func (t *Tree) Lookup(p string) (Entry, bool) {
	e, ok := t.entries[p]
	return e, ok
}

// ReadFile reads a regular file of the tree from its element.
func (t *Tree) ReadFile(p string) ([]byte, error) {
	e, ok := t.entries[p]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: p, Err: fs.ErrNotExist}
	}
	return fs.ReadFile(e.fsys, e.origin)
}

// Hooks lists the hooks of a phase (as "install.d") in run order.
func (t *Tree) Hooks(phase string) []Hook {
	run, _ := t.split(phase)
	return run
}

// EnvironmentFiles lists the environment files in the order of sourcing,
// without the engine's own (see WithInstallType).
func (t *Tree) EnvironmentFiles() []Hook {
	run, _ := t.split(EnvironmentDir)
	return run
}

// Ignored lists the files of a phase, or of environment.d, that will not run
// (or be sourced), sorted by name. That is normal for data of a hook; it is a
// slip when the file was meant to run.
func (t *Tree) Ignored(phase string) []Ignored {
	_, ignored := t.split(phase)
	return ignored
}

// split sorts the files of a directory into those that run and the others.
func (t *Tree) split(dir string) (run []Hook, ignored []Ignored) {
	isEnvironment := dir == EnvironmentDir
	pattern := cmp.Or(t.names, NamePattern)
	if isEnvironment {
		pattern = environmentPattern
	}
	name := regexp.MustCompile(pattern)
	for _, e := range t.children(dir) {
		h := Hook{Name: path.Base(e.Path), Path: e.Path, Element: e.Element, Source: e.Source}
		info := t.follow(e)
		if info == nil || !info.Mode().IsRegular() {
			if info == nil {
				ignored = append(ignored, Ignored{h, "links to " + e.Target + ", which does not exist"})
			}
			continue
		}
		h.Executable = executable(info)
		switch {
		case !name.MatchString(h.Name):
			ignored = append(ignored, Ignored{h, "its name does not match " + pattern})
		case !isEnvironment && !h.Executable:
			ignored = append(ignored, Ignored{h, "it is not executable"})
		default:
			run = append(run, h)
		}
	}
	if !isEnvironment {
		slices.SortFunc(run, func(a, b Hook) int { return Compare(a.Name, b.Name) })
	}
	return run, ignored
}

// children are the entries directly in dir, sorted by name.
func (t *Tree) children(dir string) []Entry {
	var found []Entry
	for p, e := range t.entries {
		if path.Dir(p) == dir {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return found
}

// maxLinks is how many symbolic links in a row are followed, as in the kernel.
const maxLinks = 40

// follow returns the information on an entry or, for a link, on what it will
// point to in the merged tree; links that leave the tree are followed from
// where they lie now. It is nil for a link to nowhere.
func (t *Tree) follow(e Entry) fs.FileInfo {
	for range maxLinks {
		if e.Mode&fs.ModeSymlink == 0 {
			return e.info
		}
		next, ok := t.entries[path.Join(path.Dir(e.Path), e.Target)]
		if path.IsAbs(e.Target) || !ok {
			info, err := fs.Stat(e.fsys, e.origin)
			if err != nil {
				return nil
			}
			return info
		}
		e = next
	}
	return nil
}
