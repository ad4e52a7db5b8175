// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/diskfs/go-diskfs/partition/mbr"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

// unsynced hides the file's Sync: nothing needs to be on disk before the end.
type unsynced struct{ backend.WritableFile }

// writeTable writes the partition table; a partitionless disk has none.
func writeTable(f *os.File, p *layout.Placed, seed []byte) error {
	var err error
	switch t := p.Layout.Table; {
	case t == nil:
	case t.Kind == layout.GPT:
		err = writeGPT(f, p, seed)
	default:
		err = writeMBR(f, p, seed)
	}
	if err != nil {
		return fmt.Errorf("writing the partition table to %s: %w", f.Name(), err)
	}
	return nil
}

func writeGPT(f *os.File, p *layout.Placed, seed []byte) error {
	sector := p.Layout.SectorSize
	table := &gpt.Table{
		LogicalSectorSize: int(sector), PhysicalSectorSize: int(sector), ProtectiveMBR: true,
		GUID: strings.ToUpper(deriveUUID(seed, "disk")),
	}
	for i, e := range p.Partitions {
		guid, err := layout.TypeGUID(p.Layout.Table.Partitions[i].Type)
		if err != nil {
			return fmt.Errorf("partition %q: %w", e.Name, err)
		}
		table.Partitions = append(table.Partitions, &gpt.Partition{
			Index: e.Number, Start: uint64(e.Start / sector), Size: uint64(e.Bytes), Type: gpt.Type(guid),
			Name: e.Name, GUID: strings.ToUpper(deriveUUID(seed, "partition "+e.Name)),
		})
	}
	return table.Write(unsynced{f}, p.Bytes)
}

func writeMBR(f *os.File, p *layout.Placed, seed []byte) error {
	table := &mbr.Table{LogicalSectorSize: 512, PhysicalSectorSize: 512}
	for i, e := range p.Partitions {
		part := p.Layout.Table.Partitions[i]
		kind, err := layout.TypeByte(part.Type)
		if err != nil {
			return fmt.Errorf("partition %q: %w", e.Name, err)
		}
		entry := &mbr.Partition{
			Index: e.Number, Bootable: part.Boot, Type: mbr.Type(kind),
			Start: uint32(e.Start / 512), Size: uint32(e.Bytes / 512),
		}
		entry.StartCylinder, entry.StartHead, entry.StartSector = chs(entry.Start)
		entry.EndCylinder, entry.EndHead, entry.EndSector = chs(entry.Start + entry.Size - 1)
		table.Partitions = append(table.Partitions, entry)
	}
	if err := table.Write(unsynced{f}, p.Bytes); err != nil {
		return err
	}
	// The disk signature, which go-diskfs does not write.
	signature := binary.LittleEndian.AppendUint32(nil, deriveNumber(seed, "disk"))
	_, err := f.WriteAt(signature, 440)
	return err
}

// chs is the old address of a sector, for the usual 255 heads of 63 sectors,
// or its largest value beyond 8 GB. The sector byte carries the cylinder's high bits.
func chs(lba uint32) (cylinder, head, sector byte) {
	c := lba / (255 * 63)
	if c > 1023 {
		return 0xff, 0xfe, 0xff
	}
	return byte(c), byte(lba / 63 % 255), byte(lba%63+1) | byte(c>>8<<6)
}
