// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// loopTries bounds the race for a free device with other processes.
const loopTries = 100

// pause is the time between two looks at something that ends by itself.
const pause = 20 * time.Millisecond

// loop is an attached loop device. The open file keeps it: the kernel clears
// the device when the last user is gone, however this process ends.
type loop struct {
	path    string // /dev/loopN
	name    string // loopN
	file    *os.File
	backing string // as the kernel writes it in sysfs
}

// attach puts a part of a file on a free loop device; 0 bytes mean all of it.
func attach(ctx context.Context, file *os.File, offset, bytes, sector int64) (*loop, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the loop device control (is this root, and is the loop module loaded?): %w", err)
	}
	defer control.Close()
	config := &unix.LoopConfig{Fd: uint32(file.Fd()), Size: uint32(sector)}
	config.Info.Offset, config.Info.Sizelimit = uint64(offset), uint64(bytes)
	// Without PARTSCAN, partitions would outlive the device.
	config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_PARTSCAN
	copy(config.Info.File_name[:len(config.Info.File_name)-1], file.Name())
	for try := 0; ; try++ {
		l, err := attachFree(control, config)
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, unix.EBUSY) || try == loopTries {
			return nil, fmt.Errorf("attaching %s to a loop device: %w", file.Name(), err)
		}
		if err := command.Pause(ctx, pause); err != nil {
			return nil, fmt.Errorf("attaching %s to a loop device: %w", file.Name(), err)
		}
	}
}

// attachFree tries the device that is free now; EBUSY means another was faster.
func attachFree(control *os.File, config *unix.LoopConfig) (*loop, error) {
	n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return nil, fmt.Errorf("asking for a free loop device: %w", err)
	}
	l := &loop{name: fmt.Sprintf("loop%d", n), path: fmt.Sprintf("/dev/loop%d", n)}
	// A node made here stays, like the kernel's own: the number may be another
	// build's by the time this one is done with it.
	if _, err = ensureNode(l.path, l.name); err != nil {
		return nil, err
	}
	if l.file, err = os.OpenFile(l.path, os.O_RDWR, 0); err != nil {
		return nil, fmt.Errorf("opening a loop device: %w; a container must be a privileged one", err)
	}
	if err := unix.IoctlLoopConfigure(int(l.file.Fd()), config); err != nil {
		return nil, errors.Join(fmt.Errorf("configuring %s: %w", l.path, err), l.file.Close())
	}
	l.backing = l.backingFile()
	return l, nil
}

// backingFile is what the kernel says is on the device; "" if nothing.
func (l *loop) backingFile() string {
	text, err := os.ReadFile("/sys/block/" + l.name + "/loop/backing_file")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

// attached tells whether our file is still on the device.
func (l *loop) attached() bool {
	return l.backing != "" && l.backingFile() == l.backing
}

// close gives the device up. The kernel detaches it when nobody uses it any
// more, which detached waits for.
func (l *loop) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// detached waits until the device is free of our file.
func (l *loop) detached(ctx context.Context, patience time.Duration) error {
	for deadline := time.Now().Add(patience); l.attached(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is still attached to %s after %s%s", l.path, l.backing, patience, deviceHolders(l.name))
		}
		if err := command.Pause(ctx, pause); err != nil {
			return fmt.Errorf("waiting for %s to detach: %w", l.path, err)
		}
	}
	return nil
}

// ensureNode makes the node of a block device that sysfs knows and /dev, which
// may be a plain directory in a container, lacks or has from an earlier device.
func ensureNode(path, name string) (made bool, err error) {
	var st unix.Stat_t
	there := unix.Stat(path, &st) == nil
	text, err := os.ReadFile("/sys/class/block/" + name + "/dev")
	switch {
	case err != nil && there:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("there is no %s, and its number is not in /sys: %w", path, err)
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(string(text), "%d:%d", &major, &minor); err != nil {
		return false, fmt.Errorf("reading the number of %s from %q: %w", name, text, err)
	}
	number := unix.Mkdev(major, minor)
	if there && st.Mode&unix.S_IFMT == unix.S_IFBLK && st.Rdev == number {
		return false, nil
	}
	if there {
		if err := os.Remove(path); err != nil {
			return false, fmt.Errorf("replacing a device node with another's number: %w", err)
		}
	}
	err = unix.Mknod(path, unix.S_IFBLK|0o600, int(number))
	if err == nil || errors.Is(err, unix.EEXIST) {
		return err == nil, nil
	}
	return false, fmt.Errorf("making the device node %s: %w; give the container its loop devices, or let it make them (--privileged)", path, err)
}
