// SPDX-License-Identifier: MPL-2.0

//go:build linux

package command

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h).
const (
	dataNumber       = 0
	dataArchitecture = 4
)

// ignoreSyncOnThread makes the calls that flush files to disk succeed without
// doing anything, for this thread and its children. Programs of another
// architecture (32-bit ones, say) are left as they are.
func ignoreSyncOnThread() error {
	numbers := []uint32{
		unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_MSYNC,
		unix.SYS_SYNC, unix.SYS_SYNCFS, unix.SYS_SYNC_FILE_RANGE,
	}
	program := syncFilter(auditArchitecture, numbers)
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0,
		uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("installing the filter that ignores fsync: %w", errno)
	}
	return nil
}

// syncFilter is a classic BPF program: foreign architectures and all calls but
// the given ones are allowed, the given ones return 0.
func syncFilter(architecture uint32, numbers []uint32) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	result := func(k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
	}
	equal := func(k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	n := len(numbers)
	program := []unix.SockFilter{load(dataArchitecture), equal(architecture, 0, uint8(n+1)), load(dataNumber)}
	for i, number := range numbers {
		program = append(program, equal(number, uint8(n-i), 0))
	}
	return append(program, result(unix.SECCOMP_RET_ALLOW), result(unix.SECCOMP_RET_ERRNO))
}
