// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package qemu

import (
	"fmt"
	"io"
	"net"
)

// reservePort finds a TCP port of 127.0.0.1 that nobody listens on at this moment.
func reservePort() (port int, held io.Closer, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		return 0, nil, fmt.Errorf("finding a free port for ssh: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, io.NopCloser(nil), nil
}
