// SPDX-License-Identifier: MPL-2.0

//go:build linux

package command

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// configure gives the program its own session and, if asked, its own root.
func configure(cmd *exec.Cmd, c Command) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Chroot: c.Root}
	if c.Root != "" && c.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.Cancel = func() error {
		// The session's leader is also the leader of its process group.
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	return nil
}

// start starts cmd. A seccomp filter holds for a thread and what that thread
// forks, so the fork is made on a thread that is thrown away afterwards.
func start(cmd *exec.Cmd, ignoreSync bool) error {
	if !ignoreSync {
		return cmd.Start()
	}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		// It only saves time: a kernel or container without seccomp does without.
		_ = ignoreSyncOnThread()
		started <- cmd.Start()
	}()
	return <-started
}

func status(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}
