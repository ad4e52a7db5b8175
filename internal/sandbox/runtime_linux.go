// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/workdir"
)

const (
	// runtimePrefix begins the names of supervisors' directories.
	runtimePrefix = "packer-diskimage-run-"
	// ownedName is the file in there that lists what the engine owns: one
	// path per line, quoted as Go quotes strings.
	ownedName       = "owned"
	tempDirVariable = "TMPDIR"
	// socketNameLength is room for the name of the plugin server's socket.
	socketNameLength = 40
	// socketPathLength is what fits into a socket's address (unix(7)).
	socketPathLength = 107
)

// runtimeParents are the directories in which a supervisor's own may lie.
func runtimeParents() []string {
	var parents []string
	for _, dir := range []string{"/run", os.TempDir(), "/tmp", "/var/tmp"} {
		if !slices.Contains(parents, dir) {
			parents = append(parents, dir)
		}
	}
	return parents
}

// newRuntime makes the supervisor's directory in the first place that works and
// whose path leaves room for a socket.
func newRuntime() (*workdir.Dir, error) {
	var errs []error
	for _, parent := range runtimeParents() {
		if len(parent)+len(runtimePrefix)+socketNameLength > socketPathLength {
			continue
		}
		dir, err := workdir.Create(parent, runtimePrefix)
		if err == nil {
			return dir, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("making a directory for the supervisor: %w", errors.Join(errs...))
}

// reclaimRuntime removes what the engine owned and then the directory itself,
// whose lock this process holds or shares. After an error it is all left for
// the next start.
func reclaimRuntime(dir string, lock *os.File) error {
	owned, err := readOwned(filepath.Join(dir, ownedName))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range owned {
		_, err := workdir.Reclaim(path)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return workdir.Adopt(dir, lock).Remove()
}

func readOwned(path string) ([]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading what the engine owned: %w", err)
	}
	defer f.Close()
	var owned []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if dir, err := strconv.Unquote(lines.Text()); err == nil && filepath.IsAbs(dir) {
			owned = append(owned, dir)
		}
	}
	return owned, lines.Err()
}

// sweepRuntimes does for supervisors that were killed together with their init
// what they could not do any more.
func sweepRuntimes() {
	for _, parent := range runtimeParents() {
		// A failure concerns an earlier build, and the next start tries again.
		dirs, _ := workdir.Abandoned(parent, runtimePrefix)
		for _, path := range dirs {
			if dir, err := workdir.Acquire(path); err == nil && dir != nil {
				_ = reclaimRuntime(path, dir.LockFile())
				_ = dir.LockFile().Close()
			}
		}
	}
}
