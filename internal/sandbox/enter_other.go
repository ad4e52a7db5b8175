// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package sandbox

// Enter does nothing here: building needs Linux.
func Enter([]string) (exitCode int, handled bool) { return 0, false }

// Current says that there is no isolation here.
func Current() Status {
	return Status{Reason: "building images needs Linux; run packer on a Linux machine, as root"}
}

// Own does nothing here.
func Own(string) error { return nil }

// RestoreTempDir does nothing here.
func RestoreTempDir() error { return nil }
