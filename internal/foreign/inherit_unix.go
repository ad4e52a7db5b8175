// SPDX-License-Identifier: MPL-2.0

//go:build unix

package foreign

import "syscall"

// keepOwn keeps files to this process that it was started with itself: a fuzzing
// worker's pipes, which the coordinator waits to see closed when it ends a worker.
func keepOwn() {
	for fd := 3; fd < 10; fd++ {
		syscall.CloseOnExec(fd)
	}
}
