// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// process names a process for good: numbers are used again, start times
// (clock ticks since boot) with the same number are not.
type process struct {
	pid   int
	start string
}

// pollInterval is how often ancestors are looked at where the kernel has no
// pidfds, in milliseconds.
const pollInterval = 200

// watch calls dead when the parent is gone, or whoever wraps it: Packer runs
// itself again to catch panics, and a killed wrapper leaves the inner one
// running. It also watches standard error, a pipe to Packer's log: that ends
// even when Packer died before it could be looked at.
func watch(dead func()) {
	defer dead()
	parent := os.Getppid()
	watched := ancestors(parent)
	fds := []unix.PollFd{{Fd: int32(unix.Stderr)}} // POLLERR comes unasked
	timeout := -1
	for _, p := range watched {
		fd, err := unix.PidfdOpen(p.pid, 0)
		switch {
		case err == nil:
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		case errors.Is(err, unix.ESRCH):
			return
		default:
			timeout = pollInterval
		}
	}
	for alive(parent, watched) {
		_, err := unix.Poll(fds, timeout)
		if err != nil && !errors.Is(err, unix.EINTR) {
			fds, timeout = nil, pollInterval
		}
		if err == nil && ended(fds) {
			return
		}
	}
}

// ended reports whether a process or the reader of standard error is gone. Any
// other event (standard error closed, a terminal hung up) would come for ever.
func ended(fds []unix.PollFd) bool {
	for i := range fds {
		if fds[i].Revents&(unix.POLLIN|unix.POLLERR) != 0 {
			return true
		}
		if fds[i].Revents != 0 {
			fds[i].Fd = -1
		}
	}
	return false
}

// alive looks at the processes themselves: before the first poll, because one
// may have died before it got its pidfd, and after each one.
func alive(parent int, watched []process) bool {
	if os.Getppid() != parent {
		return false
	}
	for _, p := range watched {
		if p.start != "" && lookUp(p.pid).start != p.start {
			return false
		}
	}
	return true
}

// ancestors lists the parent and all above it that run the same executable.
// A parent outside of our PID namespace (0) cannot be watched.
func ancestors(parent int) []process {
	var list []process
	var packer os.FileInfo
	for pid := parent; pid > 0; {
		exe, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid))
		if packer != nil && (err != nil || !os.SameFile(packer, exe)) {
			break
		}
		p := lookUp(pid)
		list = append(list, process{pid, p.start})
		if err != nil {
			break
		}
		packer, pid = exe, p.parent
	}
	return list
}

type stat struct {
	parent int
	start  string
}

// lookUp reads /proc/<pid>/stat; the name in it is in parentheses and may
// contain anything. A process that is gone or a zombie has no start time.
func lookUp(pid int) stat {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const state, parent, start = 0, 1, 19
	if len(fields) <= start || fields[state] == "Z" || fields[state] == "X" {
		return stat{}
	}
	ppid, _ := strconv.Atoi(fields[parent])
	return stat{parent: ppid, start: fields[start]}
}
