// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/disk"
)

// Keep leaves the tree of a failed build behind as a plain directory, for a
// person to look into, and returns its path. The namespace and all its mounts
// end with the build, so what lies in memory or on the loop device is copied.
func (b *Build) Keep(ctx context.Context, reason string) (string, error) {
	source := b.standingTree()
	if source == "" {
		return "", errors.New("there is no tree yet")
	}
	if err := b.detachTree(ctx); err != nil {
		return "", err
	}
	kept := filepath.Join(b.work.Path(), "tree")
	if err := b.moveTree(ctx, source, kept); err != nil {
		return "", fmt.Errorf("keeping the tree: %w", err)
	}
	if err := b.work.Keep(reason); err != nil {
		return "", fmt.Errorf("keeping the tree: %w", err)
	}
	b.kept = true
	return kept, nil
}

// standingTree is where the tree is at this point of the build.
func (b *Build) standingTree() string {
	if b.work == nil {
		return ""
	}
	for _, dir := range []string{b.dirs.built, b.dirs.mount} {
		if empty, err := deserted(dir); err == nil && !empty {
			return dir
		}
	}
	return ""
}

// detachTree ends what runs in the tree and takes down the kernel's mounts.
func (b *Build) detachTree(ctx context.Context) error {
	if b.disk != nil {
		return b.unmountKernel(ctx)
	}
	return b.tree.Unmount(ctx)
}

func (b *Build) moveTree(ctx context.Context, source, kept string) error {
	if b.disk == nil && b.opt.Plan.Workspace.MemoryBytes == 0 {
		return os.Rename(source, kept)
	}
	if err := os.Mkdir(kept, 0o755); err != nil {
		return err
	}
	return disk.CopyTree(ctx, source, kept, b.opt.Report.Progress)
}
