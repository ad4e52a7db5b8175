// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

// partition is a partition that the kernel was told of.
type partition struct {
	on     *loop
	extent layout.Extent
	path   string // /dev/loopNpM
	made   bool   // the device node was made here
	gone   bool
}

// errNoPartitions means that this kernel cannot be told of partitions.
var errNoPartitions = errors.New("the kernel takes no partitions on loop devices")

// addPartition announces a partition. The kernel may have found it by itself;
// one that an earlier user left behind is replaced.
func addPartition(l *loop, e layout.Extent) (*partition, error) {
	p := &partition{on: l, extent: e, path: fmt.Sprintf("%sp%d", l.path, e.Number)}
	err := p.tell(unix.BLKPG_ADD_PARTITION)
	if errors.Is(err, unix.EBUSY) && !p.known() {
		if err = p.tell(unix.BLKPG_DEL_PARTITION); err == nil {
			err = p.tell(unix.BLKPG_ADD_PARTITION)
		}
	}
	switch {
	case err == nil, errors.Is(err, unix.EBUSY) && p.known():
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EOPNOTSUPP):
		return nil, errors.Join(errNoPartitions, err)
	default:
		return nil, fmt.Errorf("announcing partition %q as %s: %w", e.Name, p.path, err)
	}
	if p.made, err = ensureNode(p.path, p.name()); err != nil {
		return nil, errors.Join(err, p.remove(context.Background(), 0))
	}
	return p, nil
}

func (p *partition) name() string { return fmt.Sprintf("%sp%d", p.on.name, p.extent.Number) }

// known tells whether the kernel has this very partition already.
func (p *partition) known() bool {
	return p.sysfs("start") == p.extent.Start/512 && p.sysfs("size") == p.extent.Bytes/512
}

// sysfs reads a number of the partition, in sectors of 512 bytes.
func (p *partition) sysfs(file string) int64 {
	text, err := os.ReadFile("/sys/class/block/" + p.name() + "/" + file)
	if err != nil {
		return -1
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// tell adds or deletes the partition in the kernel (linux/blkpg.h).
func (p *partition) tell(op int32) error {
	data := unix.BlkpgPartition{Start: p.extent.Start, Length: p.extent.Bytes, Pno: int32(p.extent.Number)}
	arg := unix.BlkpgIoctlArg{Op: op, Datalen: int32(unsafe.Sizeof(data)), Data: (*byte)(unsafe.Pointer(&data))}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, p.on.file.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg)))
	if errno != 0 {
		return errno
	}
	return nil
}

// remove takes the partition back, and waits for users of it for as long as
// patience says: programs that watch devices look into new ones. It is harmless
// to call it again.
func (p *partition) remove(ctx context.Context, patience time.Duration) error {
	for deadline := time.Now().Add(patience); !p.gone && p.on.file != nil; {
		err := p.tell(unix.BLKPG_DEL_PARTITION)
		switch {
		case err == nil, errors.Is(err, unix.ENXIO):
			p.gone = true
			if p.made {
				return os.Remove(p.path)
			}
		case !errors.Is(err, unix.EBUSY) || time.Now().After(deadline):
			return fmt.Errorf("removing the partition %s: %w%s", p.path, err, deviceHolders(p.name()))
		default:
			if err := command.Pause(ctx, pause); err != nil {
				return fmt.Errorf("removing the partition %s: %w", p.path, err)
			}
		}
	}
	return nil
}

// forgotten wants the partition gone with its device. The same partition may be
// seen of another build that has the device by now, and that is about to let
// it go: only one that stays on a free device is left over.
func (p *partition) forgotten(ctx context.Context, patience time.Duration) error {
	for deadline := time.Now().Add(patience); p.known() && p.on.backingFile() == ""; {
		if time.Now().After(deadline) {
			return fmt.Errorf("the partition %s outlived its device; detach it with partx -d %s", p.name(), p.on.path)
		}
		if err := command.Pause(ctx, pause); err != nil {
			return fmt.Errorf("waiting for the partition %s to go: %w", p.name(), err)
		}
	}
	return nil
}
