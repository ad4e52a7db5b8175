// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Current says how this process runs. Before Enter it is not isolated.
func Current() Status {
	if s := current.Load(); s != nil {
		return s.status
	}
	return Status{Reason: "the program did not pass through sandbox.Enter"}
}

// Own tells the supervisor to remove a work directory (package workdir) when
// this process is gone and the directory is not kept. Without isolation there
// is nobody to tell; then the next build's workdir.Sweep is what removes it.
func Own(dir string) error {
	s := current.Load()
	if s == nil || s.runtime == "" {
		return nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("announcing the work directory %s: %w", dir, err)
	}
	f, err := os.OpenFile(filepath.Join(s.runtime, ownedName), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("announcing the work directory %s: %w", dir, err)
	}
	defer f.Close()
	if _, err := f.WriteString(strconv.Quote(abs) + "\n"); err != nil {
		return fmt.Errorf("announcing the work directory %s: %w", dir, err)
	}
	return nil
}

// RestoreTempDir gives TMPDIR the value (or the absence) that Packer gave it.
// Until then it is the supervisor's directory, so that the socket of Packer's
// plugin server, made first thing, goes away with it. The builder calls this
// before it runs anything.
func RestoreTempDir() error {
	s := current.Load()
	if s == nil || s.runtime == "" {
		return nil
	}
	var err error
	if s.tempDir == nil {
		err = os.Unsetenv(tempDirVariable)
	} else {
		err = os.Setenv(tempDirVariable, *s.tempDir)
	}
	if err != nil {
		return fmt.Errorf("restoring %s: %w", tempDirVariable, err)
	}
	return nil
}

func becomeEngine(m message) {
	unix.Umask(0o022)
	current.Store(&session{
		status:  Status{Isolated: true, HostPID: hostPID()},
		runtime: m.Runtime,
		tempDir: m.TempDir,
	})
}

func becomeUnisolated(why error) {
	unix.Umask(0o022)
	current.Store(&session{status: Status{Reason: why.Error()}})
}

// hostPID asks the host's /proc, inherited from before our own was mounted,
// which process we are; 0 if it cannot say.
func hostPID() int {
	defer unix.Close(fdHostProc)
	text := make([]byte, 32)
	n, err := unix.Readlinkat(fdHostProc, "self", text)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(string(text[:n]))
	if err != nil {
		return 0
	}
	return pid
}
