// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// reservePort finds a free TCP port of 127.0.0.1. Until held is closed the kernel
// gives it to nobody who asks for any port; QEMU, which asks for this one, can
// listen there: both allow that an address is used again, and only one listens.
func reservePort() (port int, held io.Closer, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("finding a free port for ssh: %w", err)
	}
	held = os.NewFile(uintptr(fd), "port for ssh")
	var address unix.Sockaddr
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		address, err = unix.Getsockname(fd)
	}
	if err != nil {
		return 0, nil, errors.Join(fmt.Errorf("finding a free port for ssh: %w", err), held.Close())
	}
	return address.(*unix.SockaddrInet4).Port, held, nil
}
