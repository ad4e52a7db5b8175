// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
)

// helperName is the plugin binary's name inside the hooks tree, and helperDir
// where hooks in the chroot find its commands by name. Both exist only while
// hooks run there, so that nothing of the binary stays in the image.
const (
	helperName = ".helper"
	helperDir  = "usr/local/bin"
)

// enterHooks makes the hooks tree and the helper commands visible in the chroot.
func (b *Build) enterHooks(ctx context.Context) error {
	b.entered = true
	if err := b.tree.Bind(ctx, b.dirs.hooks, inTarget, true); err != nil {
		return fmt.Errorf("showing the hooks to the chroot: %w", err)
	}
	if err := b.tree.Bind(ctx, b.opt.Helper, path.Join(inTarget, helperName), true); err != nil {
		return errors.Join(fmt.Errorf("showing the helper commands to the chroot: %w", err), b.leaveHooks(ctx))
	}
	if err := errors.Join(b.showChatterLog(ctx), b.linkHelpers(), b.lendInitramfsSettings(ctx)); err != nil {
		return errors.Join(err, b.leaveHooks(ctx))
	}
	return nil
}

// leaveHooks takes back what enterHooks made.
func (b *Build) leaveHooks(ctx context.Context) error {
	err := errors.Join(
		b.unlinkHelpers(),
		b.takeInitramfsSettings(ctx),
		absentIsFine(b.tree.Unbind(ctx, path.Join(inTarget, guest.ChatterLog))),
		absentIsFine(b.tree.Unbind(ctx, path.Join(inTarget, helperName))),
		absentIsFine(b.tree.Unbind(ctx, inTarget)),
		b.removeInTarget(),
	)
	b.entered = err != nil
	return err
}

func (b *Build) removeInTarget() error {
	root, err := inside(b.dirs.mount, path.Dir(inTarget)[1:], false)
	if err != nil {
		return absentIsFine(err)
	}
	defer root.Close()
	if err := root.Remove(path.Base(inTarget)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the mount point of the hooks: %w", err)
	}
	return nil
}

// linkHelpers names the helper commands in the tree; a file that an element
// put there stays.
func (b *Build) linkHelpers() error {
	root, err := inside(b.dirs.mount, helperDir, true)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range guest.ChrootCommands() {
		err := root.Symlink(path.Join(inTarget, helperName), name)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("linking helper command %s: %w", name, err)
		}
	}
	return nil
}

// unlinkHelpers removes the links that are still ours.
func (b *Build) unlinkHelpers() error {
	root, err := inside(b.dirs.mount, helperDir, false)
	if err != nil {
		return absentIsFine(err)
	}
	defer root.Close()
	var errs []error
	for _, name := range guest.ChrootCommands() {
		if target, err := root.Readlink(name); err != nil || target != path.Join(inTarget, helperName) {
			continue
		}
		if err := root.Remove(name); err != nil {
			errs = append(errs, fmt.Errorf("removing helper command %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
