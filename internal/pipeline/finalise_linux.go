// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Finalise runs the phases that see the real file systems and tidies up after
// all hooks.
func (b *Build) Finalise(ctx context.Context) error {
	if _, err := b.begin("Finalise"); err != nil {
		return err
	}
	if err := b.runPhases(ctx, "pre-finalise.d", "finalise.d", "cleanup.d"); err != nil {
		return err
	}
	return b.timed("tidy up", func() error {
		if err := b.unmountKernel(ctx); err != nil {
			return fmt.Errorf("unmounting the kernel's file systems from the image: %w", err)
		}
		if err := b.returnResolver(); err != nil {
			return err
		}
		return tidy(b.dirs.mount)
	})
}

// tidy empties /tmp, truncates logs and removes those of root's home (element
// contract §2.2 step 22).
func tidy(tree string) error {
	return errors.Join(
		eachInside(tree, "tmp", emptyTmp),
		eachInside(tree, "var/log", truncateLogs),
		eachInside(tree, "root", removeHomeLogs),
	)
}

// eachInside does something to a directory of the tree if it is there.
func eachInside(tree, dir string, do func(*os.Root) error) error {
	root, err := inside(tree, dir, false)
	if err != nil {
		return absentIsFine(err)
	}
	return errors.Join(do(root), root.Close())
}

func emptyTmp(tmp *os.Root) error {
	entries, err := fs.ReadDir(tmp.FS(), ".")
	if err != nil {
		return fmt.Errorf("reading /tmp of the image: %w", err)
	}
	var errs []error
	for _, e := range entries {
		errs = append(errs, tmp.RemoveAll(e.Name()))
	}
	return errors.Join(errs...)
}

func truncateLogs(log *os.Root) error {
	return fs.WalkDir(log.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		file, err := log.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			return fmt.Errorf("truncating /var/log/%s: %w", name, err)
		}
		return file.Close()
	})
}

func removeHomeLogs(home *os.Root) error {
	return fs.WalkDir(home.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !strings.HasSuffix(name, ".log") {
			return err
		}
		return home.Remove(name)
	})
}

// Seal takes the disk apart for good: everything is written, unmounted,
// detached and looked at. What fails here fails the build.
func (b *Build) Seal(ctx context.Context) error {
	return b.timed("seal the disk", func() error {
		if err := b.tree.Kill(ctx); err != nil {
			return fmt.Errorf("ending what hooks left running: %w", err)
		}
		if err := b.disk.CleanClose(ctx); err != nil {
			return fmt.Errorf("closing the disk: %w", err)
		}
		return nil
	})
}
