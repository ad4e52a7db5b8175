// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"io/fs"
	"strings"
)

// elementsFS shows the embedded tree without its top-level files and with run bits.
type elementsFS struct {
	runnable map[string]bool
}

// Open implements fs.FS.
func (e elementsFS) Open(name string) (fs.File, error) {
	if hidden(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	file, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	return modeFile{File: file, fs: e, name: name}, nil
}

// ReadDir implements fs.ReadDirFS.
func (e elementsFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if hidden(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	entries, err := tree.ReadDir(name)
	if err != nil {
		return nil, err
	}
	return e.entries(name, entries), nil
}

// ReadFile implements fs.ReadFileFS.
func (e elementsFS) ReadFile(name string) ([]byte, error) {
	if hidden(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return tree.ReadFile(name)
}

// Stat implements fs.StatFS.
func (e elementsFS) Stat(name string) (fs.FileInfo, error) {
	if hidden(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	info, err := fs.Stat(tree, name)
	if err != nil {
		return nil, err
	}
	return e.info(name, info), nil
}

// hidden reports whether name is a top-level file: this package's own, and no element.
func hidden(name string) bool {
	if strings.Contains(name, "/") || name == "." {
		return false
	}
	info, err := fs.Stat(tree, name)
	return err == nil && !info.IsDir()
}

func (e elementsFS) entries(directory string, entries []fs.DirEntry) []fs.DirEntry {
	shown := make([]fs.DirEntry, 0, len(entries))
	for _, entry := range entries {
		name := entry.Name()
		if directory != "." {
			name = directory + "/" + name
		} else if !entry.IsDir() {
			continue
		}
		shown = append(shown, modeEntry{DirEntry: entry, fs: e, name: name})
	}
	return shown
}

func (e elementsFS) info(name string, info fs.FileInfo) fs.FileInfo {
	return modeInfo{FileInfo: info, runnable: e.runnable[name]}
}

// modeInfo is a FileInfo with the mode that the file has in an element.
type modeInfo struct {
	fs.FileInfo
	runnable bool
}

// Mode implements fs.FileInfo.
func (i modeInfo) Mode() fs.FileMode {
	switch {
	case i.IsDir():
		return fs.ModeDir | 0o755
	case i.runnable:
		return 0o755
	default:
		return 0o644
	}
}

type modeEntry struct {
	fs.DirEntry
	fs   elementsFS
	name string
}

// Info implements fs.DirEntry.
func (d modeEntry) Info() (fs.FileInfo, error) {
	info, err := d.DirEntry.Info()
	if err != nil {
		return nil, err
	}
	return d.fs.info(d.name, info), nil
}

type modeFile struct {
	fs.File
	fs   elementsFS
	name string
}

// Stat implements fs.File.
func (f modeFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return f.fs.info(f.name, info), nil
}

// ReadDir implements fs.ReadDirFile.
func (f modeFile) ReadDir(n int) ([]fs.DirEntry, error) {
	directory, ok := f.File.(fs.ReadDirFile)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: f.name, Err: fs.ErrInvalid}
	}
	for {
		entries, err := directory.ReadDir(n)
		shown := f.fs.entries(f.name, entries)
		// A batch of hidden files only must not look like the end.
		if len(shown) > 0 || err != nil || n <= 0 || len(entries) == 0 {
			return shown, err
		}
	}
}
