// SPDX-License-Identifier: MPL-2.0

//go:build linux

package command

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// configure gives the program its own session and, if asked, its own root.
func configure(cmd *exec.Cmd, c Command) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Chroot: c.Root}
	if c.Root != "" && c.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.Cancel = func() error { return killTree(cmd.Process.Pid) }
	return nil
}

// waiting is how many bytes are in a pipe.
func waiting(pipe *os.File) int64 {
	n := 0
	conn, err := pipe.SyscallConn()
	if err == nil {
		err = conn.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	if err != nil {
		return 0
	}
	return int64(n)
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
