// SPDX-License-Identifier: MPL-2.0

package variable

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Use is what the files of one element do with one variable.
type Use struct {
	// Name begins with DIB_.
	Name string
	// Prefix tells that Name is only the beginning of names.
	Prefix bool
	// Reads tells that some file uses the value, Sets that some file gives it one.
	Reads, Sets bool
	// Defaults are the values that files fall back to, sorted, as far as they
	// are literal: ${DIB_X:-value} and its kin, and Python's environ.get.
	Defaults []string
}

// merge adds what another file or element does.
func (u *Use) merge(other Use) {
	u.Prefix = u.Prefix || other.Prefix
	u.Reads = u.Reads || other.Reads
	u.Sets = u.Sets || other.Sets
	u.Defaults = append(u.Defaults, other.Defaults...)
	slices.Sort(u.Defaults)
	u.Defaults = slices.Compact(u.Defaults)
}

// largest is the size in bytes from which a file is data rather than code.
const largest = 1 << 20

// Scan finds the variables in the files of an element, sorted by name. Files
// that cannot be code are passed over: documentation, tests, what is binary or
// large.
func Scan(fsys fs.FS) ([]Use, error) {
	uses := map[string]*Use{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && skippedDir(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if documentation(entry.Name()) {
			return nil
		}
		text, err := readCode(fsys, name)
		if err != nil {
			return fmt.Errorf("looking for variables in %s: %w", name, err)
		}
		scanText(text, isPackageList(name), uses)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found []Use
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		found = append(found, *uses[name])
	}
	return found, nil
}

func skippedDir(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"tests", "test-elements", "__pycache__"}, name)
}

func documentation(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".rst", ".md", ".pyc":
		return true
	}
	return strings.HasPrefix(name, "README") || strings.HasPrefix(name, "LICENSE")
}

// isPackageList tells whether VAR=value in a file is a question, not a setting.
func isPackageList(name string) bool {
	return strings.HasPrefix(path.Base(name), "package-installs")
}

// readCode returns a file's text, nothing if it is none.
func readCode(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > largest {
		return nil, nil // a link to nowhere or to a directory, or data
	}
	text, err := fs.ReadFile(fsys, name)
	if err != nil || bytes.IndexByte(text, 0) >= 0 {
		return nil, err
	}
	return text, nil
}

var (
	commentPattern = regexp.MustCompile(`(?m)^[ \t]*#.*$`)
	namePattern    = regexp.MustCompile(`\bDIB_[A-Za-z0-9_]+`)
	settingPattern = regexp.MustCompile(`^\+?=[^=~]|^\+?=$`)
	shellDefault   = regexp.MustCompile(`^:?[-=]("[^"]*"|'[^']*'|[^}"']*)\}`)
	pythonDefault  = regexp.MustCompile(`^["']\s*,\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\)`)
)

// scanText adds the variables of one file.
func scanText(text []byte, onlyReads bool, uses map[string]*Use) {
	text = commentPattern.ReplaceAll(text, nil)
	for _, at := range namePattern.FindAllIndex(text, -1) {
		use := Use{Name: string(text[at[0]:at[1]])}
		use.Prefix = strings.HasSuffix(use.Name, "_")
		before, after := text[:at[0]], text[at[1]:min(len(text), at[1]+1000)]
		use.Sets = !onlyReads && !use.Prefix && setting(before, after)
		use.Reads = !use.Sets
		if value, ok := literalDefault(before, after); ok {
			use.Defaults = []string{value}
			// ${DIB_X:=value} does both.
			use.Sets = use.Sets || bytes.HasPrefix(bytes.TrimPrefix(after, []byte(":")), []byte("="))
		}
		if known := uses[use.Name]; known != nil {
			known.merge(use)
		} else {
			uses[use.Name] = &use
		}
	}
}

// setting tells NAME=value from a use of the value.
func setting(before, after []byte) bool {
	if end := min(len(after), 3); !settingPattern.Match(after[:end]) && !bytes.HasPrefix(after, []byte("=\n")) {
		return false
	}
	return len(before) == 0 || bytes.IndexByte([]byte(" \t\n;&|(\"'"), before[len(before)-1]) >= 0
}

// literalDefault reads the default that the text around a name gives it.
func literalDefault(before, after []byte) (string, bool) {
	if bytes.HasSuffix(before, []byte("${")) {
		match := shellDefault.FindSubmatch(after)
		if match == nil || bytes.ContainsAny(match[1], "$`\\\n") {
			return "", false
		}
		value := string(match[1])
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') {
			value = value[1 : len(value)-1]
		}
		return value, true
	}
	if match := pythonDefault.FindSubmatch(after); match != nil && bytes.HasSuffix(before[:max(0, len(before)-1)], []byte(".get(")) {
		return string(match[1]) + string(match[2]), true
	}
	return "", false
}
