// SPDX-License-Identifier: MPL-2.0

//go:build linux

package guest

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// become changes the user of this process, groups first, since only root may.
func become(who identity) error {
	if who.same {
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("this process is not root and the host has no sudo")
	}
	if err := syscall.Setgroups(who.groups); err != nil {
		return fmt.Errorf("setting its groups: %w", err)
	}
	if err := syscall.Setgid(who.gid); err != nil {
		return fmt.Errorf("setting its group: %w", err)
	}
	if err := syscall.Setuid(who.uid); err != nil {
		return fmt.Errorf("setting its id: %w", err)
	}
	return nil
}

// lockFile waits for nothing: it reports false when another process has the lock.
func lockFile(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
