// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"fmt"
	"math"
)

// Placed is a layout on a disk of a known size: everything has an offset.
type Placed struct {
	Layout *Layout `json:"layout"`
	// Bytes is the size of the disk.
	Bytes int64 `json:"bytes"`
	// Partitions stand in table order; empty for a partitionless disk.
	Partitions []Extent `json:"partitions,omitempty"`
}

// Extent is a partition's place on the disk, in bytes.
type Extent struct {
	Name   string `json:"name"`
	Number int    `json:"number"` // from 1
	Start  int64  `json:"start"`
	Bytes  int64  `json:"bytes"`
}

// SpaceError says that the partitions do not fit.
type SpaceError struct {
	Disk      string // node name
	Partition string // the first that does not fit
	Bytes     int64  // size of the disk
	Missing   int64  // what it lacks for this partition and the fixed ones after it
}

// Error says how many bytes are missing and what to raise.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("partition %q does not fit on %s of %d bytes (%s): %d bytes (%s) are missing; "+
		"raise disk_size (or DIB_IMAGE_SIZE) to at least %s or make a partition smaller",
		e.Partition, e.Disk, e.Bytes, human(e.Bytes), e.Missing, human(e.Missing), human(roundUp(e.Bytes+e.Missing, mib)))
}

// Place puts the layout on a disk of the given size in bytes (element contract
// §5.4). GPT partitions are whole MiB and share the size less 2 MiB; MBR
// partitions begin at multiples of the alignment. A disk too small for the
// partitions is a *SpaceError, one too small for a file system says which.
func (l *Layout) Place(bytes int64) (*Placed, error) {
	p := &Placed{Layout: l, Bytes: bytes}
	if bytes <= 0 || bytes%l.SectorSize != 0 {
		return nil, fmt.Errorf("%d bytes is not a size for a disk with sectors of %d bytes: use a multiple", bytes, l.SectorSize)
	}
	if err := p.partitions(); err != nil {
		return nil, err
	}
	return p, p.checkMinimums()
}

func (p *Placed) partitions() error {
	t := p.Layout.Table
	if t == nil {
		return nil
	}
	if t.Kind == MBR && p.Bytes/512 > math.MaxUint32 {
		return fmt.Errorf("an mbr addresses 2 TiB, the disk has %s: make it smaller or use gpt", human(p.Bytes))
	}
	if t.Partitions[0].Start > 0 {
		return p.fixed()
	}
	next, end, reserve, unit := int64(mib), p.Bytes-mib, int64(0), int64(mib)
	if t.Kind == MBR {
		// One alignment is kept free when a share is taken (§5.4).
		next, end, reserve, unit = t.Align, p.Bytes, t.Align, 512
	}
	for i, part := range t.Partitions {
		free := end - next - reserve
		size := part.Size.of(max(free, 0))
		size -= size % unit
		if part.Size.Percent == 0 {
			free += reserve
			size = max(size, unit)
		}
		if size > free || size <= 0 {
			need := max(size, unit) + t.fixedAfter(i, unit)
			return &SpaceError{Disk: p.Layout.Disk, Partition: part.Name, Bytes: p.Bytes, Missing: need - free}
		}
		p.Partitions = append(p.Partitions, Extent{Name: part.Name, Number: i + 1, Start: next, Bytes: size})
		next = roundUp(next+size, t.Align)
	}
	return nil
}

// fixed puts partitions where they say they are.
func (p *Placed) fixed() error {
	t := p.Layout.Table
	end, rest := p.Bytes, p.Bytes
	if t.Kind == GPT {
		// The copy of the table: 32 sectors of 512 or 4 of 4096 bytes, and its header.
		end -= max(32*512, 4*p.Layout.SectorSize) + p.Layout.SectorSize
		rest = end / mib * mib
	}
	for i, part := range t.Partitions {
		size := part.Size.Bytes
		if part.Size.Percent > 0 {
			size = rest - part.Start
		}
		least := max(size, p.Layout.SectorSize)
		if part.Start+least > end {
			return &SpaceError{Disk: p.Layout.Disk, Partition: part.Name, Bytes: p.Bytes, Missing: part.Start + least - end}
		}
		p.Partitions = append(p.Partitions, Extent{Name: part.Name, Number: i + 1, Start: part.Start, Bytes: least})
	}
	return nil
}

// fixedAfter is what the partitions after i need at least.
func (t *Table) fixedAfter(i int, unit int64) int64 {
	var sum int64
	for _, part := range t.Partitions[i+1:] {
		sum += roundUp(max(part.Size.Bytes, unit), t.Align)
	}
	return sum
}

func (p *Placed) checkMinimums() error {
	for _, fs := range p.Layout.FileSystems {
		least := MinimumBytes(fs.Type, p.Layout.SectorSize)
		if e := p.Extent(fs.Base); e.Bytes < least {
			return fmt.Errorf("%q has %d bytes (%s) for the file system %q, but %s needs at least %s: "+
				"raise disk_size (or DIB_IMAGE_SIZE) or the partition's size",
				fs.Base, e.Bytes, human(e.Bytes), fs.Name, fs.Type, human(least))
		}
	}
	return nil
}

// Extent is where a partition or the disk itself lies. An unknown name has no
// bytes.
func (p *Placed) Extent(name string) Extent {
	if name == p.Layout.Disk {
		return Extent{Name: name, Bytes: p.Bytes}
	}
	for _, e := range p.Partitions {
		if e.Name == name {
			return e
		}
	}
	return Extent{Name: name}
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
