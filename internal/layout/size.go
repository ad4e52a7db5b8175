// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// defaultJournal is the ext4 journal of the root in MiB (element contract §5.8).
const defaultJournal = 64

// inodeRatio is one inode per so many bytes on an ext4 root (element contract §5.8).
const inodeRatio = 4096

// sizeStep is what image sizes are rounded up to (element contract §5.8).
const sizeStep = 64 << 10

// compatEFI is what diskimage-builder adds when an efi element is used (quirk 16).
const compatEFI = 525 * mib

// SizeRequest is what the size of a disk depends on.
type SizeRequest struct {
	Layout *Layout
	// Explicit is the size asked for, in bytes (disk_size, DIB_IMAGE_SIZE); 0
	// computes it.
	Explicit int64
	// ExtraMiB replaces the scaling by a fixed reserve (DIB_IMAGE_EXTRA_SIZE).
	ExtraMiB float64
	// UsedKiB is the disk usage of the tree; Inodes its number of files (may be 0).
	UsedKiB, Inodes int64
	// JournalMiB is the ext4 journal of the root (DIB_JOURNAL_SIZE); 0 means 64.
	JournalMiB int64
	// MaxOnlineResize is mke2fs's "-E resize=" in blocks; 0 leaves it out.
	MaxOnlineResize int64
	// RootOptions are mkfs arguments of the user (MKFS_OPTS).
	RootOptions []string
	// EFIElement tells that an element's name contains block-device-efi. Only
	// Compat, diskimage-builder's own arithmetic, asks for it (quirk 16).
	EFIElement, Compat bool
}

// Size is the answer.
type Size struct {
	// Bytes is the size of the whole disk.
	Bytes int64 `json:"bytes"`
	// Explanation tells where the number comes from, one step per line.
	Explanation []string `json:"explanation"`
	// RootOptions are for Layout.SetRootOptions.
	RootOptions []string `json:"root_options,omitempty"`
}

// ComputeSize finds the size of the disk (element contract §5.8, mended: other
// partitions, file system overhead and minimums are counted, so that what is
// used always fits, and an explicit size is kept). It fails when no size, or
// not the explicit one, can hold the layout.
func ComputeSize(r SizeRequest) (Size, error) {
	if r.JournalMiB == 0 {
		r.JournalMiB = defaultJournal
	}
	s := Size{}
	var err error
	switch {
	case r.Compat:
		s.compat(r)
	case r.Explicit > 0:
		s.Bytes = r.Explicit
		s.explain("%s as asked for", human(r.Explicit))
	case r.Layout.DiskBytes > 0:
		s.Bytes = r.Layout.DiskBytes
		s.explain("%s as the layout's %s says", human(s.Bytes), r.Layout.Disk)
	default:
		err = s.compute(r)
	}
	if err != nil {
		return s, err
	}
	if up := roundUp(s.Bytes, sizeStep); up != s.Bytes {
		s.Bytes = up
		s.explain("rounded up to a multiple of 64 KiB")
	}
	s.explain("disk: %d bytes (%s)", s.Bytes, human(s.Bytes))
	placed, err := r.Layout.Place(s.Bytes)
	if err != nil {
		return s, err
	}
	s.RootOptions = rootOptions(r, placed.Extent(r.Layout.Root().Base).Bytes)
	return s, nil
}

func (s *Size) explain(format string, args ...any) {
	s.Explanation = append(s.Explanation, fmt.Sprintf(format, args...))
}

// compat is diskimage-builder's arithmetic to the letter.
func (s *Size) compat(r SizeRequest) {
	switch {
	case r.Explicit > 0:
		s.Bytes = r.Explicit
		s.explain("%s as asked for", human(r.Explicit))
	case r.ExtraMiB > 0:
		s.Bytes = r.UsedKiB<<10 + int64(r.ExtraMiB*1024)<<10
		s.explain("%s used + %s extra", human(r.UsedKiB<<10), human(int64(r.ExtraMiB*mib)))
	default:
		s.Bytes = int64(float64(r.UsedKiB)/0.6) << 10
		s.explain("%s used / 0.6 = %s", human(r.UsedKiB<<10), human(s.Bytes))
	}
	if r.Layout.Root().Type == "ext4" && r.Explicit == 0 {
		s.Bytes += r.JournalMiB * mib
		s.explain("+ %d MiB journal", r.JournalMiB)
	}
	if r.EFIElement {
		s.Bytes += compatEFI
		s.explain("+ 525 MiB for block-device-efi (compatibility)")
	}
}

// compute finds the smallest disk on which the root has what it needs.
func (s *Size) compute(r SizeRequest) error {
	root := r.Layout.Root()
	need := s.rootNeed(r, root)
	fits := func(disk int64) bool {
		p, err := r.Layout.Place(disk)
		return err == nil && p.Extent(root.Base).Bytes >= need
	}
	const largest = 1 << 46 // 64 TiB, beyond which only a fixed size can be the cause
	high := roundUp(need, mib)
	for ; !fits(high); high *= 2 {
		if high > largest {
			return s.impossible(r, root, need)
		}
	}
	low := int64(0) // does not fit, high does
	for high-low > sizeStep {
		if middle := low + roundUp((high-low)/2, sizeStep); middle < high && fits(middle) {
			high = middle
		} else if middle >= high {
			break
		} else {
			low = middle
		}
	}
	s.Bytes = high
	if extra := high - need; extra > 0 {
		s.explain("+ %s for the partition table and what is beside the root", human(extra))
	}
	return nil
}

func (s *Size) impossible(r SizeRequest, root FileSystem, need int64) error {
	_, err := r.Layout.Place(1 << 40)
	return errors.Join(fmt.Errorf("no size of the disk gives the root file system %q the %s it needs: "+
		"its partition %q has a fixed size or too small a share", root.Name, human(need), root.Base), err)
}

// rootNeed is the size of the root file system: what is used, scaled, and never
// less than the file system's own needs on top of it.
func (s *Size) rootNeed(r SizeRequest, root FileSystem) int64 {
	used := r.UsedKiB << 10
	var want int64
	if r.ExtraMiB > 0 {
		used += int64(r.ExtraMiB * mib)
		s.explain("root: %s used + %s extra", human(r.UsedKiB<<10), human(int64(r.ExtraMiB*mib)))
	} else {
		want = int64(float64(used) / 0.6)
		s.explain("root: %s used / 0.6 = %s", human(used), human(want))
	}
	least := withOverhead(used, root.Type)
	if IsExt(root.Type) {
		// Inodes are made in proportion to the size.
		least = max(least, r.Inodes*inodeRatio*11/10)
	}
	if least > want {
		want = least
		s.explain("root: at least %s with the overhead of %s", human(least), root.Type)
	}
	if root.Type == "ext4" {
		want += r.JournalMiB * mib
		s.explain("+ %d MiB journal", r.JournalMiB)
	}
	if m := MinimumBytes(root.Type, r.Layout.SectorSize); want < m {
		want = m
		s.explain("root: raised to %s, the smallest %s", human(m), root.Type)
	}
	return want
}

// withOverhead adds what a file system needs for itself: inode tables and
// bitmaps of ext* (one inode of 256 bytes per 4096 bytes, room to grow the
// group descriptors), log and allocation groups of xfs.
func withOverhead(used int64, fsType string) int64 {
	if fsType == "xfs" {
		return used + used/32 + 80*mib
	}
	return int64(math.Ceil(float64(used)/0.91)) + 8*mib
}

// rootOptions are the mkfs arguments of the root of the given size.
func rootOptions(r SizeRequest, bytes int64) []string {
	if r.Layout.Root().Type != "ext4" {
		return slices.Clone(r.RootOptions)
	}
	options := []string{"-i", strconv.Itoa(inodeRatio)}
	if j := journal(r.JournalMiB, bytes); j > 0 {
		options = append(options, "-J", fmt.Sprintf("size=%d", j))
	}
	options = append(options, r.RootOptions...)
	if r.MaxOnlineResize > 0 {
		options = append([]string{"-E", fmt.Sprintf("resize=%d", r.MaxOnlineResize)}, options...)
	}
	return options
}

// journal is the asked journal in MiB, or an eighth of a file system that is
// too small for it; 0 leaves the choice to mke2fs.
func journal(asked, bytes int64) int64 {
	const least = 4 // 1024 blocks of 4 KiB, the least mke2fs accepts
	if asked*mib*4 <= bytes {
		return asked
	}
	if bytes < 8*least*mib {
		return 0
	}
	return min(asked, max(least, bytes/8/mib))
}
