// SPDX-License-Identifier: MPL-2.0

package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/diskfs/go-diskfs/filesystem/fat32"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

// The FAT volume's frame (boot sector, parameters) is go-diskfs's. Its files
// are put in by the code below, in one run over an empty volume: go-diskfs
// v1.9.4 writes '..' entries, empty files, names with a dot in front and names
// that are alike in their first eight characters in ways that fsck.fat rejects,
// and writes the whole table again for every file.

// least32 is the smallest volume that is made as FAT32: below, it would have
// too few clusters to be taken for one.
const least32 = 36 << 20

// formatFAT writes an empty volume at an offset of a file. go-diskfs forgets the
// two entries that every table begins with, so that a table may be too short for
// its clusters; such a volume is made smaller by a few sectors.
func formatFAT(f *os.File, e layout.Extent, sector int64, label string, serial uint32) error {
	for size := e.Bytes; size > 0; size -= sector {
		if err := createFAT(f, e.Start, size, sector, label); err != nil {
			return err
		}
		v, err := openVolume(f, e.Start, label, nil)
		if err != nil {
			return err
		}
		if !v.short {
			return v.writeSerial(serial)
		}
	}
	return fmt.Errorf("%d bytes is no size for a FAT volume", e.Bytes)
}

func createFAT(f *os.File, start, size, sector int64, label string) error {
	var err error
	if storage := file.New(f, false); sector == 512 && size < least32 {
		_, err = fat16.Create(storage, size, start, sector, label, true)
	} else {
		_, err = fat32.Create(storage, size, start, sector, label, true)
	}
	return err
}

// writeSerial sets the volume's serial number in the boot sector and its copy.
func (v *volume) writeSerial(serial uint32) error {
	at := []int64{39}
	if v.rootSlots == 0 {
		at = []int64{67, v.backup*v.sector + 67}
	}
	for _, offset := range at {
		if _, err := v.file.WriteAt(binary.LittleEndian.AppendUint32(nil, serial), v.start+offset); err != nil {
			return fmt.Errorf("writing the serial number: %w", err)
		}
	}
	return nil
}

// volume is an empty FAT16 or FAT32 volume in a file.
type volume struct {
	file  *os.File
	start int64
	label string
	clamp *time.Time

	sector, cluster    int64 // sizes in bytes
	reserved, fatBytes int64
	copies             int64 // of the table
	rootSlots          int64 // 0 on FAT32, whose root is like any directory
	clusters           uint32
	short              bool  // the table has no room for all clusters
	info, backup       int64 // sectors of FAT32's summary and boot sector copy

	table []uint32
	next  uint32 // first free cluster
}

// openVolume reads the parameters of a volume.
func openVolume(f *os.File, start int64, label string, clamp *time.Time) (*volume, error) {
	b := make([]byte, 512)
	if _, err := f.ReadAt(b, start); err != nil {
		return nil, fmt.Errorf("reading the boot sector: %w", err)
	}
	u16 := func(at int) int64 { return int64(binary.LittleEndian.Uint16(b[at:])) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }
	v := &volume{file: f, start: start, label: label, clamp: clamp, next: 2}
	v.sector, v.reserved, v.copies, v.rootSlots = u16(11), u16(14), int64(b[16]), u16(17)
	v.cluster = v.sector * int64(b[13])
	total, fatSectors := u16(19), u16(22)
	if total == 0 {
		total = u32(32)
	}
	if fatSectors == 0 {
		fatSectors, v.info, v.backup = u32(36), u16(48), u16(50)
	}
	if v.cluster == 0 || v.copies == 0 {
		return nil, errors.New("this is not a FAT volume")
	}
	v.fatBytes = fatSectors * v.sector
	entry := int64(4)
	if v.rootSlots > 0 {
		entry = 2
	}
	clusters, entries := (total*v.sector-v.dataStart())/v.cluster, v.fatBytes/entry
	v.clusters, v.short = uint32(min(clusters, entries-2)), clusters > entries-2
	v.table = make([]uint32, v.clusters+2)
	return v, nil
}

// dataStart is the offset of the first cluster, number 2.
func (v *volume) dataStart() int64 {
	return v.reserved*v.sector + v.copies*v.fatBytes + v.rootSlots*slot
}

// fatNode is a file or directory that goes into the volume.
type fatNode struct {
	name     string
	path     string
	size     int64
	time     time.Time
	dir      bool
	root     bool
	children []*fatNode

	short   [11]byte
	long    []uint16
	cluster uint32 // first; 0 for an empty file and for the fixed root
}

// fill puts the contents of a directory into the empty volume.
func (v *volume) fill(ctx context.Context, dir string) error {
	root, err := v.scan(dir, "")
	if err != nil {
		return err
	}
	root.root = true
	if err := v.allocate(root); err != nil {
		return err
	}
	if err := v.write(ctx, root, root); err != nil {
		return err
	}
	return v.writeTables()
}

// scan reads a directory with all below it, in name order.
func (v *volume) scan(path, name string) (*fatNode, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	n := &fatNode{name: name, path: path, time: info.ModTime(), dir: info.IsDir()}
	if v.clamp != nil && n.time.After(*v.clamp) {
		n.time = *v.clamp
	}
	switch {
	case n.dir:
		return n, v.scanChildren(n)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s cannot be put on FAT, which knows files and directories only: it is a %s", path, info.Mode().Type())
	case info.Size() > 1<<32-1:
		return nil, fmt.Errorf("%s cannot be put on FAT: it has %d bytes and 4 GiB is the most", path, info.Size())
	}
	n.size = info.Size()
	return n, nil
}

func (v *volume) scanChildren(n *fatNode) error {
	entries, err := os.ReadDir(n.path)
	if err != nil {
		return err
	}
	names := newNamer()
	for _, e := range entries {
		child, err := v.scan(filepath.Join(n.path, e.Name()), e.Name())
		if err != nil {
			return err
		}
		if child.short, child.long, err = names.name(e.Name()); err != nil {
			return fmt.Errorf("%s cannot be put on FAT: %w", child.path, err)
		}
		n.children = append(n.children, child)
	}
	return nil
}

// slots is the number of entries of a directory: a label or "." and "..", and
// its children.
func (n *fatNode) slots() int64 {
	count := 2
	if n.root {
		count = 1
	}
	for _, c := range n.children {
		count += 1 + longSlots(c.long)
	}
	return int64(count)
}

// allocate gives every node a run of clusters, parents first.
func (v *volume) allocate(n *fatNode) error {
	bytes := n.size
	if n.dir {
		bytes = n.slots() * slot
	}
	if n.root && v.rootSlots > 0 {
		if n.slots() > v.rootSlots {
			return fmt.Errorf("the root directory of this FAT volume holds %d entries, %d are needed", v.rootSlots, n.slots())
		}
		bytes = 0
	}
	if count := uint32((bytes + v.cluster - 1) / v.cluster); count > 0 {
		if free := v.clusters + 2 - v.next; count > free {
			return fmt.Errorf("%s does not fit: it takes %d bytes and %d are free; make the partition larger",
				n.path, bytes, int64(free)*v.cluster)
		}
		n.cluster = v.next
		for i := range count {
			v.table[v.next+i] = v.next + i + 1
		}
		v.next += count
		v.table[v.next-1] = 0x0fffffff
	}
	for _, c := range n.children {
		if err := v.allocate(c); err != nil {
			return err
		}
	}
	return nil
}

// at is the offset of a cluster in the file.
func (v *volume) at(cluster uint32) int64 {
	return v.start + v.dataStart() + int64(cluster-2)*v.cluster
}

// write writes a node and all below it.
func (v *volume) write(ctx context.Context, n, parent *fatNode) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !n.dir {
		return v.writeFile(n)
	}
	if err := v.writeDirectory(n, parent); err != nil {
		return fmt.Errorf("writing the directory %s: %w", n.path, err)
	}
	for _, c := range n.children {
		if err := v.write(ctx, c, n); err != nil {
			return err
		}
	}
	return nil
}

func (v *volume) writeDirectory(n, parent *fatNode) error {
	var dir []byte
	if n.root {
		dir = appendShort(dir, [11]byte([]byte(fmt.Sprintf("%-11.11s", v.label))), attrVolume, 0, 0, n.time)
	} else {
		up := parent.cluster
		if parent.root {
			up = 0
		}
		dir = appendShort(dir, [11]byte([]byte(".          ")), attrDirectory, n.cluster, 0, n.time)
		dir = appendShort(dir, [11]byte([]byte("..         ")), attrDirectory, up, 0, parent.time)
	}
	for _, c := range n.children {
		attr := byte(attrArchive)
		if c.dir {
			attr = attrDirectory
		}
		if c.long != nil {
			dir = appendLong(dir, c.long, c.short)
		}
		dir = appendShort(dir, c.short, attr, c.cluster, uint32(c.size), c.time)
	}
	whole, at := v.cluster, int64(0)
	if n.cluster == 0 {
		whole, at = v.rootSlots*slot, v.start+v.dataStart()-v.rootSlots*slot
	} else {
		at = v.at(n.cluster)
	}
	if rest := int64(len(dir)) % whole; rest > 0 {
		dir = append(dir, make([]byte, whole-rest)...)
	}
	_, err := v.file.WriteAt(dir, at)
	return err
}

func (v *volume) writeFile(n *fatNode) error {
	if n.size == 0 {
		return nil
	}
	in, err := os.Open(n.path)
	if err != nil {
		return err
	}
	defer in.Close()
	copied, err := io.Copy(io.NewOffsetWriter(v.file, v.at(n.cluster)), io.LimitReader(in, n.size))
	if err == nil && copied != n.size {
		err = fmt.Errorf("it became shorter while it was copied: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return fmt.Errorf("copying %s into the FAT volume: %w", n.path, err)
	}
	return nil
}

// writeTables writes the allocation table, all copies, and FAT32's summary.
func (v *volume) writeTables() error {
	buf := make([]byte, v.fatBytes)
	if v.rootSlots > 0 {
		v.table[0], v.table[1] = 0xfff8, 0xffff
		for i, next := range v.table {
			binary.LittleEndian.PutUint16(buf[2*i:], uint16(next))
		}
	} else {
		v.table[0], v.table[1] = 0x0ffffff8, 0x0fffffff
		for i, next := range v.table {
			binary.LittleEndian.PutUint32(buf[4*i:], next)
		}
	}
	for i := range v.copies {
		if _, err := v.file.WriteAt(buf, v.start+v.reserved*v.sector+i*v.fatBytes); err != nil {
			return fmt.Errorf("writing the allocation table: %w", err)
		}
	}
	if v.info == 0 {
		return nil
	}
	summary := binary.LittleEndian.AppendUint32(nil, v.clusters+2-v.next)
	summary = binary.LittleEndian.AppendUint32(summary, v.next)
	for _, sector := range []int64{v.info, v.backup + v.info} {
		if _, err := v.file.WriteAt(summary, v.start+sector*v.sector+488); err != nil {
			return fmt.Errorf("writing the summary of free clusters: %w", err)
		}
	}
	return nil
}
