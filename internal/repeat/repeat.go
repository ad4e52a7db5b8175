// SPDX-License-Identifier: MPL-2.0

// Package repeat is how a provisioner asks the builder to do something once more
// at the very end: after cleanup.d, on the finished file systems, when only
// unmounting is left. A provisioner knows no more of a machine than a
// communicator, so the two agree on a directory of the guest that only our
// builder makes, on the tmpfs of /run: scripts that are put there are taken out
// before the tmpfs goes. On any other machine the directory is missing, and
// registering does nothing.
//
// A script is for the POSIX shell /bin/sh of the image and runs as root in the
// image's tree, with /proc, /dev and /sys, an empty tmpfs on /run, no arguments,
// and DISKIMAGE_REPEAT=yes in a clean environment. It has to hold all that it
// needs, no secrets (the builder keeps it in memory and a person may look at the
// directory), and may run again after it failed. What fails fails the build.
package repeat

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

const (
	// Dir is where scripts are registered, in the guest.
	Dir = "/run/diskimage/repeat.d"
	// Variable tells a script, by the value "yes", that it is being repeated.
	Variable = "DISKIMAGE_REPEAT"
	// MaxBytes is how long a script may be.
	MaxBytes = 256 << 10
	// MaxScripts is how many there may be.
	MaxScripts = 32
	// Generalise begins the names of scripts that remove what is not for clones.
	Generalise = "nocloud-generalise"

	order = ".order"
	// maxOrder bounds the list of names, which has a line for each registration.
	maxOrder = 64 << 10
)

// Function is a function for a POSIX shell that runs as root: diskimage_repeat
// NAME FILE registers the script in FILE. NAME is made of small letters, digits
// and hyphens; who registers a name again replaces the script, which then runs
// after those that were registered meanwhile.
const Function = `diskimage_repeat() {
	[ -d ` + Dir + ` ] || return 0
	cat "$2" >` + Dir + `/.new && mv -f ` + Dir + `/.new "` + Dir + `/$1" && printf '%s\n' "$1" >>` + Dir + `/` + order + `
}
`

// Script is what was registered.
type Script struct{ Name, Text string }

var properName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Read takes the scripts out of a directory, in the order in which their names
// were last registered. A file without its line in the list of names,
// or a line without its file, is an error, as somebody counts on it.
func Read(dir fs.FS) ([]Script, error) {
	names, err := readOrder(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !properName.MatchString(name) {
			return nil, fmt.Errorf("%q is registered in %s; a name is made of small letters, digits and hyphens", name, Dir)
		}
	}
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(names, e.Name()) {
			return nil, fmt.Errorf("%s/%s was put there without being registered; use the function diskimage_repeat", Dir, e.Name())
		}
	}
	if len(names) > MaxScripts {
		return nil, fmt.Errorf("%d scripts are registered in %s; at most %d can be", len(names), Dir, MaxScripts)
	}
	var scripts []Script
	for _, name := range names {
		text, err := read(dir, name, MaxBytes)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, Script{name, text})
	}
	return scripts, nil
}

func readOrder(dir fs.FS) (names []string, err error) {
	text, err := read(dir, order, maxOrder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for name := range strings.Lines(text) {
		name = strings.TrimSuffix(name, "\n")
		names = append(slices.DeleteFunc(names, func(n string) bool { return n == name }), name)
	}
	return names, err
}

// read reads a plain file of at most limit bytes.
func read(dir fs.FS, name string, limit int64) (string, error) {
	info, err := fs.Lstat(dir, name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s/%s is no file", Dir, name)
	}
	file, err := dir.Open(name)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	if int64(len(text)) > limit {
		return "", fmt.Errorf("%s/%s is longer than the %d KiB that can be", Dir, name, limit>>10)
	}
	return string(text), nil
}
