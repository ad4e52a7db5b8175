// SPDX-License-Identifier: MPL-2.0

// Package sandbox is where a build runs: the processes around it, and the trees
// in which its commands run.
//
// # Processes
//
// A build makes mounts and starts daemons that must be gone when it ends, also
// when it is killed. So the program that Packer starts as builder runs itself
// again, twice (Enter):
//
//	packer ── supervisor ── init ── engine ── hooks, provisioners' commands
//	          host's ns.    └─ own PID, mount, IPC and UTS namespaces ─┘
//
// The supervisor waits, and watches Packer. Init is process 1 of the new PID
// namespace: when it dies, the kernel kills all others in there, and with the
// last of them goes the mount namespace. It does nothing but reap, because a Go
// program that waits for any child takes the exit status away from its own
// os/exec; therefore the engine, which is the plugin proper, is a process of
// its own. Who dies takes the others along:
//
//   - Packer: the supervisor polls its parent, and whoever wraps it, and kills init.
//   - The supervisor: init holds the reading end of a pipe whose writing end
//     only the supervisor has. (A parent-death signal would hang on a thread.)
//   - Init: the kernel kills the engine, the supervisor passes the end on.
//   - The engine: init kills what is left and ends with the engine's status.
//
// Files outlive processes. The engine names its work directories with Own, and
// whichever of init and supervisor is left removes them; if both were killed at
// once, the supervisor of the next build does.
//
// # Trees
//
// A Tree is a root file system in which commands run; its Guest runs scripts in
// it and moves files in and out. Whatever is in a tree is foreign: every path
// in it is resolved by openat2 with RESOLVE_IN_ROOT, so that no symbolic link
// of the tree, not even one swapped in at that moment, leads out of it.
package sandbox

// Status says how the engine runs.
type Status struct {
	// Isolated is true in namespaces of its own.
	Isolated bool
	// Reason says why it is not isolated and what to do about it.
	Reason string
	// HostPID is the engine's process number as seen outside, so that
	// /proc/<HostPID>/root/<path> is a path of the engine for other
	// processes of the host. 0 if not isolated.
	HostPID int
}
