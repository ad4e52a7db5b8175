// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
)

// Entrance is the command with which a person at another terminal of this host
// enters the tree of a build that waits; "" if there is no tree with a shell.
// It enters the build's namespaces too, so that the build can end what runs
// there when it goes on.
func (b *Build) Entrance() string {
	tree := b.standingTree()
	shell := shellOf(tree)
	if shell == "" {
		return ""
	}
	return fromOutside(command.Command{Path: "chroot", Args: []string{tree, shell, "-l"}})
}

// fromOutside is the command line that runs a command in the build's namespaces
// from another terminal of this host.
func fromOutside(c command.Command) string {
	if pid := sandbox.Current().HostPID; pid != 0 {
		c.Args = append([]string{"--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--pid", c.Path}, c.Args...)
		c.Path = "nsenter"
	}
	return c.String()
}

// keptEntrance is the command that enters a kept tree, with the host's devices
// and its own view of the processes; what it mounts goes when it ends. "" if
// the tree has no shell.
func keptEntrance(tree string) string {
	shell := shellOf(tree)
	if shell == "" {
		return ""
	}
	const script = `for d in dev sys; do mount --rbind /$d "$0/$d"; done; mount -t proc proc "$0/proc"; exec chroot "$0" "$1" -l`
	return command.Command{Path: "unshare", Args: []string{"--mount", "--pid", "--fork", "sh", "-c", script, tree, shell}}.String()
}

// shellOf is the shell that a tree has for people, "" without one.
func shellOf(tree string) string {
	if tree == "" {
		return ""
	}
	for _, shell := range []string{"/bin/bash", "/bin/sh"} {
		if fd, err := openInside(tree, shell[1:], unix.O_PATH); err == nil {
			_ = unix.Close(fd)
			return shell
		}
	}
	return ""
}
