// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"errors"
	"fmt"
	"slices"
)

// SeedNode is the name of the partition that InsertSeed adds, SeedVolume that of
// the file system on it.
const (
	SeedNode   = "cidata"
	SeedVolume = "mkfs_cidata"
)

// InsertSeed adds a partition of so many bytes with a FAT volume, mounted nowhere.
// It stands before the root's, so that a root that is last stays last and can
// grow with the disk. The partitions from there on have other numbers then.
func (l *Layout) InsertSeed(label string, bytes int64) error {
	t := l.Table
	switch {
	case t == nil:
		return errors.New("the disk has no partition table: add an element that makes one, such as block-device-efi")
	case t.Partitions[0].Start > 0:
		return errors.New("the layout says where each partition is; add a FAT partition labelled " + label + " to it yourself")
	case t.Kind == MBR && len(t.Partitions) >= maxPrimaries:
		return fmt.Errorf("an mbr holds %d primary partitions, and all are taken: use gpt", maxPrimaries)
	}
	for _, name := range l.names() {
		if name == SeedNode || name == SeedVolume {
			return fmt.Errorf("the layout uses the name %q already; choose another one there", name)
		}
	}
	at := slices.IndexFunc(t.Partitions, func(p Partition) bool { return p.Name == l.Root().Base })
	if at < 0 {
		at = len(t.Partitions)
	}
	kind := map[string]string{GPT: "0700", MBR: "0E"}[t.Kind]
	bytes = roundUp(max(bytes, MinimumBytes("vfat", l.SectorSize)), mib)
	t.Partitions = slices.Insert(t.Partitions, at, Partition{Name: SeedNode, Size: Amount{Bytes: bytes}, Type: kind})
	l.FileSystems = append(l.FileSystems, FileSystem{Name: SeedVolume, Base: SeedNode, Type: "vfat", Label: label})
	return nil
}

// names are those of all nodes.
func (l *Layout) names() []string {
	names := []string{l.Disk, l.Table.Name}
	for _, p := range l.Table.Partitions {
		names = append(names, p.Name)
	}
	for _, fs := range l.FileSystems {
		names = append(names, fs.Name)
	}
	for _, m := range l.Mounts {
		names = append(names, m.Name)
	}
	return names
}
