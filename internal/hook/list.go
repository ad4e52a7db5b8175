// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// List reads the directory of a phase as the phase begins: the names of the
// hooks in run order, and of the files that are not run, because they are not
// executable or their name does not match NamePattern (sorted bytewise). Links
// to files count as files; directories and all else are passed over. The
// directory must exist.
func List(dir string) (run, ignored []string, err error) {
	return ListMatching(dir, "")
}

// ListMatching is List with a value of RUN_PARTS_REGEX, an extended regular
// expression that names must match somewhere. Empty means NamePattern.
func ListMatching(dir, pattern string) (run, ignored []string, err error) {
	name, err := compileName(pattern)
	if err != nil {
		return nil, nil, err
	}
	files, err := regularFiles(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("listing hooks: %w", err)
	}
	for _, file := range files {
		if name.MatchString(file.Name()) && executable(file) {
			run = append(run, file.Name())
		} else {
			ignored = append(ignored, file.Name())
		}
	}
	Sort(run)
	return run, ignored, nil
}

// ListEnvironment reads an environment.d directory: the names of the files to
// source, in order. There are none if the directory does not exist.
func ListEnvironment(dir string) ([]string, error) {
	files, err := regularFiles(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing environment files: %w", err)
	}
	name := regexp.MustCompile(environmentPattern)
	var names []string
	for _, file := range files {
		if name.MatchString(file.Name()) {
			names = append(names, file.Name())
		}
	}
	return names, nil
}

// regularFiles are those directly in dir, links to them included, sorted
// bytewise, as os.ReadDir has them.
func regularFiles(dir string) ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []fs.FileInfo
	for _, entry := range entries {
		info, err := os.Stat(filepath.Join(dir, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a link to nowhere
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			files = append(files, renamed{info, entry.Name()})
		}
	}
	return files, nil
}

// renamed is the information on a link's target under the link's name.
type renamed struct {
	fs.FileInfo
	name string
}

func (r renamed) Name() string { return r.name }

func executable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }
