// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

// mountPart mounts a file system where it belongs, and fills what mkfs did not.
func (d *Disk) mountPart(ctx context.Context, q *part) error {
	if q.point == "" {
		return ctx.Err()
	}
	point := d.at(q.point)
	kind, options := q.fs.Type, ""
	switch kind {
	case "ext3", "ext4":
		options = "barrier=0" // a crash loses the build anyhow
	case "xfs":
		options = "nouuid" // a parallel build of the same template has the same UUID
	case "vfat":
		kind, options = "tmpfs", fmt.Sprintf("mode=0755,size=%d", q.extent.Bytes)
		d.volumes = append(d.volumes, fatMount{q, point})
	}
	m, err := mountAt(d.devices[q.fs.Name], point, kind, options)
	if err != nil {
		return fmt.Errorf("file system %q: %w", q.fs.Name, err)
	}
	d.mounts = append(d.mounts, m)
	d.points = append(d.points, point)
	d.resources.Push("the mount at "+point, m.force)
	return d.complete(ctx, q, point)
}

// complete brings a mounted file system to what the tree says, while no other
// mount hides parts of it.
func (d *Disk) complete(ctx context.Context, q *part, point string) error {
	if q.source != "" && !layout.IsExt(q.fs.Type) {
		if err := d.copyPart(ctx, q, point); err != nil {
			return err
		}
	}
	if err := d.makePoints(q, point); err != nil {
		return err
	}
	if layout.IsExt(q.fs.Type) {
		return d.mendExt(ctx, q)
	}
	return nil
}

func (d *Disk) copyPart(ctx context.Context, q *part, point string) error {
	c := &copier{source: q.source, target: point, skip: q.skip(), clamp: d.spec.Time, lenient: q.fs.Type == "vfat"}
	if d.spec.Progress != nil {
		var done int64
		c.report = func(n int64) {
			done += n
			d.spec.Progress("filling "+q.fs.Name, min(done, q.bytes), q.bytes)
		}
	}
	err := c.run(ctx)
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("the file system %q (%s) of %d bytes is too small for the %d bytes of the tree: %w; "+
			"raise disk_size (DIB_IMAGE_SIZE) or the partition's size", q.fs.Name, q.fs.Type, q.extent.Bytes, q.bytes, err)
	}
	if err != nil {
		return fmt.Errorf("filling the file system %q: %w", q.fs.Name, err)
	}
	return nil
}

// makePoints makes the mount points below that the tree did not have, without a
// trace in the time of the directory above.
func (d *Disk) makePoints(q *part, point string) error {
	for _, rel := range q.below {
		dir := point
		for _, name := range strings.Split(rel, "/") {
			above := dir
			dir = filepath.Join(dir, name)
			if err := makePoint(above, dir, d.spec.Time); err != nil {
				return fmt.Errorf("making the mount point /%s in %q: %w", rel, q.fs.Name, err)
			}
		}
	}
	return nil
}

func makePoint(above, dir string, limit *time.Time) error {
	var st unix.Stat_t
	if err := unix.Lstat(above, &st); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil // no symbolic link: inside() looked
		}
		return err
	}
	now := clampTime(unix.NsecToTimespec(time.Now().UnixNano()), limit)
	return firstError(os.Chmod(dir, 0o755), setTimes(dir, now, now), setTimes(above, st.Atim, st.Mtim))
}
