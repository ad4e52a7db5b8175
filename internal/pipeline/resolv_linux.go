// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// The image's own resolv.conf is put aside under the name that elements know
// (element contract §2.2 step 3) while the host's serves the build.
const (
	resolvConf     = "resolv.conf"
	resolvOriginal = "resolv.conf.ORIG"
)

// fallbackResolver serves if the host has no resolv.conf, as upstream's does.
const fallbackResolver = "nameserver 8.8.8.8\n"

// lendResolver gives the tree the host's name servers, unless it has them.
func (b *Build) lendResolver() error {
	if b.lent {
		return nil
	}
	if err := lendResolver(b.dirs.mount); err != nil {
		return err
	}
	b.lent = true
	return nil
}

// returnResolver undoes lendResolver.
func (b *Build) returnResolver() error {
	if !b.lent {
		return nil
	}
	if err := returnResolver(b.dirs.mount); err != nil {
		return err
	}
	b.lent = false
	return nil
}

func lendResolver(tree string) error {
	root, err := inside(tree, "etc", true)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Rename(resolvConf, resolvOriginal); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("putting the tree's resolv.conf aside: %w", err)
	}
	text, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		text = []byte(fallbackResolver)
	}
	if err := root.WriteFile(resolvConf, text, 0o644); err != nil {
		return fmt.Errorf("writing the tree's resolv.conf: %w", err)
	}
	return nil
}

// returnResolver brings the image's own resolv.conf back, unless hooks made it
// a symbolic link meanwhile, which then is what the image wants (§2.2 step 22).
func returnResolver(tree string) error {
	root, err := inside(tree, "etc", true)
	if err != nil {
		return err
	}
	defer root.Close()
	if info, err := root.Lstat(resolvConf); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return absentIsFine(root.Remove(resolvOriginal))
	}
	if _, err := root.Lstat(resolvOriginal); errors.Is(err, fs.ErrNotExist) {
		return absentIsFine(root.Remove(resolvConf))
	}
	err = root.Rename(resolvOriginal, resolvConf)
	if errors.Is(err, fs.ErrPermission) {
		// An element made its own resolv.conf immutable: that is what it wants.
		return absentIsFine(root.Remove(resolvOriginal))
	}
	if err != nil {
		return fmt.Errorf("restoring the image's resolv.conf: %w", err)
	}
	return nil
}

func absentIsFine(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
