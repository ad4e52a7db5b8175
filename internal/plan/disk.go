// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

// Disk is the disk as far as it is known before the tree is there.
type Disk struct {
	// From says where the layout comes from.
	From string
	// Bytes is the size, 0 if it is computed from the tree.
	Bytes int64
	// Explanation tells how the size comes about.
	Explanation []string `json:",omitempty"`
	// Table is "gpt", "mbr" or "none".
	Table string
	// Areas are the partitions, or the whole disk, in their order.
	Areas []Area
	Fstab string
}

// Area is a partition or, without a table, the whole disk.
type Area struct {
	Number int
	Name   string
	Type   string `json:",omitempty"`
	// Start and Bytes are known if the disk's size is.
	Start, Bytes int64 `json:",omitempty"`
	// Size is the size as it was asked for.
	Size                          string
	Filesystem, Label, MountPoint string `json:",omitempty"`
}

// planDisk chooses and reads the layout, and places it if the size is fixed.
func (p *Plan) planDisk() error {
	r := p.request
	wanted, from, err := p.layout()
	if err != nil {
		return err
	}
	if r.Seed.Bytes > 0 {
		if err := wanted.InsertSeed(r.Seed.Label, r.Seed.Bytes); err != nil {
			return &AttributeError{"nocloud.partition", fmt.Errorf("%w (the layout is from %s)", err, from)}
		}
	}
	p.Layout = wanted
	p.Notes = append(p.Notes, wanted.Warnings...)
	p.Notes = append(p.Notes, r.overruled(wanted.Root(), from)...)
	if wanted.Table != nil && !p.Set.Contains("bootloader") && !p.Set.Provides("bootloader") {
		p.Notes = append(p.Notes, "the disk has partitions but no boot loader; for an image that boots by itself add the element vm")
	}
	p.Disk = Disk{From: from, Table: "none", Fstab: wanted.Fstab(), Areas: areas(wanted)}
	if wanted.Table != nil {
		p.Disk.Table = wanted.Table.Kind
	}
	if r.DiskSize == 0 && wanted.DiskBytes == 0 {
		p.Disk.Explanation = []string{"computed from the finished tree"}
		return nil
	}
	placed, size, err := p.Place(layout.SizeRequest{})
	if err != nil {
		return &AttributeError{"disk_size", err}
	}
	p.Disk.Bytes, p.Disk.Explanation = size.Bytes, size.Explanation
	p.Disk.place(placed)
	return nil
}

// Place fixes size and offsets of the disk for what the tree uses.
func (p *Plan) Place(used layout.SizeRequest) (*layout.Placed, layout.Size, error) {
	r := p.request
	used.Layout = p.Layout
	used.Explicit = r.DiskSize
	used.ExtraMiB = float64(r.ExtraSize) / (1 << 20)
	used.JournalMiB = r.JournalSize >> 20
	used.MaxOnlineResize = r.MaxOnlineResize
	used.RootOptions = r.MkfsOptions
	used.EFIElement = p.Set.HasPrefix("block-device-efi")
	used.Compat = r.Compat
	size, err := layout.ComputeSize(used)
	if err != nil {
		return nil, size, err
	}
	p.Layout.SetRootOptions(size.RootOptions)
	placed, err := p.Layout.Place(size.Bytes)
	return placed, size, err
}

// layoutDefaults are what a layout's document may leave open.
func (r Request) layoutDefaults() (layout.Defaults, error) {
	defaults := layout.Defaults{RootFS: r.RootFS, RootLabel: r.RootLabel}
	if size := r.Environment["DIB_BLOCK_SIZE"]; size != "" {
		var err error
		defaults.SectorSize, err = strconv.ParseInt(size, 10, 64)
		if err != nil || defaults.SectorSize != 512 && defaults.SectorSize != 4096 {
			return defaults, &AttributeError{"environment (DIB_BLOCK_SIZE)", fmt.Errorf("%q is not the size of a sector in bytes: write 512 or 4096", size)}
		}
	}
	return defaults, nil
}

// layout finds and parses the layout's document.
func (r Request) layout(candidates []layout.Candidate) (*layout.Layout, string, error) {
	defaults, err := r.layoutDefaults()
	if err != nil {
		return nil, "", err
	}
	config := r.Environment["DIB_BLOCK_DEVICE_CONFIG"]
	source, err := layout.Select(config, r.Architecture, candidates, os.ReadFile)
	if err != nil {
		return nil, "", &AttributeError{"environment (DIB_BLOCK_DEVICE_CONFIG)", err}
	}
	if source.From == "" {
		fallback, err := layout.Fallback(defaults)
		if err != nil {
			return nil, "", layoutMistake("root_label", err)
		}
		return fallback, "no element: one file system on the whole disk", nil
	}
	wanted, err := layout.Parse(source.Document, defaults)
	if err != nil {
		attribute := "elements"
		if config != "" {
			attribute = "environment (DIB_BLOCK_DEVICE_CONFIG)"
		}
		if !strings.HasPrefix(source.From, "DIB_") {
			err = fmt.Errorf("%s: %w", source.From, err)
		}
		return nil, "", layoutMistake(attribute, err)
	}
	return wanted, source.From, nil
}

// overruled tells which wishes for the root file system the layout does not
// leave open.
func (r Request) overruled(root layout.FileSystem, from string) []string {
	var notes []string
	for _, w := range []struct{ attribute, wish, fact string }{
		{"root_fs", r.RootFS, root.Type},
		{"root_label", r.RootLabel, root.Label},
	} {
		if w.wish != "" && w.wish != w.fact {
			notes = append(notes, fmt.Sprintf("%s = %q has no effect: %s says %q",
				w.attribute, w.wish, from, w.fact))
		}
	}
	if r.MaxOnlineResize > 0 && root.Type != "ext4" {
		notes = append(notes, "max_online_resize has no effect: it is for ext4, and the root file system is "+root.Type)
	}
	return notes
}

// layoutMistake is about an attribute, unless the layout was only refused for
// the label that the template gives.
func layoutMistake(attribute string, err error) error {
	if label := (*layout.RootLabelError)(nil); errors.As(err, &label) {
		return &AttributeError{"root_label", label}
	}
	return &AttributeError{attribute, err}
}

func (p *Plan) candidates() []layout.Candidate {
	var found []layout.Candidate
	for _, e := range p.Set.Elements {
		found = append(found, layout.Candidate{Element: e.Name, FS: e.FS})
	}
	return found
}

// areas lists partitions with their file systems and mount points.
func areas(l *layout.Layout) []Area {
	if l.Table == nil {
		whole := Area{Name: l.Disk, Size: "100%"}
		whole.fill(l, l.Disk)
		return []Area{whole}
	}
	var list []Area
	for i, part := range l.Table.Partitions {
		a := Area{Number: i + 1, Name: part.Name, Type: part.Type, Size: part.Size.String()}
		if part.Size.Percent == 0 {
			a.Size, a.Bytes = Bytes(part.Size.Bytes), part.Size.Bytes
		}
		a.fill(l, part.Name)
		list = append(list, a)
	}
	return list
}

func (a *Area) fill(l *layout.Layout, base string) {
	for _, fs := range l.FileSystems {
		if fs.Base != base {
			continue
		}
		a.Filesystem, a.Label = fs.Type, fs.Label
		for _, m := range l.Mounts {
			if m.Base == fs.Name {
				a.MountPoint = m.Point
			}
		}
	}
}

func (d *Disk) place(placed *layout.Placed) {
	if len(placed.Partitions) == 0 {
		d.Areas[0].Bytes = placed.Bytes
		return
	}
	for i, extent := range placed.Partitions {
		d.Areas[i].Start, d.Areas[i].Bytes = extent.Start, extent.Bytes
	}
}
