// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Who asks for a reserved port can listen there, as QEMU does; who does not allow
// that addresses are used again, as connections do, does not get it.
func TestReservedPort(t *testing.T) {
	port, held, err := reservePort()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("another got it: %v", err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	listener, err := net.Listen("tcp", address) // allows it, as QEMU does
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(connection.Close(), held.Close()); err != nil {
		t.Error(err)
	}
}
