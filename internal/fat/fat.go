// SPDX-License-Identifier: MPL-2.0

// Package fat makes FAT16 and FAT32 volumes in user space, on any system: the
// frame is go-diskfs's, names, directories and tables are written here.
package fat

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
)

// Files are put in by the code below, in one run over an empty volume: go-diskfs
// v1.9.4 writes '..' entries, empty files, names with a dot in front and names
// that are alike in their first eight characters in ways that fsck.fat rejects,
// and writes the whole table again for every file.

// least32 is the smallest volume that is made as FAT32: below, it would have
// too few clusters to be taken for one.
const least32 = 36 << 20

// Format writes an empty volume of so many bytes at an offset of a file; sector is
// 512 or 4096. go-diskfs forgets the two entries that every table begins with, so that a table may be too short for
// its clusters; such a volume is made smaller by a few sectors.
func Format(f *os.File, start, bytes, sector int64, label string, serial uint32) error {
	for size := bytes; size > 0; size -= sector {
		if err := create(f, start, size, sector, label); err != nil {
			return err
		}
		v, err := Open(f, start, label)
		if err != nil {
			return err
		}
		if !v.short {
			return v.writeSerial(serial)
		}
	}
	return fmt.Errorf("%d bytes is no size for a FAT volume", bytes)
}

func create(f *os.File, start, size, sector int64, label string) error {
	var err error
	if storage := file.New(f, false); sector == 512 && size < least32 {
		_, err = fat16.Create(storage, size, start, sector, label, true)
	} else {
		_, err = fat32.Create(storage, size, start, sector, label, true)
	}
	return err
}

// writeSerial sets the volume's serial number in the boot sector and its copy.
func (v *Volume) writeSerial(serial uint32) error {
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

// Volume is an empty FAT16 or FAT32 volume in a file.
type Volume struct {
	file  *os.File
	start int64
	label string

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

// Open reads the parameters of an empty volume. Fill gives it the label.
func Open(f *os.File, start int64, label string) (*Volume, error) {
	b := make([]byte, 512)
	if _, err := f.ReadAt(b, start); err != nil {
		return nil, fmt.Errorf("reading the boot sector: %w", err)
	}
	u16 := func(at int) int64 { return int64(binary.LittleEndian.Uint16(b[at:])) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }
	v := &Volume{file: f, start: start, label: label, next: 2}
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
func (v *Volume) dataStart() int64 {
	return v.reserved*v.sector + v.copies*v.fatBytes + v.rootSlots*slot
}

// Node is a file or directory that goes into a volume.
type Node struct {
	// Name is the name in its directory; the root has none.
	Name string
	// Time is that of the last change.
	Time time.Time
	// Dir says that it is a directory, with Children.
	Dir      bool
	Children []*Node
	// Size is that of a file in bytes, Open its content, and Path what errors call it.
	Size int64
	Open func() (io.ReadCloser, error)
	Path string

	root    bool
	short   [11]byte
	long    []uint16
	cluster uint32 // first; 0 for an empty file and for the fixed root
}

// Fill puts a directory into the empty volume as its root.
func (v *Volume) Fill(ctx context.Context, root *Node) error {
	root.root = true
	if err := root.name(); err != nil {
		return err
	}
	if err := v.allocate(root); err != nil {
		return err
	}
	if err := v.write(ctx, root, root); err != nil {
		return err
	}
	return v.writeTables()
}

// name gives all below a directory the names that FAT writes.
func (n *Node) name() (err error) {
	names := newNamer()
	for _, c := range n.Children {
		if c.Size > 1<<32-1 {
			return fmt.Errorf("%s cannot be put on FAT: it has %d bytes and 4 GiB is the most", c.Path, c.Size)
		}
		if c.short, c.long, err = names.name(c.Name); err != nil {
			return fmt.Errorf("%s cannot be put on FAT: %w", c.Path, err)
		}
		if err := c.name(); err != nil {
			return err
		}
	}
	return nil
}

// Tree reads a directory of the host with all below it, in name order. No time
// is later than clamp, if that is given.
func Tree(dir string, clamp *time.Time) (*Node, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	n := &Node{Name: info.Name(), Path: dir, Time: info.ModTime(), Dir: info.IsDir()}
	if clamp != nil && n.Time.After(*clamp) {
		n.Time = *clamp
	}
	switch {
	case !n.Dir && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s cannot be put on FAT, which knows files and directories only: it is a %s", dir, info.Mode().Type())
	case !n.Dir:
		n.Size, n.Open = info.Size(), func() (io.ReadCloser, error) { return os.Open(dir) }
		return n, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		child, err := Tree(filepath.Join(dir, e.Name()), clamp)
		if err != nil {
			return nil, err
		}
		n.Children = append(n.Children, child)
	}
	return n, nil
}

// slots is the number of entries of a directory: a label or "." and "..", and
// its children.
func (n *Node) slots() int64 {
	count := 2
	if n.root {
		count = 1
	}
	for _, c := range n.Children {
		count += 1 + longSlots(c.long)
	}
	return int64(count)
}

// allocate gives every node a run of clusters, parents first.
func (v *Volume) allocate(n *Node) error {
	bytes := n.Size
	if n.Dir {
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
				n.Path, bytes, int64(free)*v.cluster)
		}
		n.cluster = v.next
		for i := range count {
			v.table[v.next+i] = v.next + i + 1
		}
		v.next += count
		v.table[v.next-1] = 0x0fffffff
	}
	for _, c := range n.Children {
		if err := v.allocate(c); err != nil {
			return err
		}
	}
	return nil
}

// at is the offset of a cluster in the file.
func (v *Volume) at(cluster uint32) int64 {
	return v.start + v.dataStart() + int64(cluster-2)*v.cluster
}

// write writes a node and all below it.
func (v *Volume) write(ctx context.Context, n, parent *Node) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !n.Dir {
		return v.writeFile(n)
	}
	if err := v.writeDirectory(n, parent); err != nil {
		return fmt.Errorf("writing the directory %s: %w", n.Path, err)
	}
	for _, c := range n.Children {
		if err := v.write(ctx, c, n); err != nil {
			return err
		}
	}
	return nil
}

func (v *Volume) writeDirectory(n, parent *Node) error {
	var dir []byte
	if n.root {
		dir = appendShort(dir, [11]byte([]byte(fmt.Sprintf("%-11.11s", v.label))), attrVolume, 0, 0, n.Time)
	} else {
		up := parent.cluster
		if parent.root {
			up = 0
		}
		dir = appendShort(dir, [11]byte([]byte(".          ")), attrDirectory, n.cluster, 0, n.Time)
		dir = appendShort(dir, [11]byte([]byte("..         ")), attrDirectory, up, 0, parent.Time)
	}
	for _, c := range n.Children {
		attr := byte(attrArchive)
		if c.Dir {
			attr = attrDirectory
		}
		if c.long != nil {
			dir = appendLong(dir, c.long, c.short)
		}
		dir = appendShort(dir, c.short, attr, c.cluster, uint32(c.Size), c.Time)
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

func (v *Volume) writeFile(n *Node) error {
	if n.Size == 0 {
		return nil
	}
	in, err := n.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	copied, err := io.Copy(io.NewOffsetWriter(v.file, v.at(n.cluster)), io.LimitReader(in, n.Size))
	if err == nil && copied != n.Size {
		err = fmt.Errorf("it became shorter while it was copied: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return fmt.Errorf("copying %s into the FAT volume: %w", n.Path, err)
	}
	return nil
}

// writeTables writes the allocation table, all copies, and FAT32's summary.
func (v *Volume) writeTables() error {
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
