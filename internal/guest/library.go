// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// libraryFiles are the bash files that elements source from $_LIB (element
// contract §7.4).
//
//go:embed lib
var libraryFiles embed.FS

// WriteLibrary makes dir the $_LIB of a build: the bash files that elements
// source, and a link to binary, an absolute path, for every host command.
func WriteLibrary(dir, binary string) error {
	entries, err := libraryFiles.ReadDir("lib")
	if err != nil {
		return fmt.Errorf("reading the embedded library: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the library of the build: %w", err)
	}
	for _, entry := range entries {
		doc, err := libraryFiles.ReadFile("lib/" + entry.Name())
		if err != nil {
			return fmt.Errorf("reading the embedded library: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, entry.Name()), doc, 0o644); err != nil {
			return fmt.Errorf("writing the library of the build: %w", err)
		}
	}
	for _, name := range HostCommands() {
		if err := relink(binary, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// LinkSudo puts the stand-in for sudo into dir, which the caller puts on the PATH
// of hooks when the host has no sudo.
func LinkSudo(dir, binary string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a directory for sudo: %w", err)
	}
	return relink(binary, filepath.Join(dir, sudoName))
}

// relink makes or replaces a symbolic link.
func relink(target, link string) error {
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing the link of a helper: %w", err)
	}
	if err := os.Symlink(target, link); err != nil {
		return fmt.Errorf("linking a helper: %w", err)
	}
	return nil
}
