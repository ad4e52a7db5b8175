// SPDX-License-Identifier: MPL-2.0

package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// NoSpaceError says that a file system was too small for a file.
type NoSpaceError struct {
	// Path is the file that did not fit.
	Path string
	// FileSystem is where the full file system is mounted.
	FileSystem string
	// Free is how many bytes were free before; negative if that is not known.
	Free int64
	// Needed is how many bytes of data the disk holds, which is the most that
	// the file can take; 0 if that is not known.
	Needed int64
	// Err is what was being done and what the system said.
	Err error
}

// Error names the file system and both sizes.
func (e *NoSpaceError) Error() string {
	text := fmt.Sprintf("the file system at %s is full", e.FileSystem)
	var sizes []string
	if e.Free >= 0 {
		sizes = append(sizes, humanBytes(e.Free)+" were free before")
	}
	if e.Needed > 0 {
		sizes = append(sizes, "up to "+humanBytes(e.Needed)+" are needed")
	}
	if len(sizes) > 0 {
		text += " (" + strings.Join(sizes, ", ") + ")"
	}
	return text + "; free some space there or choose another directory: " + e.Err.Error()
}

// Unwrap returns Err.
func (e *NoSpaceError) Unwrap() error { return e.Err }

func newNoSpaceError(path string, free int64, known bool, needed int64, err error) error {
	if !known {
		free = -1
	}
	return &NoSpaceError{
		Path: path, FileSystem: mountPoint(filepath.Dir(path)), Free: free, Needed: needed, Err: err,
	}
}

// isFull recognises a full disk or used-up quota, also in what a program said:
// toolEnvironment makes programs speak English.
func isFull(err error) bool {
	said := strings.ToLower(err.Error())
	for _, full := range fullErrors() {
		if errors.Is(err, full) || strings.Contains(said, strings.ToLower(full.Error())) {
			return true
		}
	}
	return false
}

// explain adds what the user can do to an error about an output directory.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, readOnlyError()):
		return fmt.Errorf("%w; choose an output directory on a file system that can be written", err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w; choose an output directory that this user may write", err)
	case isFull(err):
		return fmt.Errorf("%w; free some space there or choose another output directory", err)
	}
	return err
}

// climb goes up from path to the last directory with the same device.
func climb(path string, device func(string) (uint64, bool)) string {
	here, ok := device(path)
	for ok {
		parent := filepath.Dir(path)
		above, known := device(parent)
		if parent == path || !known || above != here {
			break
		}
		path = parent
	}
	return path
}

// humanBytes writes a size in 1024-based units.
func humanBytes(n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
