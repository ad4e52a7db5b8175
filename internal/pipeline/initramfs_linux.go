// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// initramfsSettings make mkinitramfs faster without a different result. Whatever
// element installs a kernel profits, and the image keeps nothing of them.
//
//go:embed initramfs.sh
var initramfsSettings string

// The settings lie in the hooks tree; a link in the directory that mkinitramfs
// reads leads to them while hooks run.
const (
	settingsName = ".initramfs"
	settingsNote = ".initramfs.d" // where they note what was made
	settingsLink = "zz-packer-plugin-diskimage"
	settingsHome = "usr/share/initramfs-tools"
	settingsDir  = "conf-hooks.d"
)

// linkInitramfsSettings shows the settings to the mkinitramfs of a Debian-like
// tree, be it there already or about to be installed.
func linkInitramfsSettings(tree string) error {
	dpkg, err := inside(tree, "var/lib/dpkg", false)
	if err != nil {
		return absentIsFine(err)
	}
	root, err := inside(tree, path.Join(settingsHome, settingsDir), true)
	if err = errors.Join(err, dpkg.Close()); err != nil {
		return err
	}
	err = root.Symlink(path.Join(inTarget, settingsName), settingsLink)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err = errors.Join(err, root.Close()); err != nil {
		return fmt.Errorf("linking the settings of mkinitramfs: %w", err)
	}
	return nil
}

// unlinkInitramfsSettings takes the link back, and its directory if nobody
// installed initramfs-tools.
func unlinkInitramfsSettings(tree string) error {
	root, err := inside(tree, settingsHome, false)
	if err != nil {
		return absentIsFine(err)
	}
	defer root.Close()
	err = absentIsFine(root.Remove(path.Join(settingsDir, settingsLink)))
	if err != nil {
		return fmt.Errorf("removing the link to the settings of mkinitramfs: %w", err)
	}
	all, err := fs.ReadDir(root.FS(), ".")
	if err != nil || len(all) != 1 || all[0].Name() != settingsDir {
		return err
	}
	if left, err := fs.ReadDir(root.FS(), settingsDir); err != nil || len(left) > 0 {
		return err
	}
	share, err := inside(tree, path.Dir(settingsHome), false)
	if err != nil {
		return err
	}
	return errors.Join(root.Remove(settingsDir), share.Remove(path.Base(settingsHome)), share.Close())
}

// writeInitramfsSettings puts the settings into the hooks tree, with a directory
// for their notes.
func writeInitramfsSettings(hooks string) error {
	if err := os.MkdirAll(path.Join(hooks, settingsNote), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path.Join(hooks, settingsName), []byte(initramfsSettings), 0o644)
}

// lendInitramfsSettings shows the settings to hooks in the chroot, which may write notes.
func (b *Build) lendInitramfsSettings(ctx context.Context) error {
	if err := b.tree.Bind(ctx, path.Join(b.dirs.hooks, settingsNote), path.Join(inTarget, settingsNote), false); err != nil {
		return fmt.Errorf("lending settings to mkinitramfs: %w", err)
	}
	return linkInitramfsSettings(b.dirs.mount)
}

// takeInitramfsSettings takes back what lendInitramfsSettings lent.
func (b *Build) takeInitramfsSettings(ctx context.Context) error {
	return errors.Join(
		unlinkInitramfsSettings(b.dirs.mount),
		absentIsFine(b.tree.Unbind(ctx, path.Join(inTarget, settingsNote))),
	)
}
