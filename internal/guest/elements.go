// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// source is an element of the build and the directory it is read from.
type source struct{ name, dir string }

// elements returns the elements of the build in the order of IMAGE_ELEMENT, with
// the directories that IMAGE_ELEMENT_YAML gives them.
func (c *call) elements() ([]source, error) {
	names, err := c.need("IMAGE_ELEMENT")
	if err != nil {
		return nil, err
	}
	dirs, err := c.elementDirs()
	if err != nil {
		return nil, err
	}
	var found []source
	for _, name := range strings.Fields(names) {
		dir, ok := dirs[name]
		if !ok {
			return nil, fmt.Errorf("IMAGE_ELEMENT_YAML does not say where the element %s is", name)
		}
		if err := checkDir(name, dir); err != nil {
			return nil, err
		}
		found = append(found, source{name, dir})
	}
	return found, nil
}

// elementDirs reads IMAGE_ELEMENT_YAML; unset it is an empty map.
func (c *call) elementDirs() (map[string]string, error) {
	doc, err := parseYAML([]byte(c.getenv("IMAGE_ELEMENT_YAML", "")))
	if err == nil && doc.kind != kindMap && doc.kind != kindNull {
		err = fmt.Errorf("it is %s, not a map", doc.kind)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the variable IMAGE_ELEMENT_YAML: %w", err)
	}
	dirs := map[string]string{}
	for _, p := range doc.pairs {
		dirs[p.key.text] = p.value.text
	}
	return dirs, nil
}

// search finds elements by name where IMAGE_ELEMENT_YAML has them, which knows
// the engine's own too, and else in a list of directories, the first winning. An
// element that is nowhere is left out, as upstream does.
func (c *call) search(names []string, path string) ([]source, error) {
	dirs, err := c.elementDirs()
	if err != nil {
		return nil, err
	}
	var found []source
	for _, name := range names {
		if dir, ok := dirs[name]; ok {
			if err := checkDir(name, dir); err != nil {
				return nil, err
			}
			found = append(found, source{name, dir})
		} else if places := occurrences(name, path); len(places) > 0 {
			found = append(found, source{name, places[0]})
		}
	}
	return found, nil
}

// checkDir makes sure that an element is where IMAGE_ELEMENT_YAML has it: else its
// files would be missed in silence.
func checkDir(name, dir string) error {
	if info, err := os.Stat(dir); err != nil {
		return fmt.Errorf("element %s: IMAGE_ELEMENT_YAML has it in a place that cannot be read: %w", name, err)
	} else if !info.IsDir() {
		return fmt.Errorf("element %s: IMAGE_ELEMENT_YAML has it in %s, which is no directory", name, dir)
	}
	return nil
}

// occurrences lists the directories of that element in a search path.
func occurrences(name, path string) []string {
	var found []string
	for _, dir := range filepath.SplitList(path) {
		place := filepath.Join(dir, name)
		if _, err := os.Stat(place); err == nil {
			found = append(found, place)
		}
	}
	return found
}

// exists says whether there is a file, following links.
func exists(file string) (bool, error) {
	_, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
