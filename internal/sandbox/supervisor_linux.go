// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/release"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/workdir"
)

// namespaces are tried in this order: a kernel may be built without the
// lesser ones.
var namespaces = []uintptr{
	unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
	unix.CLONE_NEWPID | unix.CLONE_NEWNS,
}

// supervise runs init and waits for its end. An error means that there is no
// isolation to be had here, and that nothing was left of the attempt.
func supervise() (int, error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("building needs root for mounts and loop devices; run packer as root (sudo packer build …)")
	}
	dir, err := newRuntime()
	if err != nil {
		return 0, err
	}
	heedSignals := ignoreSignals()
	process, closeLifeline, err := startInit(dir)
	if err != nil {
		heedSignals()
		return 0, errors.Join(err, dir.Remove())
	}
	go watch(func() { _ = process.Kill() })
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		sweepRuntimes()
	}()
	state, err := process.Wait()
	<-swept
	code := 1
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && err == nil {
		code = exitCode(ws)
	}
	return finish(code, errors.Join(closeLifeline(), reclaimRuntime(dir.Path(), dir.LockFile())))
}

// finish reports what could not be removed on standard error, which is Packer's
// log. It does not change the engine's exit code: the build is over, and the
// next start tries again.
func finish(code int, err error) (int, error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "cleaning up after the build:", err)
	}
	return code, nil
}

// startInit starts init in new namespaces and waits until it has started the
// engine. closeLifeline ends init if it still runs.
func startInit(dir *workdir.Dir) (process *os.Process, closeLifeline func() error, err error) {
	var files release.Stack
	defer func() { err = errors.Join(err, files.Release()) }()
	lifeline, life, err := pipe(&files)
	if err != nil {
		return nil, nil, err
	}
	ready, answer, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("making a pipe: %w", err), life.Close())
	}
	files.Push("pipe", ready.Close)
	process, err = spawnInit(dir, lifeline, answer)
	err = errors.Join(err, answer.Close())
	if err == nil {
		err = awaitReady(ready, process)
	}
	if err != nil {
		return nil, nil, errors.Join(err, life.Close())
	}
	return process, life.Close, nil
}

// pipe makes the life-line; its reading end is init's alone.
func pipe(files *release.Stack) (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("making a pipe: %w", err)
	}
	files.Push("life-line", r.Close)
	return r, w, nil
}

func spawnInit(dir *workdir.Dir, lifeline, answer *os.File) (*os.Process, error) {
	mount, err := os.Open("/proc/self/ns/mnt")
	if err != nil {
		return nil, fmt.Errorf("looking up the mount namespace: %w; is /proc mounted?", err)
	}
	defer mount.Close()
	root, err := os.Open("/")
	if err != nil {
		return nil, fmt.Errorf("opening the root directory: %w", err)
	}
	defer root.Close()
	m := message{Role: roleInit, Runtime: dir.Path()}
	if value, ok := os.LookupEnv(tempDirVariable); ok {
		m.TempDir = &value
	}
	env, err := m.environment("")
	if err != nil {
		return nil, err
	}
	attr := &os.ProcAttr{Env: env, Files: standard(lifeline, answer, dir.LockFile(), mount, root)}
	for _, flags := range namespaces {
		attr.Sys = &syscall.SysProcAttr{Cloneflags: flags}
		var process *os.Process
		if process, err = os.StartProcess("/proc/self/exe", os.Args, attr); err == nil {
			return process, nil
		}
	}
	return nil, fmt.Errorf("the kernel refuses new PID and mount namespaces (%w); "+
		"in a container it must be a privileged one (docker run --privileged)", err)
}

// awaitReady reads init's answer.
func awaitReady(ready io.Reader, process *os.Process) error {
	text, err := io.ReadAll(ready)
	if err == nil && string(text) == readyText {
		return nil
	}
	_ = process.Kill()
	_, waitErr := process.Wait()
	if len(text) > 0 {
		return errors.New(strings.TrimSpace(string(text)))
	}
	return fmt.Errorf("the first process of the new namespaces ended before it was ready: %w",
		errors.Join(errors.New("no answer"), err, waitErr))
}
