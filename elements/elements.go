// SPDX-License-Identifier: MPL-2.0

// Package elements holds the elements that the plugin brings along, in the ordinary
// element format, embedded in the binary.
//
// Run bits mean something in elements: a hook without one does not run. An embed.FS knows
// none, so the file executables.txt lists the files that have one; a test compares it with
// the tree. Symbolic links, which embedding refuses, are not used.
package elements

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:generate go test -run "TestExecutables|TestTable" -update .

//go:embed all:*
var tree embed.FS

//go:embed executables.txt
var executables string

// FS returns the elements as a file system: one directory per element, nothing else at the
// top. Files have mode 0755 or 0644, directories 0755, as element contract §2.5 needs them.
func FS() fs.FS {
	return elementsFS{runnable: runnable()}
}

// Extract writes the elements to dir, which is created if missing, with the modes of FS
// whatever the umask. Files that are there already are replaced.
func Extract(dir string) error {
	source := FS()
	err := fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return extract(source, name, filepath.Join(dir, filepath.FromSlash(name)), entry)
	})
	if err != nil {
		return fmt.Errorf("writing the built-in elements to %s: %w", dir, err)
	}
	return nil
}

func extract(source fs.FS, name, target string, entry fs.DirEntry) error {
	if entry.IsDir() {
		return os.MkdirAll(target, 0o755)
	}
	content, err := fs.ReadFile(source, name)
	if err != nil {
		return err
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	if err := os.WriteFile(target, content, info.Mode().Perm()); err != nil {
		return err
	}
	// The umask, or a file that was there, may have given it another mode.
	return os.Chmod(target, info.Mode().Perm())
}

// runnable returns the set of paths in executables.txt.
func runnable() map[string]bool {
	set := make(map[string]bool)
	for _, name := range strings.Fields(executables) {
		set[name] = true
	}
	return set
}
