// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// packagesPhase stands for step 9 of the element contract: the packages that
// the template asks for, in one transaction, with environment.d sourced.
const packagesPhase = ".packages"

// MakeRoot lets root.d fill the tree and readies it for commands.
func (b *Build) MakeRoot(ctx context.Context) error {
	if err := b.runPhases(ctx, "root.d"); err != nil {
		return err
	}
	if empty, err := deserted(b.dirs.mount); err != nil {
		return err
	} else if empty {
		return errNoTree
	}
	if !b.lent {
		if err := lendResolver(b.dirs.mount); err != nil {
			return err
		}
		b.lent = true
	}
	if err := b.tree.MountKernel(ctx); err != nil {
		return fmt.Errorf("mounting the kernel's file systems in the tree: %w", err)
	}
	b.driver["DIB_DEFAULT_INSTALLTYPE"] = b.installType()
	return b.writeInstallType()
}

// deserted tells whether a tree holds nothing but lost+found and names ending
// in "tmp" (element contract §2.2 step 2).
func deserted(tree string) (bool, error) {
	entries, err := os.ReadDir(tree)
	if err != nil {
		return false, fmt.Errorf("looking into the tree: %w", err)
	}
	for _, e := range entries {
		if e.Name() != "lost+found" && !strings.HasSuffix(e.Name(), "tmp") {
			return false, nil
		}
	}
	return true, nil
}

// Install runs the phases up to and with the template's packages.
func (b *Build) Install(ctx context.Context) error {
	if err := b.runPhases(ctx, "extra-data.d", "pre-install.d", "install.d"); err != nil {
		return err
	}
	if len(b.opt.Plan.Packages) == 0 {
		return nil
	}
	b.opt.Report.Say("packages: " + strings.Join(b.opt.Plan.Packages, " "))
	phase := hook.Phase{Name: packagesPhase, Where: hook.Chroot}
	return b.runHooks(ctx, phase, []string{"install-packages"})
}

func (b *Build) writePackagesHook() error {
	if len(b.opt.Plan.Packages) == 0 {
		return nil
	}
	call := command.Command{Path: "install-packages", Args: b.opt.Plan.Packages}
	dir := filepath.Join(b.dirs.hooks, packagesPhase)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "install-packages"), []byte("#!/bin/sh\nexec "+call.String()+"\n"), 0o755)
}

// PostInstall runs the phases after Packer's provisioners.
func (b *Build) PostInstall(ctx context.Context) error {
	return b.runPhases(ctx, "post-install.d", "post-root.d")
}

// CloseTree unmounts everything in the tree and moves it to where the disk is
// filled from.
func (b *Build) CloseTree(ctx context.Context) error {
	return b.timed("close the tree", func() error {
		if err := b.tree.Unmount(ctx); err != nil {
			return fmt.Errorf("unmounting the tree: %w", err)
		}
		if err := os.RemoveAll(filepath.Join(b.dirs.mount, "lost+found")); err != nil {
			return fmt.Errorf("removing lost+found of the tree: %w", err)
		}
		if err := os.Rename(b.dirs.mount, b.dirs.built); err != nil {
			return fmt.Errorf("moving the tree: %w", err)
		}
		return os.Mkdir(b.dirs.mount, 0o755)
	})
}
