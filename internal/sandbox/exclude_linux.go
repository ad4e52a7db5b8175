// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"fmt"
	"path"
	"strings"
)

// excludes are patterns of what not to copy (path.Match). One with a slash in it
// is matched against the path from the top of the copy, another one against the
// last element of each path; a slash at the end changes nothing. What is below
// an excluded directory is excluded with it.
type excludes []string

// newExcludes checks the patterns.
func newExcludes(patterns []string) (excludes, error) {
	var list excludes
	for _, p := range patterns {
		p = strings.TrimSuffix(p, "/")
		if _, err := path.Match(p, ""); err != nil {
			return nil, fmt.Errorf("the exclude pattern %q: %w", p, err)
		}
		if p != "" {
			list = append(list, p)
		}
	}
	return list, nil
}

func (e excludes) match(name string) bool {
	for _, p := range e {
		against := path.Base(name)
		if strings.Contains(p, "/") {
			p, against = strings.TrimPrefix(p, "/"), name
		}
		if ok, _ := path.Match(p, against); ok { // the pattern was checked
			return true
		}
	}
	return false
}

// joinName is the path of an entry from the top of a copy.
func joinName(above, base string) string {
	if above == "" {
		return base
	}
	return above + "/" + base
}

// joinPath is a path below a directory, which is not cleaned: "a/.." is not "."
// if a is a link.
func joinPath(dir, base string) string { return strings.TrimRight(dir, "/") + "/" + base }
