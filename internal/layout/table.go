// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// maxPrimaries is all that an MBR has room for.
const maxPrimaries = 4

// maxNameUnits is the length of a GPT partition name in UTF-16 units.
const maxNameUnits = 36

func (b *builder) table(n *node) error {
	b.unknown(n, "label", "align")
	if b.layout.Table != nil {
		return n.errorf("base", "the disk is partitioned already by %q", b.layout.Table.Name)
	}
	if n.base == "" || n.base != b.layout.Disk {
		return n.errorf("base", "there is no disk (local_loop) named %q", n.base)
	}
	kind, err := n.text("label")
	if err != nil {
		return err
	}
	if kind != MBR && kind != GPT {
		return n.errorf("label", "%q is not a kind of partition table: use mbr or gpt", kind)
	}
	t := &Table{Name: n.name, Kind: kind, Align: mib}
	if err := b.align(n, t); err != nil {
		return err
	}
	if len(n.partitions) == 0 {
		return n.errorf("partitions", "the table needs at least one partition")
	}
	for _, p := range n.partitions {
		part, err := b.partition(p, kind)
		if err != nil {
			return err
		}
		if before := t.takesAllBefore(part); before != "" {
			return p.errorf("size", "nothing is left after %q, which takes 100%% of the free space: list it last, or give it less", before)
		}
		t.Partitions = append(t.Partitions, part)
	}
	if kind == MBR && len(t.Partitions) > maxPrimaries {
		return n.errorf("partitions", "an mbr holds %d primary partitions, these are %d: use gpt", maxPrimaries, len(t.Partitions))
	}
	b.layout.Table = t
	return nil
}

// takesAllBefore names the partition that leaves no room for a further one on
// any disk. An mbr keeps one alignment free (element contract §5.4).
func (t *Table) takesAllBefore(further Partition) string {
	for _, part := range t.Partitions {
		if part.Size.Percent == 100 && (t.Kind == GPT || further.Size.Percent > 0 || further.Size.Bytes > t.Align) {
			return part.Name
		}
	}
	return ""
}

// align reads the alignment, which only MBR has (element contract §5.4).
func (b *builder) align(n *node, t *Table) error {
	if t.Kind == MBR && b.layout.SectorSize != 512 {
		return n.errorf("label", "an mbr needs sectors of 512 bytes, the disk has %d: use gpt", b.layout.SectorSize)
	}
	text, err := n.text("align")
	if err != nil || text == "" || t.Kind == GPT {
		return err
	}
	if t.Align, err = ParseSize(text); err != nil {
		return n.errorf("align", "%w", err)
	}
	if t.Align < 512 || t.Align%512 != 0 {
		return n.errorf("align", "%q is not a multiple of 512 bytes", text)
	}
	return nil
}

func (b *builder) partition(n *node, kind string) (Partition, error) {
	b.unknown(n, "size", "type", "flags")
	p := Partition{Name: n.name}
	size, err := n.text("size")
	if err != nil {
		return p, err
	}
	if size == "" {
		return p, n.errorf("size", "it is required: an absolute size such as 550MiB, or a share of the free space such as 100%%")
	}
	if p.Size, err = parseAmount(size); err != nil {
		return p, n.errorf("size", "%w", err)
	}
	if p.Type, err = n.text("type"); err != nil {
		return p, err
	}
	if err := p.checkType(n, kind); err != nil {
		return p, err
	}
	return p, p.flags(n, kind)
}

func (p *Partition) checkType(n *node, kind string) error {
	if kind == GPT {
		if p.Type == "" {
			p.Type = "8300"
		}
		if units := len(utf16.Encode([]rune(p.Name))); units > maxNameUnits {
			return n.errorf("name", "a gpt name has at most %d characters, this has %d", maxNameUnits, units)
		}
		if _, err := TypeGUID(p.Type); err != nil {
			return n.errorf("type", "%w", err)
		}
		return nil
	}
	if p.Type == "" {
		p.Type = "0x83"
	}
	if _, err := TypeByte(p.Type); err != nil {
		return n.errorf("type", "%w", err)
	}
	return nil
}

func (p *Partition) flags(n *node, kind string) error {
	words, err := n.words("flags")
	if err != nil {
		return err
	}
	primary := false
	for _, flag := range words {
		switch {
		case flag == "boot":
			p.Boot = true
		case flag == "primary" && kind == GPT:
			return n.errorf("flags", "gpt knows no primary partitions: remove the flag")
		case flag == "primary":
			primary = true
		default:
			return n.errorf("flags", "%q is not a flag: use boot or primary", flag)
		}
	}
	if kind == MBR && !primary {
		return n.errorf("flags", "logical partitions are not supported yet: add the flag primary, or use gpt")
	}
	return nil
}

// TypeByte reads the type of an MBR partition, two hexadecimal digits with or
// without 0x.
func TypeByte(text string) (byte, error) {
	digits := strings.TrimPrefix(strings.ToLower(text), "0x")
	v, err := strconv.ParseUint(digits, 16, 8)
	if err != nil || v == 0 {
		return 0, fmt.Errorf("%q is not an mbr partition type: write hexadecimal such as 0x83", text)
	}
	return byte(v), nil
}

// codes maps sgdisk's type codes to GUIDs: those that a Linux image can need.
var codes = map[string]string{
	"0700": "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
	"4100": "9E1A2D38-C612-4316-AA26-8B49521E5A8B",
	"8200": "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F",
	"8300": "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
	"8301": "8DA63339-0007-60C0-C436-083AC8230908",
	"8302": "933AC7E1-2EB4-4F13-B844-0E14E2AEF915",
	"8303": "44479540-F297-41B2-9AF7-D131D5F0458A",
	"8304": "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
	"8305": "B921B045-1DF0-41C3-AF44-4C6F280D3FAE",
	"8306": "3B8F8425-20E0-4F3B-907F-1A25A76F98E8",
	"8307": "69DAD710-2CE4-4E3C-B16C-21A1D49ABED3",
	"8309": "CA7D7CCB-63ED-4C53-861C-1742536059CC",
	"8310": "4D21B016-B534-45C2-A9FB-5C16E091FD2D",
	"8E00": "E6D6D379-F507-44C2-A23C-238F2A3DF928",
	"EA00": "BC13C2FF-59E6-4262-A352-B275FD6F7172",
	"EF00": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
	"EF02": "21686148-6449-6E6F-744E-656564454649",
	"FD00": "A19D880F-05FC-4D3B-A006-743F0F84911E",
}

var guidPattern = regexp.MustCompile(`^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`)

// TypeGUID reads the type of a GPT partition: an sgdisk code, also with 0x, or
// a GUID. The result is in upper case.
func TypeGUID(text string) (string, error) {
	word := strings.ToUpper(text)
	if guidPattern.MatchString(word) {
		return word, nil
	}
	if guid, ok := codes[strings.TrimPrefix(word, "0X")]; ok {
		return guid, nil
	}
	known := make([]string, 0, len(codes))
	for code := range codes {
		known = append(known, code)
	}
	slices.Sort(known)
	return "", fmt.Errorf("%q is not a known gpt partition type: write a GUID or one of %s", text, strings.Join(known, ", "))
}
