// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/disk"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// rawImage is the disk in the making. The file carries the name of the
// layout's disk, as upstream's does.
func (b *Build) rawImage() string {
	return filepath.Join(b.dirs.image, "."+b.opt.Plan.Layout.Disk+".raw")
}

// MakeDisk computes the size, runs block-device.d, makes the disk filled from
// the tree, and mounts its file systems where the tree was.
func (b *Build) MakeDisk(ctx context.Context) error {
	if _, err := b.begin("MakeDisk"); err != nil {
		return err
	}
	if b.disk != nil {
		return b.openDisk(ctx)
	}
	placed, err := b.place()
	if err != nil {
		return err
	}
	b.foreignDisk = ""
	if err := b.runPhases(ctx, "block-device.d"); err != nil {
		return err
	}
	if b.foreignDisk != "" {
		ran := b.named("block-device.d", slices.Sorted(maps.Keys(b.done["block-device.d"])))
		delete(b.done, "block-device.d")
		return fmt.Errorf("a hook of block-device.d (%s) made a disk of its own (%s), which is not supported; "+
			"describe the disk in DIB_BLOCK_DEVICE_CONFIG instead", ran, b.foreignDisk)
	}
	if err := b.writeFstab(); err != nil {
		return err
	}
	if b.opt.Plan.Compat() {
		if err := b.dropDotFiles(); err != nil {
			return err
		}
	}
	return b.timed("make the disk", func() error {
		if err := b.createDisk(ctx, placed); err != nil {
			return err
		}
		return b.openDisk(ctx)
	})
}

// openDisk readies the new disk for hooks.
func (b *Build) openDisk(ctx context.Context) error {
	// The tree has served. In memory it would take room from what follows.
	if err := os.RemoveAll(b.dirs.built); err != nil {
		return fmt.Errorf("removing the tree that the disk was filled from: %w", err)
	}
	return b.mountKernelAgain(ctx)
}

// place fixes the disk's size for what the tree uses.
func (b *Build) place() (*layout.Placed, error) {
	used, err := measure(b.dirs.built)
	if err != nil {
		return nil, fmt.Errorf("measuring the tree: %w", err)
	}
	placed, size, err := b.opt.Plan.Place(layout.SizeRequest{UsedKiB: used.kib, Inodes: used.inodes})
	if err != nil {
		return nil, fmt.Errorf("disk_size: %w", err)
	}
	b.diskBytes = size.Bytes
	b.driver["DIB_IMAGE_SIZE"] = strconv.FormatInt(size.Bytes/1024, 10)
	b.opt.Report.Say("Disk: " + plan.Bytes(size.Bytes))
	for _, line := range size.Explanation {
		b.opt.Report.Output(line)
	}
	return placed, nil
}

// dropDotFiles removes what upstream's copying to the disk leaves behind: files
// and directories at the top of the tree whose names begin with a dot.
func (b *Build) dropDotFiles() error {
	entries, err := os.ReadDir(b.dirs.built)
	if err != nil {
		return fmt.Errorf("dib_compat: looking for what begins with a dot: %w", err)
	}
	for _, e := range entries {
		if e.Name()[0] != '.' {
			continue
		}
		if err := os.RemoveAll(filepath.Join(b.dirs.built, e.Name())); err != nil {
			return fmt.Errorf("dib_compat: leaving out what begins with a dot: %w", err)
		}
		b.opt.Report.Say("dib_compat: /" + e.Name() + " is left out of the image")
	}
	return nil
}

func (b *Build) writeFstab() error {
	root, err := inside(b.dirs.built, "etc", true)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.WriteFile("fstab", []byte(b.opt.Plan.Layout.Fstab()), 0o644); err != nil {
		return fmt.Errorf("writing /etc/fstab: %w", err)
	}
	return nil
}

func (b *Build) createDisk(ctx context.Context, placed *layout.Placed) error {
	made, err := disk.Create(ctx, disk.Spec{
		Path:       b.rawImage(),
		Placed:     placed,
		Tree:       b.dirs.built,
		MountPoint: b.dirs.mount,
		Seed:       b.seed(),
		Time:       b.opt.Time,
		Contents:   b.opt.Contents,
		Runner:     b.opt.Runner,
		Progress:   b.opt.Report.Progress,
		Explain:    b.Explain,
	})
	if err != nil {
		return fmt.Errorf("making the disk: %w", err)
	}
	b.disk = made
	b.resources.Push("the disk", made.Close)
	for _, m := range b.opt.Plan.Layout.MountOrder() {
		b.tree.Keep(m.Point)
	}
	b.resources.Push("the image's mounts", func() error { return b.unmountKernel(context.Background()) })
	b.driver = b.driver.With(made.Variables())
	return nil
}

// watch looks for the one thing that hooks can tell by printing it: in
// block-device.d, that they made the disk themselves (element contract §2.2
// step 15).
func (b *Build) watch(phase hook.Phase) func(line string) {
	if phase.Name != "block-device.d" {
		return nil
	}
	return func(line string) {
		if strings.Contains(line, "IMAGE_BLOCK_DEVICE=") {
			b.foreignDisk = strings.TrimSpace(line)
		}
	}
}

// seed is what identifiers on the disk derive from: the same template gives
// the same ones.
func (b *Build) seed() []byte {
	p := b.opt.Plan
	text := strings.Join([]string{p.Output.Name, p.Architecture, strings.Join(p.Set.Names(), " "), p.Disk.Fstab}, "\x00")
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// mountKernelAgain readies the tree on its real file systems for commands;
// the loop device and its partitions are visible there, as grub wants them.
func (b *Build) mountKernelAgain(ctx context.Context) error {
	if err := b.mountKernel(ctx); err != nil {
		return err
	}
	devices := []string{b.disk.Device()}
	for _, path := range b.disk.Devices() {
		devices = append(devices, path)
	}
	for _, path := range devices {
		if err := b.tree.AddDevice(path); err != nil {
			return fmt.Errorf("showing %s to the image: %w", path, err)
		}
	}
	return nil
}

// usage is what a tree takes on disk.
type usage struct{ kib, inodes int64 }

// measure counts as du does: allocated blocks, hard links once, one file system.
func measure(dir string) (usage, error) {
	var u usage
	var blocks int64
	type inode struct{ dev, ino uint64 }
	linked := map[inode]bool{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return &fs.PathError{Op: "lstat", Path: path, Err: err}
		}
		if st.Nlink > 1 && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			key := inode{uint64(st.Dev), st.Ino}
			if linked[key] {
				return nil
			}
			linked[key] = true
		}
		blocks += st.Blocks
		u.inodes++
		return nil
	})
	u.kib = blocks / 2
	return u, err
}
