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

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/fat"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/release"
)

// defaultPatience is how long a busy mount or device may keep CleanClose waiting.
const defaultPatience = 20 * time.Second

// Spec says what to make.
type Spec struct {
	// Path is the raw image to create; it must not exist.
	Path string
	// Placed is the layout with all offsets.
	Placed *layout.Placed
	// Tree is the directory that fills the file systems.
	Tree string
	// MountPoint is an existing directory that becomes the image's root.
	MountPoint string
	// Seed is what UUIDs, GUIDs and serial numbers derive from.
	Seed []byte
	// Time is the latest time on the disk (SOURCE_DATE_EPOCH); nil for no limit.
	Time *time.Time
	// Contents, by the name of a FAT file system that is mounted nowhere, is what
	// goes into it.
	Contents map[string]*fat.Node
	// Runner runs mkfs programs.
	Runner command.Runner
	// Progress is told of bytes done and in total; it may be nil. Calls do not
	// overlap, but come from other goroutines.
	Progress func(what string, done, total int64)
	// Explain, if set, may say more of why Create failed; it is called while
	// all that was made is still there.
	Explain func(error) error

	patience       time.Duration // of CleanClose; tests shorten it
	partitionLoops bool          // one loop device per partition, as if the kernel took none
}

// Disk is a disk in the making: its loop device is attached and its file
// systems are mounted until CleanClose or Close.
type Disk struct {
	spec       Spec
	file       *os.File
	loops      []*loop // the first is the whole disk
	partitions []*partition
	devices    map[string]string // by node name
	names      []string          // node names in a fixed order
	mounts     []*mount          // in mount order
	points     []string          // their mount points on this host
	volumes    []fatMount
	resources  release.Stack
	sealed     bool  // CleanClose succeeded
	lost       error // why files are missing in the raw image; the kernel tells it once
}

// fatMount is a FAT volume and the tmpfs that stands in for it.
type fatMount struct {
	part  *part
	point string
}

// Create makes the disk and mounts it. After an error nothing is left, the raw
// file included.
func Create(ctx context.Context, spec Spec) (*Disk, error) {
	if spec.patience == 0 {
		spec.patience = defaultPatience
	}
	file, err := os.OpenFile(spec.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the raw image: %w", err)
	}
	d := &Disk{spec: spec, file: file, devices: map[string]string{}}
	d.resources.Push("the raw image "+spec.Path, d.closeFile)
	if err := d.make(ctx); err != nil {
		if spec.Explain != nil {
			err = spec.Explain(err)
		}
		return nil, errors.Join(err, d.Close(), os.Remove(spec.Path))
	}
	return d, nil
}

// make is the whole order of work.
func (d *Disk) make(ctx context.Context) error {
	parts, err := partsOf(d.spec.Placed, d.spec.Tree)
	if err != nil {
		return err
	}
	if err := d.file.Truncate(d.spec.Placed.Bytes); err != nil {
		return fmt.Errorf("giving the raw image its size of %d bytes: %w; make disk_size smaller, or put output_directory on a file system that takes files of this size",
			d.spec.Placed.Bytes, err)
	}
	if err := writeTable(d.file, d.spec.Placed, d.spec.Seed); err != nil {
		return err
	}
	steps := []func(context.Context, *part) error{d.makeInFile, d.makeOnDevice, d.mountPart}
	for i, step := range steps {
		if i == 1 {
			if err := d.attach(ctx); err != nil {
				return err
			}
		}
		for _, q := range parts {
			if err := step(ctx, q); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// makeInFile makes what needs no device.
func (d *Disk) makeInFile(ctx context.Context, q *part) error {
	switch {
	case layout.IsExt(q.fs.Type):
		return d.makeExt(ctx, q)
	case q.fs.Type == "vfat":
		err := fat.Format(d.file, q.extent.Start, q.extent.Bytes, d.spec.Placed.Layout.SectorSize, q.fs.Label, d.serial(q))
		if content := d.spec.Contents[q.fs.Name]; err == nil && content != nil {
			err = d.fillFAT(ctx, q, content)
		}
		if err != nil {
			return fmt.Errorf("making the FAT volume %q: %w", q.fs.Name, err)
		}
	}
	return ctx.Err()
}

// makeOnDevice makes what programs want a device for.
func (d *Disk) makeOnDevice(ctx context.Context, q *part) error {
	c := command.Command{IgnoreSync: true}
	device := d.devices[q.fs.Name]
	switch q.fs.Type {
	case "xfs":
		c.Path = "mkfs.xfs"
		c.Args = append(c.Args, "-f", "-q", "-K", "-L", q.fs.Label, "-m", "uuid="+d.uuid(q))
		c.Args = append(append(c.Args, q.fs.Options...), device)
	case "swap":
		c.Path, c.Args = "mkswap", []string{"-L", q.fs.Label, "-U", d.uuid(q), device}
	default:
		return nil
	}
	if err := d.spec.Runner.Run(ctx, c); err != nil {
		return fmt.Errorf("making %q (%s, %d bytes) on %s: %w", q.fs.Name, q.fs.Type, q.extent.Bytes, device, err)
	}
	return nil
}

// uuid is the file system's UUID: the layout's, or one from the seed.
func (d *Disk) uuid(q *part) string {
	if q.fs.UUID != "" {
		return q.fs.UUID
	}
	return deriveUUID(d.spec.Seed, "filesystem "+q.fs.Name)
}

func (d *Disk) serial(q *part) uint32 {
	var high, low uint32
	if _, err := fmt.Sscanf(q.fs.UUID, "%04X-%04X", &high, &low); err == nil {
		return high<<16 | low
	}
	return deriveNumber(d.spec.Seed, "filesystem "+q.fs.Name)
}

// attach makes the file a device, with its partitions.
func (d *Disk) attach(ctx context.Context) error {
	p := d.spec.Placed
	whole, err := d.attachLoop(ctx, layout.Extent{})
	if err != nil {
		return err
	}
	d.know(p.Layout.Disk, whole.path)
	for _, e := range p.Partitions {
		path, err := d.attachPartition(ctx, whole, e)
		if err != nil {
			return err
		}
		d.know(e.Name, path)
	}
	// Hooks are told of disks and partitions only: diskimage-builder lists no
	// file systems either, and a name of both would be one too many.
	for _, fs := range p.Layout.FileSystems {
		d.devices[fs.Name] = d.devices[fs.Base]
	}
	return nil
}

func (d *Disk) know(name, path string) {
	d.names = append(d.names, name)
	d.devices[name] = path
}

func (d *Disk) attachLoop(ctx context.Context, e layout.Extent) (*loop, error) {
	l, err := attach(ctx, d.file, e.Start, e.Bytes, d.spec.Placed.Layout.SectorSize)
	if err != nil {
		return nil, err
	}
	d.loops = append(d.loops, l)
	d.resources.Push(l.path, func() error {
		// The crash net waits a little, so that what is left is told.
		return errors.Join(l.close(), l.detached(context.Background(), min(d.spec.patience, 2*time.Second)))
	})
	return l, nil
}

func (d *Disk) attachPartition(ctx context.Context, whole *loop, e layout.Extent) (string, error) {
	if !d.spec.partitionLoops {
		p, err := addPartition(whole, e)
		if err == nil {
			d.partitions = append(d.partitions, p)
			d.resources.Push(p.path, func() error { return p.remove(context.Background(), 0) })
			return p.path, nil
		}
		if !errors.Is(err, errNoPartitions) {
			return "", err
		}
	}
	l, err := d.attachLoop(ctx, e)
	if err != nil {
		return "", fmt.Errorf("partition %q: %w", e.Name, err)
	}
	return l.path, nil
}

// at is a path of the image on this host.
func (d *Disk) at(point string) string {
	return filepath.Join(d.spec.MountPoint, point)
}

// Device is the loop device of the whole disk.
func (d *Disk) Device() string { return d.loops[0].path }

// Devices maps the node names of the disk, its partitions and file systems to
// device paths.
func (d *Disk) Devices() map[string]string {
	devices := map[string]string{}
	for name, path := range d.devices {
		devices[name] = path
	}
	return devices
}

// MountPoints are the directories of this host on which the image's file
// systems are mounted, parents first.
func (d *Disk) MountPoints() []string { return append([]string(nil), d.points...) }

// Variables are IMAGE_BLOCK_DEVICE, and IMAGE_BLOCK_DEVICES in the form that
// hooks put between the brackets of a bash array (element contract §2.7).
func (d *Disk) Variables() map[string]string {
	var pairs strings.Builder
	for _, name := range d.names {
		fmt.Fprintf(&pairs, " [%s]=%s ", name, d.devices[name])
	}
	return map[string]string{"IMAGE_BLOCK_DEVICE": d.Device(), "IMAGE_BLOCK_DEVICES": pairs.String()}
}
