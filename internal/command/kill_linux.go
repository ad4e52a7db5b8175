// SPDX-License-Identifier: MPL-2.0

//go:build linux

package command

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// killTree kills the process group of leader and all descendants, those in
// sessions of their own too. Each is stopped before its children are looked
// for, so none can fork away meanwhile. Only a daemon whose parent ended before
// has no bond any more that could be seen.
func killTree(leader int) error {
	family := map[int]*os.Process{}
	_ = syscall.Kill(-leader, syscall.SIGSTOP) // what matters is the kill below
	for found := true; found; {
		found = false
		for child, parent := range parents() {
			if family[child] == nil && (parent == leader || family[parent] != nil) && stop(child, parent, family) {
				found = true
			}
		}
	}
	// A session's leader is also the leader of its process group.
	err := syscall.Kill(-leader, syscall.SIGKILL)
	for _, p := range family {
		_ = p.Kill() // it may have ended
		_ = p.Release()
	}
	return err
}

// stop stops a child and adds it to the family. It is held before its parent is
// looked at again, so that it cannot be another process with the same number.
func stop(child, parent int, family map[int]*os.Process) bool {
	p, err := os.FindProcess(child)
	if err != nil {
		return false
	}
	if parentOf(child) != parent || p.Signal(syscall.SIGSTOP) != nil {
		_ = p.Release()
		return false
	}
	family[child] = p
	return true
}

// parents maps all processes to their parents.
func parents() map[int]int {
	all := map[int]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil // without /proc the process group must do
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			all[pid] = parentOf(pid)
		}
	}
	return all
}

// parentOf is 0 for a process that is gone. The name in /proc/PID/stat, in
// parentheses, may contain anything.
func parentOf(pid int) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(string(fields[1]))
	return parent
}
