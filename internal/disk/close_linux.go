// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/fat"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

// CleanClose finishes the disk: the files of FAT volumes are put into them,
// everything is unmounted deepest first, the device is detached, and nothing
// of it may be left in the kernel. What is busy is waited for for a bounded
// time; the error names who holds it. After an error the disk is as far as it
// came, CleanClose may be tried again, and Close is still needed.
func (d *Disk) CleanClose(ctx context.Context) error {
	if d.sealed {
		return nil
	}
	if d.file == nil {
		return fmt.Errorf("finishing %s: it was closed before", d.spec.Path)
	}
	for _, step := range []func(context.Context) error{d.sealVolumes, d.flush, d.unmount, d.detach, d.checkWhole, d.sealTimes} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("finishing %s: %w", d.spec.Path, err)
		}
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("finishing %s: %w", d.spec.Path, err)
	}
	d.sealed = true
	return nil
}

// Close is the crash net: it takes everything down, by force where needed. The
// raw file stays. Calling it again, or after CleanClose, is harmless.
func (d *Disk) Close() error { return d.resources.Release() }

func (d *Disk) closeFile() error {
	if d.file == nil {
		return nil
	}
	err := d.file.Close()
	d.file = nil
	return err
}

// sealVolumes puts the stand-ins' files into the FAT volumes.
func (d *Disk) sealVolumes(ctx context.Context) error {
	for len(d.volumes) > 0 {
		m := d.volumes[0]
		if err := d.fillVolume(ctx, m); err != nil {
			return fmt.Errorf("filling the FAT volume %q of %d bytes: %w", m.part.fs.Name, m.part.extent.Bytes, err)
		}
		d.volumes = d.volumes[1:]
	}
	return nil
}

func (d *Disk) fillVolume(ctx context.Context, m fatMount) error {
	tree, err := fat.Tree(m.point, d.spec.Time)
	if err != nil {
		return err
	}
	return d.fillFAT(ctx, m.part, tree)
}

func (d *Disk) fillFAT(ctx context.Context, q *part, tree *fat.Node) error {
	v, err := fat.Open(d.file, q.extent.Start, q.fs.Label)
	if err != nil {
		return err
	}
	return v.Fill(ctx, tree)
}

// flush has everything written to the raw file and looks whether it was: when
// the file cannot grow, neither the writer nor unmounting is told.
func (d *Disk) flush(context.Context) error {
	for _, m := range d.mounts {
		d.lost = firstError(d.lost, m.flush())
	}
	return d.lost
}

// checkWhole looks at what the kernel says in ext file systems of how they were
// left. What cannot be written then is missing in the image.
func (d *Disk) checkWhole(context.Context) error {
	for _, fs := range d.spec.Placed.Layout.FileSystems {
		if !layout.IsExt(fs.Type) {
			continue
		}
		if err := checkExt(d.file, d.spec.Placed.Extent(fs.Base).Start); err != nil {
			return fmt.Errorf("checking the file system %q: %w", fs.Name, err)
		}
	}
	return nil
}

func (d *Disk) unmount(ctx context.Context) error {
	for i := len(d.mounts) - 1; i >= 0; i-- {
		if err := d.mounts[i].unmount(ctx, d.spec.patience); err != nil {
			return err
		}
	}
	return nil
}

// detach gives the devices back and looks whether the kernel took them.
func (d *Disk) detach(ctx context.Context) error {
	for _, p := range d.partitions {
		if err := p.remove(ctx, d.spec.patience); err != nil {
			return err
		}
	}
	for i := len(d.loops) - 1; i >= 0; i-- {
		l := d.loops[i]
		if err := errors.Join(l.close(), l.detached(ctx, d.spec.patience)); err != nil {
			return err
		}
	}
	for _, p := range d.partitions {
		if err := p.forgotten(ctx, d.spec.patience); err != nil {
			return err
		}
	}
	return nil
}

// sealTimes limits the times of ext file systems, now that nobody writes to them.
func (d *Disk) sealTimes(ctx context.Context) error {
	for _, fs := range d.spec.Placed.Layout.FileSystems {
		if d.spec.Time == nil || !layout.IsExt(fs.Type) {
			continue
		}
		if err := clampExt(d.file, d.spec.Placed.Extent(fs.Base).Start, *d.spec.Time); err != nil {
			return fmt.Errorf("limiting the times of %q: %w", fs.Name, err)
		}
	}
	return ctx.Err()
}
