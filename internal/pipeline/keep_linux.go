// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/disk"
)

// Kept is what Keep left.
type Kept struct {
	// Tree is the root file system, Work the directory to remove when it has
	// served.
	Tree, Work string
	// Entrance is the command that enters the tree, "" if there is no shell.
	Entrance string
}

// Keep leaves the tree of a failed build behind as a plain directory, for a
// person to look into. The namespace and all its mounts end with the build, so
// what lies in memory or on the loop device is copied. The error is ErrNoTree
// if there is nothing to keep.
func (b *Build) Keep(ctx context.Context, reason string) (*Kept, error) {
	source := b.standingTree()
	if source == "" {
		return nil, ErrNoTree
	}
	if err := b.unmountKernel(ctx); err != nil {
		return nil, err
	}
	kept := filepath.Join(b.work.Path(), "tree")
	if err := b.moveTree(ctx, source, kept); err != nil {
		return nil, fmt.Errorf("keeping the tree: %w", err)
	}
	if err := b.work.Keep(reason); err != nil {
		return nil, fmt.Errorf("keeping the tree: %w", err)
	}
	b.kept = true
	return &Kept{Tree: kept, Work: b.work.Path(), Entrance: keptEntrance(kept)}, nil
}

// standingTree is where the tree is at this point of the build.
func (b *Build) standingTree() string {
	if b.work == nil {
		return ""
	}
	dirs := []string{b.dirs.built, b.dirs.mount}
	if b.disk != nil {
		dirs = dirs[1:]
	}
	for _, dir := range dirs {
		if empty, err := deserted(dir); err == nil && !empty {
			return dir
		}
	}
	return ""
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
