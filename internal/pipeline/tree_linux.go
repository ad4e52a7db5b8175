// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"errors"
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
	if again, err := b.begin("MakeRoot"); err != nil {
		return err
	} else if again {
		if err := b.emptyTree(ctx); err != nil {
			return err
		}
	}
	if err := b.runPhases(ctx, "root.d"); err != nil {
		return err
	}
	if empty, err := deserted(b.dirs.mount); err != nil {
		return err
	} else if empty {
		return b.noTree()
	}
	if err := errors.Join(b.lendResolver(), b.mountKernel(ctx)); err != nil {
		return err
	}
	b.driver["DIB_DEFAULT_INSTALLTYPE"] = b.installType()
	return b.writeInstallType()
}

// noTree says that root.d left nothing.
func (b *Build) noTree() error {
	const phase = "root.d"
	names, _, err := hook.ListMatching(filepath.Join(b.dirs.hooks, phase), b.user()["RUN_PARTS_REGEX"])
	if err != nil || len(names) == 0 {
		return errors.New("no element has a hook in root.d that puts a root file system into TARGET_ROOT; add an operating system element")
	}
	return fmt.Errorf("no hook of root.d put a root file system into TARGET_ROOT (there are %s); one of them has to", b.named(phase, names))
}

// emptyTree removes what a failed attempt of root.d put into the tree.
func (b *Build) emptyTree(ctx context.Context) error {
	if err := b.unmountKernel(ctx); err != nil {
		return fmt.Errorf("unmounting the tree of the attempt before: %w", err)
	}
	entries, err := os.ReadDir(b.dirs.mount)
	if err != nil {
		return fmt.Errorf("emptying the tree: %w", err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(b.dirs.mount, e.Name())); err != nil {
			return fmt.Errorf("emptying the tree: %w", err)
		}
	}
	b.lent = false
	delete(b.done, "root.d")
	return nil
}

// mountKernel mounts what programs expect of a running kernel, once.
func (b *Build) mountKernel(ctx context.Context) error {
	if b.kernel {
		return nil
	}
	if err := b.tree.MountKernel(ctx); err != nil {
		return fmt.Errorf("mounting the kernel's file systems in the tree: %w", err)
	}
	b.kernel = true
	return nil
}

// unmountKernel takes down everything in the tree but the image's own file
// systems.
func (b *Build) unmountKernel(ctx context.Context) error {
	if err := b.tree.Unmount(ctx); err != nil {
		return err
	}
	b.kernel, b.guest = false, false
	return nil
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
	if _, err := b.begin("Install"); err != nil {
		return err
	}
	if err := b.runPhases(ctx, "extra-data.d", "pre-install.d", "install.d"); err != nil {
		return err
	}
	if len(b.opt.Plan.Packages) == 0 {
		return nil
	}
	b.opt.Report.Say("packages: " + strings.Join(b.opt.Plan.Packages, " "))
	phase := hook.Phase{Name: packagesPhase, Where: hook.Chroot}
	return b.inPhase(ctx, phase, func() error { return b.tryHooks(ctx, phase, []string{"install-packages"}) })
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
	if _, err := b.begin("PostInstall"); err != nil {
		return err
	}
	if err := b.runPhases(ctx, "post-install.d"); err != nil {
		return err
	}
	if err := b.installFirstBoot(); err != nil {
		return err
	}
	return b.runPhases(ctx, "post-root.d")
}

// CloseTree unmounts everything in the tree and moves it to where the disk is
// filled from.
func (b *Build) CloseTree(ctx context.Context) error {
	return b.timed("close the tree", func() error {
		if empty, err := deserted(b.dirs.built); err == nil && !empty {
			// An attempt before this one moved it.
			return os.MkdirAll(b.dirs.mount, 0o755)
		}
		if err := b.unmountKernel(ctx); err != nil {
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
