// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// readyText is init's answer when the engine runs; anything else is an error.
const readyText = "ready"

// runInit is process 1 of the new namespaces.
func runInit(m message) int {
	ignoreSignals()
	for fd := fdLifeline; fd <= fdHostRoot; fd++ {
		unix.CloseOnExec(fd)
	}
	engine, err := startEngine(m)
	answer := os.NewFile(fdReady, "answer")
	if err != nil {
		fmt.Fprintln(answer, err)
		return 1
	}
	go killAtEnd(os.NewFile(fdLifeline, "life-line"))
	if _, err := answer.WriteString(readyText); err == nil {
		_ = answer.Close()
	}
	code := reap(engine)
	if err := reclaimOutside(m.Runtime); err != nil {
		// The supervisor, or the next start, tries again.
		fmt.Fprintln(os.Stderr, "cleaning up after the build:", err)
	}
	return code
}

// killAtEnd kills everything in the namespace once the supervisor is gone; init
// itself cannot be hit by it, and goes on to clean up.
func killAtEnd(lifeline *os.File) {
	_, _ = lifeline.Read(make([]byte, 1))
	_ = unix.Kill(-1, unix.SIGKILL)
}

// reap waits for every process of the namespace, and when the engine has ended,
// ends the others. It returns the engine's exit code.
func reap(engine int) (code int) {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil: // ECHILD: init is the last one
			return code
		case pid == engine:
			code = exitCode(ws)
			_ = unix.Kill(-1, unix.SIGKILL)
		}
	}
}

// startEngine makes the namespaces usable and starts the engine in them.
func startEngine(m message) (pid int, err error) {
	if os.Getpid() != 1 {
		return 0, fmt.Errorf("%s is for internal use", roleVariable)
	}
	hostProc, err := os.Open("/proc")
	if err != nil {
		return 0, fmt.Errorf("opening /proc: %w", err)
	}
	defer hostProc.Close()
	if err := ownMounts(); err != nil {
		return 0, err
	}
	// What is built must not learn this host's name, and sudo wants one that
	// every image can resolve.
	if err := unix.Sethostname([]byte("localhost")); err != nil {
		return 0, fmt.Errorf("setting the build's host name: %w", err)
	}
	m.Role = roleEngine
	env, err := m.environment(m.Runtime)
	if err != nil {
		return 0, err
	}
	process, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{
		Env:   env,
		Files: standard(hostProc),
	})
	if err != nil {
		return 0, fmt.Errorf("starting the engine: %w", err)
	}
	return process.Pid, nil
}

// ownMounts cuts the mounts off from the host's and shows our processes in /proc.
func ownMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w; a container must be a privileged one", err)
	}
	const binfmt = "/proc/sys/fs/binfmt_misc"
	_, absent := os.Stat(binfmt + "/register")
	err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err != nil {
		return fmt.Errorf("mounting /proc: %w; a container must be a privileged one", err)
	}
	if absent == nil {
		// The new /proc hides it; interpreters of foreign architectures
		// work all the same, but scripts look for them here.
		_ = unix.Mount("binfmt_misc", binfmt, "binfmt_misc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	}
	return nil
}

// reclaimOutside removes what the engine owned, in the host's mount namespace:
// there our mounts do not stand in the way. The supervisor may be gone, so this
// is done here at every end.
func reclaimOutside(dir string) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := enterHost(); err != nil {
			done <- err
			return
		}
		done <- reclaimRuntime(dir, os.NewFile(fdLock, "lock"))
	}()
	return <-done
}

// enterHost moves this thread to the host's mount namespace and root.
func enterHost() error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leaving the mount namespace: %w", err)
	}
	if err := unix.Setns(fdHostMount, unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("entering the host's mount namespace: %w", err)
	}
	if err := unix.Fchdir(fdHostRoot); err != nil {
		return fmt.Errorf("entering the host's root directory: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("entering the host's root directory: %w", err)
	}
	return nil
}
