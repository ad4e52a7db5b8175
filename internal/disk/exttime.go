// SPDX-License-Identifier: MPL-2.0

package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"time"
)

// Times of change and creation cannot be set through the kernel, so an ext file
// system is clamped in its inode tables, at rest. The layout of superblock,
// group descriptors and inodes is that of linux/fs/ext4/ext4.h.

// Features that matter here.
const (
	incompatMetaBG     = 0x10
	incompat64bit      = 0x80
	incompatSeed       = 0x2000
	roCompatGroupCheck = 0x10
	roCompatChecksums  = 0x400
	groupNoInodes      = 0x1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc continues a CRC-32C as ext4 does, without inversions.
func crc(sum uint32, p []byte) uint32 { return ^crc32.Update(^sum, castagnoli, p) }

// errDamagedExt is said of values that mke2fs does not write.
var errDamagedExt = errors.New("the superblock or a group descriptor is damaged; run e2fsck -f on the file system")

// extFile is a raw image.
type extFile interface {
	io.ReaderAt
	io.WriterAt
}

// extClamp is one pass over a file system.
type extClamp struct {
	file  extFile
	start int64
	limit int64 // seconds

	super     []byte
	blockSize int64
	inodeSize int64
	checksums bool
	seed      uint32
}

// clampExt sets every time after limit to limit, access times to those of
// modification, and forgets where and how often the file system was mounted.
func clampExt(file extFile, start int64, limit time.Time) error {
	c := &extClamp{file: file, start: start, limit: limit.Unix(), super: make([]byte, 1024)}
	if _, err := file.ReadAt(c.super, start+1024); err != nil {
		return fmt.Errorf("reading the superblock: %w", err)
	}
	if binary.LittleEndian.Uint16(c.super[0x38:]) != 0xef53 {
		return errors.New("this is not an ext file system")
	}
	if c.u32(0x60)&incompatMetaBG != 0 {
		return errors.New("times of an ext file system with the feature meta_bg cannot be limited to SOURCE_DATE_EPOCH: remove the feature")
	}
	c.blockSize = 1024 << min(c.u32(0x18), 31)
	c.inodeSize = int64(binary.LittleEndian.Uint16(c.super[0x58:]))
	// The limits of the kernel, which would not have mounted anything else.
	if c.blockSize > 64<<10 || c.inodeSize < 128 || c.inodeSize > c.blockSize {
		return errDamagedExt
	}
	c.checksums = c.u32(0x64)&roCompatChecksums != 0
	c.seed = crc(^uint32(0), c.super[0x68:0x78])
	if c.u32(0x60)&incompatSeed != 0 {
		c.seed = c.u32(0x270)
	}
	if err := c.groups(); err != nil {
		return err
	}
	return c.writeSuper()
}

// checkExt wants a file system that was unmounted properly and without errors.
func checkExt(file *os.File, start int64) error {
	const clean, damaged, recover = 1, 2, 0x4
	super := make([]byte, 1024)
	if _, err := file.ReadAt(super, start+1024); err != nil {
		return fmt.Errorf("reading the superblock: %w", err)
	}
	state := binary.LittleEndian.Uint16(super[0x3a:])
	if state&clean == 0 || state&damaged != 0 || binary.LittleEndian.Uint32(super[0x60:])&recover != 0 {
		return errors.New("the kernel could not write all of it into the raw image; it logs why (dmesg)")
	}
	return nil
}

func (c *extClamp) u32(at int) uint32 { return binary.LittleEndian.Uint32(c.super[at:]) }

// groups walks the inode table of every block group.
func (c *extClamp) groups() error {
	size, perGroup := int64(32), int64(c.u32(0x28))
	if c.u32(0x60)&incompat64bit != 0 {
		size = int64(binary.LittleEndian.Uint16(c.super[0xfe:]))
	}
	if perGroup == 0 || perGroup > 8*c.blockSize || size < 32 || size > c.blockSize {
		return errDamagedExt
	}
	table := c.start + (int64(c.u32(0x14))+1)*c.blockSize
	d := make([]byte, size)
	for g := range (int64(c.u32(0)) + perGroup - 1) / perGroup {
		if _, err := c.file.ReadAt(d, table+g*size); err != nil {
			return fmt.Errorf("reading the descriptor of block group %d: %w", g, err)
		}
		block, unused := int64(binary.LittleEndian.Uint32(d[8:])), int64(0)
		if c.u32(0x64)&(roCompatChecksums|roCompatGroupCheck) != 0 {
			if binary.LittleEndian.Uint16(d[0x12:])&groupNoInodes != 0 {
				continue
			}
			unused = int64(binary.LittleEndian.Uint16(d[0x1c:]))
		}
		if size >= 64 {
			block |= int64(binary.LittleEndian.Uint32(d[0x28:])) << 32
			unused |= int64(binary.LittleEndian.Uint16(d[0x32:])) << 16
		}
		if unused > perGroup || block > math.MaxInt64/c.blockSize-perGroup {
			return errDamagedExt
		}
		if err := c.inodes(block, g*perGroup+1, perGroup-unused); err != nil {
			return fmt.Errorf("block group %d: %w", g, err)
		}
	}
	return nil
}

// inodes clamps a run of inodes, a mebibyte at a time; first is the number of the first.
func (c *extClamp) inodes(block, first, count int64) error {
	buf := make([]byte, min(count, max(1, 1<<20/c.inodeSize))*c.inodeSize)
	for at := c.start + block*c.blockSize; count > 0; {
		n := min(count, int64(len(buf))/c.inodeSize)
		if err := c.run(buf[:n*c.inodeSize], at, first); err != nil {
			return err
		}
		at, first, count = at+n*c.inodeSize, first+n, count-n
	}
	return nil
}

// run clamps as many inodes as buf has room for.
func (c *extClamp) run(buf []byte, at, first int64) error {
	if _, err := c.file.ReadAt(buf, at); err != nil {
		return fmt.Errorf("reading inodes: %w", err)
	}
	for i := range int64(len(buf)) / c.inodeSize {
		inode := buf[i*c.inodeSize : (i+1)*c.inodeSize]
		before := string(inode)
		c.inode(inode, uint32(first+i))
		if string(inode) == before {
			continue
		}
		if _, err := c.file.WriteAt(inode, at+i*c.inodeSize); err != nil {
			return fmt.Errorf("writing inode %d: %w", first+i, err)
		}
	}
	return nil
}

// inode clamps one inode and renews its checksum.
func (c *extClamp) inode(b []byte, number uint32) {
	extra := 0
	if len(b) > 0x80 {
		extra = int(binary.LittleEndian.Uint16(b[0x80:]))
	}
	has := func(at int) bool { return at+4 <= 0x80+extra && at+4 <= len(b) }
	if binary.LittleEndian.Uint16(b) == 0 {
		return // never used
	}
	c.stamp(b, 0x10, 0x88, has) // modification
	copy(b[8:12], b[0x10:0x14])
	if has(0x8c) {
		copy(b[0x8c:0x90], b[0x88:0x8c])
	}
	c.stamp(b, 0x0c, 0x84, has) // change
	if has(0x94) {
		c.stamp(b, 0x90, 0x94, has) // creation
	}
	if binary.LittleEndian.Uint16(b[0x1a:]) == 0 {
		c.stamp(b, 0x14, 1<<20, has) // deletion
	}
	if !c.checksums {
		return
	}
	high := has(0x80)
	binary.LittleEndian.PutUint16(b[0x7c:], 0)
	if high {
		binary.LittleEndian.PutUint16(b[0x82:], 0)
	}
	sum := crc(c.seed, binary.LittleEndian.AppendUint32(nil, number))
	sum = crc(crc(sum, b[0x64:0x68]), b)
	binary.LittleEndian.PutUint16(b[0x7c:], uint16(sum))
	if high {
		binary.LittleEndian.PutUint16(b[0x82:], uint16(sum>>16))
	}
}

// stamp limits the time at an offset. Its extra word has two more bits of the
// seconds, and the nanoseconds.
func (c *extClamp) stamp(b []byte, at, extraAt int, has func(int) bool) {
	seconds := int64(int32(binary.LittleEndian.Uint32(b[at:])))
	if has(extraAt) {
		seconds += int64(binary.LittleEndian.Uint32(b[extraAt:])&3) << 32
	}
	if seconds < c.limit {
		return
	}
	binary.LittleEndian.PutUint32(b[at:], uint32(c.limit))
	if has(extraAt) {
		epoch := (c.limit - int64(int32(c.limit))) >> 32
		binary.LittleEndian.PutUint32(b[extraAt:], uint32(epoch)&3)
	}
}

// writeSuper clamps the superblock's times: mounted, written, checked, made.
func (c *extClamp) writeSuper() error {
	for at, high := range map[int]int{0x2c: 0x275, 0x30: 0x274, 0x40: 0x277, 0x108: 0x276} {
		if int64(c.u32(at))|int64(c.super[high])<<32 > c.limit {
			binary.LittleEndian.PutUint32(c.super[at:], uint32(c.limit))
			c.super[high] = byte(c.limit >> 32)
		}
	}
	clear(c.super[0x34:0x36])   // number of mounts
	clear(c.super[0x88:0xc8])   // last mounted on
	clear(c.super[0x178:0x180]) // kilobytes written
	if c.checksums {
		binary.LittleEndian.PutUint32(c.super[0x3fc:], crc(^uint32(0), c.super[:0x3fc]))
	}
	if _, err := c.file.WriteAt(c.super, c.start+1024); err != nil {
		return fmt.Errorf("writing the superblock: %w", err)
	}
	return nil
}
