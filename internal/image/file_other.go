// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package image

import (
	"os"
	"syscall"
)

// cloneFile is not implemented here; a copy is made.
func cloneFile(_, _ *os.File) bool { return false }

// nextData takes everything for data; copying turns zeros into holes.
func nextData(_ *os.File, offset, size int64) (start, end int64, err error) {
	return offset, size, nil
}

func freeBytes(string) (int64, bool) { return 0, false }

func allocated(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func mountPoint(path string) string { return path }

func fullErrors() []error  { return []error{syscall.ENOSPC} }
func readOnlyError() error { return syscall.EROFS }
