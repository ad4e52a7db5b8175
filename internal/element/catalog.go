// SPDX-License-Identifier: MPL-2.0

package element

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Catalog holds every element that can be asked for.
type Catalog struct {
	paths   []string
	path    map[string]Element // the winners among the search path
	aliases map[string]string  // links on the search path → names of elements
	losers  map[string][]Element
	builtin map[string]Element
}

// Warning is something about the search path that the user may not want.
type Warning struct {
	// Element is the name of the element concerned. Show the warning if the
	// element is in the Set; a search path usually holds many more.
	Element string
	// Message is a sentence without a final full stop.
	Message string
}

// String is the message.
func (w Warning) String() string { return w.Message }

// SplitPath takes a value of ELEMENTS_PATH apart. The separator is that of the
// host's path lists. An empty value is no path at all; an empty part stays, for
// Load to complain about.
func SplitPath(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, string(filepath.ListSeparator))
}

// Load reads the built-in elements (one directory each at the top of builtin,
// which may be nil) and those on the search path (element contract §3.1). Every
// part of paths must be a directory; each that is not gives an
// *InvalidElementDirError, all of them joined.
func Load(builtin fs.FS, paths []string) (*Catalog, []Warning, error) {
	c := &Catalog{
		paths:   slices.Clone(paths),
		path:    map[string]Element{},
		aliases: map[string]string{},
		losers:  map[string][]Element{},
		builtin: map[string]Element{},
	}
	errs := []error{c.loadBuiltin(builtin)}
	var warnings []Warning
	for _, dir := range paths {
		more, err := c.loadPath(dir)
		errs = append(errs, err)
		warnings = append(warnings, more...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, warnings, err
	}
	return c, append(warnings, c.overrides()...), nil
}

func (c *Catalog) loadBuiltin(builtin fs.FS) error {
	if builtin == nil {
		return nil
	}
	entries, err := fs.ReadDir(builtin, ".")
	if err != nil {
		return fmt.Errorf("reading the built-in elements: %w", err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		sub, err := fs.Sub(builtin, entry.Name())
		if err != nil {
			return fmt.Errorf("reading built-in element %q: %w", entry.Name(), err)
		}
		e, err := read(entry.Name(), "builtin:"+entry.Name(), sub, true)
		if err != nil {
			return err
		}
		c.builtin[e.Name] = e
	}
	return nil
}

// loadPath adds the elements in dir that no earlier part of the path has.
func (c *Catalog) loadPath(dir string) ([]Warning, error) {
	entries, err := readElementDir(dir)
	if err != nil {
		return nil, err
	}
	var warnings []Warning
	var errs []error
	for _, entry := range entries {
		real, ok, err := elementDir(filepath.Join(dir, entry.Name()))
		if err != nil {
			errs = append(errs, fmt.Errorf("reading element path %q: %w", dir, err))
		}
		if !ok {
			continue
		}
		e, err := read(filepath.Base(real), real, os.DirFS(real), false)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if entry.Name() != e.Name {
			c.aliases[entry.Name()] = e.Name
		}
		first, taken := c.path[e.Name]
		switch {
		case !taken:
			c.path[e.Name] = e
		case first.Dir != e.Dir && !hidden(e.Name):
			c.losers[e.Name] = append(c.losers[e.Name], e)
			warnings = append(warnings, overrideWarning(first, e))
		}
	}
	return warnings, errors.Join(errs...)
}

func readElementDir(dir string) ([]fs.DirEntry, error) {
	if dir == "" {
		return nil, &InvalidElementDirError{}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, &InvalidElementDirError{Path: dir, Err: err}
	}
	if !info.IsDir() {
		return nil, &InvalidElementDirError{Path: dir}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, &InvalidElementDirError{Path: dir, Err: err}
	}
	return entries, nil
}

// elementDir follows symbolic links; ok is false for what is no directory in
// the end, as a plain file or a link to nowhere.
func elementDir(path string) (real string, ok bool, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return "", false, nil
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", false, err
	}
	if real, err = filepath.EvalSymlinks(path); err != nil {
		return "", false, err
	}
	return real, true, nil
}

// overrides warns about built-in elements that the search path replaces.
func (c *Catalog) overrides() []Warning {
	var warnings []Warning
	for _, name := range slices.Sorted(maps.Keys(c.builtin)) {
		if e, ok := c.path[name]; ok && !IsInfrastructure(name) {
			warnings = append(warnings, overrideWarning(e, c.builtin[name]))
		}
	}
	return warnings
}

func overrideWarning(winner, loser Element) Warning {
	return Warning{
		Element: winner.Name,
		Message: fmt.Sprintf("element %s in %s overrides %s", winner.Name, winner.Dir, loser.Dir),
	}
}

// hidden names are directories such as .git and __pycache__: elements by the
// letter of the contract, but nobody means them.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || name == "__pycache__"
}

// Shadowed lists the elements of that name on the search path that an earlier part
// of it hides.
func (c *Catalog) Shadowed(name string) []Element { return slices.Clone(c.losers[name]) }

// Names lists all elements, sorted bytewise.
func (c *Catalog) Names() []string {
	names := slices.Collect(maps.Keys(c.builtin))
	names = slices.AppendSeq(names, maps.Keys(c.path))
	slices.Sort(names)
	return slices.Compact(names)
}

// Paths is the search path that the catalogue was loaded from.
func (c *Catalog) Paths() []string { return slices.Clone(c.paths) }

// Lookup returns the element that serves under name when the request says
// nothing else (PathInfrastructure). It does not know virtual names.
func (c *Catalog) Lookup(name string) (Element, bool) { return c.pick(name, false) }

// pick chooses between the path's and the built-in element of one name.
func (c *Catalog) pick(name string, pathInfrastructure bool) (Element, bool) {
	onPath, ok := c.path[name]
	builtin, isBuiltin := c.builtin[name]
	if isBuiltin && (!ok || IsInfrastructure(name) && !pathInfrastructure) {
		return builtin, true
	}
	return onPath, ok
}

// Providers lists the elements that provide name, sorted.
func (c *Catalog) Providers(name string) []string {
	var names []string
	for _, candidate := range c.Names() {
		if e, ok := c.Lookup(candidate); ok && slices.Contains(e.Provides, name) {
			names = append(names, candidate)
		}
	}
	return names
}
