// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Parse reads a block-device document, nested or flat, and checks all of it
// that does not depend on the size of the disk. Errors name the line, the node
// and the key.
func Parse(doc []byte, d Defaults) (*Layout, error) {
	nodes, err := flatten(doc)
	if err != nil {
		return nil, err
	}
	b := &builder{layout: &Layout{SectorSize: 512}, defaults: d, at: map[string]*node{}}
	for _, plugin := range []struct {
		name string
		read func(*node) error
	}{
		{"lvm", refuseLVM}, {"local_loop", b.disk}, {"partitioning", b.table},
		{"mkfs", b.fileSystem}, {"mount", b.mount}, {"fstab", b.fstab},
	} {
		for _, n := range nodes {
			if n.plugin != plugin.name {
				continue
			}
			if err := plugin.read(n); err != nil {
				return nil, err
			}
			b.at[n.name] = n
		}
	}
	return b.layout, b.finish()
}

// builder collects nodes in the order of their dependencies.
type builder struct {
	layout   *Layout
	defaults Defaults
	at       map[string]*node // what was read, by name, for errors
}

func refuseLVM(n *node) error {
	return n.errorf("", "logical volumes are not supported yet: use partitions")
}

// unknown warns of keys that have no meaning.
func (b *builder) unknown(n *node, known ...string) {
	for _, s := range n.settings {
		if !slices.Contains(known, s.key) {
			b.layout.Warnings = append(b.layout.Warnings,
				fmt.Sprintf("block device layout, line %d: %s %q: the key %q has no effect", n.line, n.plugin, n.name, s.key))
		}
	}
}

func (b *builder) disk(n *node) error {
	if b.layout.Disk != "" {
		return n.errorf("name", "there is already the disk %q, and an image has one disk", b.layout.Disk)
	}
	if n.name != diskNode {
		return n.errorf("name", "the disk must be named %q", diskNode)
	}
	b.layout.Disk = n.name
	b.unknown(n, "size", "block_size")
	size, err := n.text("size")
	if err == nil && size != "" {
		if b.layout.DiskBytes, err = ParseSize(size); err != nil {
			return n.errorf("size", "%w", err)
		}
	}
	if err != nil {
		return err
	}
	sector, err := n.number("block_size", 512)
	if err != nil {
		return err
	}
	b.layout.SectorSize = int64(sector)
	if b.defaults.SectorSize != 0 {
		b.layout.SectorSize = b.defaults.SectorSize
	}
	if s := b.layout.SectorSize; s != 512 && s != 4096 {
		return n.errorf("block_size", "a sector of %d bytes is not supported: use 512 or 4096 (DIB_BLOCK_SIZE overrides the document)", s)
	}
	return nil
}

func (b *builder) fileSystem(n *node) error {
	b.unknown(n, "type", "label", "opts", "uuid")
	fs := FileSystem{Name: n.name, Base: n.base}
	if !b.layout.holds(n.base) {
		return n.errorf("base", "there is no disk or partition named %q", n.base)
	}
	for _, other := range b.layout.FileSystems {
		if other.Base == n.base {
			return n.errorf("base", "%q already carries the file system %q", n.base, other.Name)
		}
	}
	var err error
	if fs.Type, err = n.text("type"); err != nil {
		return err
	}
	if fs.Label, err = n.text("label"); err != nil {
		return err
	}
	if fs.UUID, err = n.text("uuid"); err != nil {
		return err
	}
	if fs.Options, err = n.words("opts"); err != nil {
		return err
	}
	fs.OptionsGiven = n.find("opts") != nil
	labelled := fs.Label != ""
	if n.name == rootNode {
		b.defaults.merge(&fs)
	}
	if fs.Label == "" {
		fs.Label = n.name
	}
	if err := fs.normalise(n); err != nil {
		return err
	}
	switch err := fs.checkLabel(); {
	case err == nil:
	case n.name == rootNode && !labelled && b.defaults.RootLabel != "":
		return &RootLabelError{err}
	default:
		return n.errorf("label", "%w", err)
	}
	b.layout.FileSystems = append(b.layout.FileSystems, fs)
	return nil
}

// RootLabelError says that Defaults.RootLabel does not fit the root file system.
type RootLabelError struct{ Err error }

func (e *RootLabelError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong with the label.
func (e *RootLabelError) Unwrap() error { return e.Err }

// merge fills what mkfs_root leaves open (element contract §5.3).
func (d Defaults) merge(fs *FileSystem) {
	if fs.Type == "" {
		fs.Type = d.RootFS
	}
	if fs.Type == "" {
		fs.Type = "ext4"
	}
	if !fs.OptionsGiven {
		fs.Options = d.RootOptions
	}
	switch {
	case fs.Label != "":
	case d.RootLabel != "":
		fs.Label = d.RootLabel
	case fs.Type == "xfs":
		fs.Label = "img-rootfs"
	default:
		fs.Label = "cloudimg-rootfs"
	}
}

// holds tells whether a file system can be put on the named node.
func (l *Layout) holds(name string) bool {
	if l.Table == nil {
		return name == l.Disk
	}
	return slices.ContainsFunc(l.Table.Partitions, func(p Partition) bool { return p.Name == name })
}

func (b *builder) mount(n *node) error {
	b.unknown(n, "mount_point")
	point, err := n.text("mount_point")
	if err != nil {
		return err
	}
	fs, ok := b.layout.FileSystem(n.base)
	if !ok {
		return n.errorf("base", "there is no file system (mkfs) named %q", n.base)
	}
	if point == "" {
		return n.errorf("mount_point", "it is required, for swap too (write none)")
	}
	if fs.Type != "swap" && (point[0] != '/' || path.Clean(point) != point) {
		return n.errorf("mount_point", "%q is not an absolute path in its simplest form", point)
	}
	if strings.ContainsAny(point, "| \t\r\n\\#") {
		return n.errorf("mount_point", "%q has a character that /etc/fstab or DIB_MOUNTPOINTS cannot carry", point)
	}
	for _, m := range b.layout.Mounts {
		if m.Base == n.base {
			return n.errorf("base", "the file system %q is mounted already at %s", n.base, m.Point)
		}
		if m.Point == point && fs.Type != "swap" {
			return n.errorf("mount_point", "%s is used already by %q", point, m.Name)
		}
	}
	b.layout.Mounts = append(b.layout.Mounts, Mount{Name: n.name, Base: n.base, Point: point})
	return nil
}

func (b *builder) fstab(n *node) error {
	b.unknown(n, "options", "dump-freq", "fsck-passno")
	if !slices.ContainsFunc(b.layout.Mounts, func(m Mount) bool { return m.Name == n.base }) {
		return n.errorf("base", "there is no mount named %q", n.base)
	}
	options, err := n.words("options")
	if err != nil {
		return err
	}
	e := FstabEntry{Name: n.name, Base: n.base, Options: strings.Join(options, ",")}
	if e.Options == "" {
		e.Options = "defaults"
	}
	if e.Dump, err = n.number("dump-freq", 0); err != nil {
		return err
	}
	if e.Pass, err = n.number("fsck-passno", 2); err != nil {
		return err
	}
	b.layout.FstabNodes = append(b.layout.FstabNodes, e)
	return nil
}

// finish checks what only the whole document shows.
func (b *builder) finish() error {
	l := b.layout
	if l.Disk == "" {
		return fmt.Errorf("the block device layout has no disk: add a local_loop named %q", diskNode)
	}
	labels := map[string]string{}
	for _, fs := range l.FileSystems {
		if other, ok := labels[fs.Label]; ok {
			return b.at[fs.Name].errorf("label", "the label %q is used already by %q", fs.Label, other)
		}
		labels[fs.Label] = fs.Name
	}
	root := l.Root()
	if root.Name == "" {
		return fmt.Errorf("the block device layout mounts nothing at /: one mount needs the mount_point /")
	}
	if root.Type == "swap" || root.Type == "vfat" {
		return b.at[root.Name].errorf("type", "a root file system cannot be %s: use ext4 or xfs", root.Type)
	}
	return nil
}
