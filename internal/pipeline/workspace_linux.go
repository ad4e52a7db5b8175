// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/workdir"
)

// workPrefix begins the names of work directories; what a killed build left
// under it is removed by the next.
const workPrefix = "diskimage-"

// Prepare removes what dead builds left and makes this build's workspace: the
// work directory (its tree in memory if there is enough), the staging
// directory beside the outputs, the elements, the merged hooks and the library.
func (b *Build) Prepare(ctx context.Context) error {
	return b.timed("prepare", func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		// An attempt before this one may have failed half-way.
		if err := b.resources.Release(); err != nil {
			return err
		}
		b.lent, b.work, b.tree, b.disk, b.repeats = false, nil, nil, nil, nil
		b.attempts = newAttempts()
		if err := b.sweep(); err != nil {
			return err
		}
		for _, step := range []func() error{b.makeWork, b.makeMemory, b.makeDirectories, b.makeStaging, b.makeHooks} {
			if err := step(); err != nil {
				return err
			}
		}
		b.driver = b.firstVariables()
		tree := sandbox.NewTree(b.dirs.mount, b.opt.Runner)
		b.tree = tree
		// Hooks of root.d mount things too.
		b.resources.Push("the tree's mounts", func() error { return tree.Unmount(context.Background()) })
		return nil
	})
}

func (b *Build) sweep() error {
	if err := os.MkdirAll(b.opt.WorkParent, 0o755); err != nil {
		return fmt.Errorf("work_directory: %w; choose another directory", err)
	}
	removed, err := workdir.Sweep(b.opt.WorkParent, workPrefix)
	for _, dir := range removed {
		b.opt.Report.Say("Removed what an earlier, killed build left: " + dir)
	}
	if err != nil {
		return fmt.Errorf("removing what earlier builds left in %s: %w", b.opt.WorkParent, err)
	}
	return nil
}

func (b *Build) makeWork() error {
	work, err := workdir.Create(b.opt.WorkParent, workPrefix)
	if err != nil {
		return fmt.Errorf("work_directory: %w; choose a directory that can be written", err)
	}
	b.work = work
	b.dirs = newDirectories(work.Path())
	b.resources.Push("the work directory", func() error {
		if b.kept {
			return nil
		}
		return work.Remove()
	})
	return sandbox.Own(work.Path())
}

// makeMemory puts the tree into memory where that was planned. The image file
// follows it unless it is itself an output, which has to lie beside the others.
func (b *Build) makeMemory() error {
	size, dir := b.opt.Plan.Workspace.MemoryBytes, b.dirs.build
	if err := os.Mkdir(dir, 0o755); err != nil || size == 0 {
		return err
	}
	options := fmt.Sprintf("size=%d,mode=0755,nr_inodes=0", size)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		return fmt.Errorf("mounting a tmpfs for the tree: %w; set tmpfs = \"never\" to do without", err)
	}
	b.resources.Push("the tree in memory", func() error {
		if err := unix.Unmount(dir, 0); err != nil {
			return fmt.Errorf("unmounting %s: %w", dir, err)
		}
		return nil
	})
	if !b.opt.Plan.Wants(image.Raw) {
		b.dirs.image = filepath.Join(b.dirs.build, "image")
	}
	return nil
}

func (b *Build) makeDirectories() error {
	for _, dir := range []string{b.dirs.hooks, b.dirs.library, b.dirs.elements, b.dirs.mount, b.dirs.image,
		b.opt.Plan.Workspace.ImageCache, b.lockFiles()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making the workspace: %w", err)
		}
	}
	return nil
}

func (b *Build) makeStaging() error {
	out := b.opt.Plan.Output
	staging, err := image.Stage(out.Directory, out.Name)
	if err != nil {
		return fmt.Errorf("output_directory: %w", err)
	}
	b.staging = staging
	// Elements that put these there are held to what images are: an earlier file
	// is in the way, unless force says otherwise.
	for _, name := range out.Beside {
		staging.Path(name)
	}
	b.resources.Push("the staging directory", staging.Discard)
	if err := sandbox.Own(staging.Dir()); err != nil {
		return err
	}
	if b.opt.Plan.Wants(image.Raw) {
		b.dirs.image = filepath.Dir(staging.Scratch("image"))
	}
	for _, dir := range staging.Swept() {
		b.opt.Report.Say("Removed the unfinished outputs of an earlier, killed build: " + dir)
	}
	return nil
}

// makeHooks writes the built-in elements, the merged hooks tree and the shell
// library where hooks expect them.
func (b *Build) makeHooks() error {
	if err := elements.Extract(b.dirs.elements); err != nil {
		return fmt.Errorf("extracting the built-in elements: %w", err)
	}
	b.elements = b.opt.Plan.Set.Relocate(b.dirs.elements)
	if err := b.opt.Plan.Hooks.Write(b.dirs.hooks); err != nil {
		return fmt.Errorf("writing the hooks tree: %w", err)
	}
	if err := writeInitramfsSettings(b.dirs.hooks); err != nil {
		return fmt.Errorf("writing the settings of mkinitramfs: %w", err)
	}
	helper := filepath.Join(b.dirs.hooks, helperName)
	if err := os.WriteFile(helper, nil, 0o755); err != nil {
		return fmt.Errorf("making the helper's mount point: %w", err)
	}
	// Upstream's driver has its hook runner at this place.
	if err := os.Symlink(helperName, filepath.Join(b.dirs.hooks, "dib-run-parts")); err != nil {
		return fmt.Errorf("linking the hook runner: %w", err)
	}
	if err := guest.WriteLibrary(b.dirs.library, b.opt.Helper); err != nil {
		return fmt.Errorf("writing the shell library: %w", err)
	}
	if b.opt.Plan.SudoMissing {
		if err := guest.LinkSudo(b.sudoDirectory(), b.opt.Helper); err != nil {
			return err
		}
	}
	if err := b.makeChatterLog(); err != nil {
		return err
	}
	return b.writePackagesHook()
}
