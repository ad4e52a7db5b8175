// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// DefaultSfdisk is one partition from the first MiB to the end of the disk.
const DefaultSfdisk = "2048 + L *"

// ParseSfdisk reads a script of sfdisk, as DIB_PARTITIONING_SFDISK_SCHEMA holds
// it: a line per partition, in the old form of four fields or with names of
// fields, with header lines (label, unit, first-lba, grain) before them.
//
// Numbers without a suffix are sectors and are taken as they are; sizes with a
// suffix end at the grain, 1 MiB. The first partition gets the root file system,
// on POWER the second; the others stay empty, as element partitioning-sfdisk has
// it. Lines of size 0 at the end are empty entries. What cannot be made, such as
// logical or overlapping partitions, is an error that names the line.
func ParseSfdisk(script, arch string, d Defaults) (*Layout, error) {
	s := sfdisk{kind: MBR, grain: mib, sector: 512}
	if d.SectorSize != 0 {
		s.sector = d.SectorSize
	}
	for i, line := range strings.Split(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.line(line); err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", i+1, line, err)
		}
	}
	if len(s.parts) == 0 {
		return nil, fmt.Errorf("it describes no partition: write a line for each, such as %q", DefaultSfdisk)
	}
	root := 0
	if strings.HasPrefix(arch, "ppc") && len(s.parts) > 1 {
		root = 1
	}
	return s.layout(root, d)
}

// sfdisk is a script while it is read.
type sfdisk struct {
	kind                 string
	grain, sector, first int64 // bytes
	parts                []sfdiskPart
	empty                bool // an empty entry was read: nothing may follow
	warnings             []string
}

// sfdiskPart is a partition; an end of math.MaxInt64 is that of the disk.
type sfdiskPart struct {
	name, kind string
	start, end int64
	boot       bool
}

var (
	sfdiskHeader = regexp.MustCompile(`^([a-z-]+):\s*(\S.*)$`)
	sfdiskDevice = regexp.MustCompile(`^\S*?(\d+)\s*:\s+`)
	sfdiskName   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,36}$`)
)

func (s *sfdisk) line(line string) error {
	if m := sfdiskHeader.FindStringSubmatch(line); m != nil {
		return s.header(m[1], m[2])
	}
	if m := sfdiskDevice.FindStringSubmatch(line); m != nil {
		if m[1] != strconv.Itoa(len(s.parts)+1) {
			return fmt.Errorf("it is the entry of partition %s, and that of partition %d is due: partitions are numbered in their order", m[1], len(s.parts)+1)
		}
		line = line[len(m[0]):]
	}
	fields, err := sfdiskFields(line)
	if err != nil {
		return err
	}
	return s.partition(fields)
}

// header reads a line that concerns the whole table.
func (s *sfdisk) header(key, value string) (err error) {
	if len(s.parts) > 0 {
		return fmt.Errorf("%q must stand before the first partition", key)
	}
	switch key {
	case "label":
		kinds := map[string]string{"dos": MBR, "mbr": MBR, "gpt": GPT}
		if s.kind = kinds[value]; s.kind == "" {
			return fmt.Errorf("%q is not a kind of partition table: use dos or gpt", value)
		}
	case "unit":
		if value != "sectors" {
			return fmt.Errorf("the unit %q is not supported: write sectors, or numbers with a suffix such as 10MiB", value)
		}
	case "first-lba":
		s.first, err = s.number(value)
	case "grain":
		if s.grain, err = s.number(value); err == nil && (s.grain < s.sector || s.grain%s.sector != 0) {
			err = fmt.Errorf("a grain of %d bytes is not a multiple of a sector's %d", s.grain, s.sector)
		}
	case "sector-size":
		if value != strconv.FormatInt(s.sector, 10) {
			return fmt.Errorf("the disk has sectors of %d bytes: set DIB_BLOCK_SIZE to %s", s.sector, value)
		}
	case "device":
	case "label-id", "last-lba", "table-length":
		s.warnings = append(s.warnings, fmt.Sprintf("DIB_PARTITIONING_SFDISK_SCHEMA: %q has no effect", key))
	default:
		return fmt.Errorf("%q is neither a header (label, unit, first-lba, grain, sector-size) nor a partition", key)
	}
	return err
}

// sfdiskFields splits a partition's line into named fields: start, size, type,
// bootable, name, uuid, attrs.
func sfdiskFields(line string) (map[string]string, error) {
	fields := map[string]string{}
	if !strings.Contains(line, "=") && line != "bootable" {
		values := sfdiskSeparator.Split(strings.TrimRight(line, ",; \t"), -1)
		names := []string{"start", "size", "type", "bootable"}
		if len(values) > len(names) {
			return nil, fmt.Errorf("it has %d fields: a partition has start, size, type and * if it is bootable", len(values))
		}
		for i, v := range values {
			fields[names[i]] = v
		}
		if b := fields["bootable"]; b != "" && b != "*" && b != "-" {
			return nil, fmt.Errorf("%q is not * or -, which say whether a partition is bootable", b)
		}
		return fields, nil
	}
	for _, field := range sfdiskNamed.FindAllString(line, -1) {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.Trim(strings.TrimSpace(value), `"`)
		switch key {
		case "":
			continue
		case "id":
			key = "type"
		case "bootable":
			value = "*"
		case "start", "size", "type", "name", "uuid", "attrs":
		default:
			return nil, fmt.Errorf("%q is not a field of a partition: use start, size, type, bootable and name", key)
		}
		fields[key] = value
	}
	return fields, nil
}

var (
	// A comma or semicolon with blanks around it, or blanks alone.
	sfdiskSeparator = regexp.MustCompile(`[ \t]*[,;][ \t]*|[ \t]+`)
	sfdiskNamed     = regexp.MustCompile(`([^,;"]|"[^"]*")+`)
)

func (s *sfdisk) partition(fields map[string]string) error {
	if size := fields["size"]; size == "0" {
		s.empty = true
		return nil
	}
	if s.empty {
		return fmt.Errorf("it follows an empty entry, which would leave its number unused: move empty entries (size 0) to the end")
	}
	p := sfdiskPart{name: fields["name"], boot: fields["bootable"] == "*"}
	if p.name != "" && !sfdiskName.MatchString(p.name) {
		return fmt.Errorf("the name %q is not supported: use up to 36 letters, digits, dots, dashes and underscores", p.name)
	}
	for _, key := range []string{"uuid", "attrs"} {
		if fields[key] != "" {
			s.warnings = append(s.warnings, fmt.Sprintf("DIB_PARTITIONING_SFDISK_SCHEMA: partition %d: %q has no effect", len(s.parts)+1, key))
		}
	}
	var err error
	if p.kind, err = s.typeOf(fields["type"]); err != nil {
		return err
	}
	if err := s.extent(&p, fields["start"], fields["size"]); err != nil {
		return err
	}
	if s.kind == MBR && len(s.parts) == maxPrimaries {
		return fmt.Errorf("it is the fifth partition and a dos table holds %d: begin the script with %q", maxPrimaries, "label: gpt")
	}
	s.parts = append(s.parts, p)
	return nil
}

// extent finds where a partition begins and ends.
func (s *sfdisk) extent(p *sfdiskPart, start, size string) error {
	var err error
	if start == "" {
		p.start = roundUp(max(s.first, mib), s.grain)
		if n := len(s.parts); n > 0 {
			if p.start = s.parts[n-1].end; p.start == math.MaxInt64 {
				return fmt.Errorf("nothing is left after partition %d, which takes the rest of the disk", n)
			}
			p.start = roundUp(p.start, s.grain)
		}
	} else if p.start, err = s.number(start); err != nil {
		return fmt.Errorf("the start %w", err)
	}
	// A table and its copy: one sector of MBR; of GPT 34 sectors of 512 or 6 of 4096 bytes.
	if least := map[string]int64{MBR: 512, GPT: max(34*512, 6*s.sector)}[s.kind]; p.start < least {
		return fmt.Errorf("it begins at byte %d, where the partition table lies: begin at sector %d or later, best at %d", p.start, (least+s.sector-1)/s.sector, mib/s.sector)
	}
	p.end = math.MaxInt64
	if size != "" && size != "+" {
		bytes, err := s.number(size)
		if err != nil {
			return fmt.Errorf("the size %w", err)
		}
		if bytes <= 0 || bytes > math.MaxInt64-p.start-mib {
			return fmt.Errorf("the size %q is no size of a partition", size)
		}
		p.end = p.start + bytes
		if suffixed(size) {
			p.end = max((p.end+s.grain/2)/s.grain*s.grain, p.start+s.sector)
		}
	}
	for i, other := range s.parts {
		if p.start < other.end && other.start < p.end {
			return fmt.Errorf("it overlaps partition %d, which takes %s", i+1, other.where(s.sector))
		}
	}
	return nil
}

func (p sfdiskPart) where(sector int64) string {
	if p.end == math.MaxInt64 {
		return fmt.Sprintf("all from sector %d on", p.start/sector)
	}
	return fmt.Sprintf("the sectors %d to %d", p.start/sector, p.end/sector-1)
}

// suffixed tells whether a number counts bytes.
func suffixed(number string) bool { return strings.TrimRight(number, "0123456789") == number }

var sfdiskNumber = regexp.MustCompile(`^(\d{1,18})([KMGT]?)(iB|B)?$`)

// number reads sectors, or bytes with a suffix, in bytes.
func (s *sfdisk) number(text string) (int64, error) {
	m := sfdiskNumber.FindStringSubmatch(text)
	if m == nil || m[2] == "" && m[3] != "" {
		return 0, fmt.Errorf("%q is not a number of sectors, nor one with the suffix K, M, G or T", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number: %w", text, err)
	}
	unit := s.sector
	if m[2] != "" {
		base := int64(1024)
		if m[3] == "B" {
			base = 1000
		}
		unit = 1
		for range strings.Index("KMGT", m[2]) + 1 {
			unit *= base
		}
	}
	if n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is larger than any disk", text)
	}
	bytes := n * unit
	if m[2] != "" {
		bytes = (bytes + s.sector - 1) / s.sector * s.sector
	}
	return bytes, nil
}

// sfdiskTypes are sfdisk's letters and words, with the types of either table.
var sfdiskTypes = map[string]map[string]string{
	MBR: {"": "83", "L": "83", "linux": "83", "S": "82", "swap": "82", "U": "ef", "uefi": "ef", "R": "fd", "raid": "fd", "V": "8e", "lvm": "8e"},
	GPT: {"": "8300", "L": "8300", "linux": "8300", "S": "8200", "swap": "8200", "U": "EF00", "uefi": "EF00",
		"R": "FD00", "raid": "FD00", "V": "8E00", "lvm": "8E00", "H": "8302", "home": "8302"},
}

func (s *sfdisk) typeOf(word string) (string, error) {
	if kind, ok := sfdiskTypes[s.kind][word]; ok {
		return kind, nil
	}
	bare := strings.ToLower(strings.TrimPrefix(strings.ToLower(word), "0x"))
	if slices.Contains([]string{"e", "x", "extended", "5", "05", "f", "0f", "85"}, bare) && s.kind == MBR {
		return "", fmt.Errorf("extended and logical partitions are not supported: begin the script with %q", "label: gpt")
	}
	if s.kind == GPT {
		if guid := strings.ToUpper(word); guidPattern.MatchString(guid) {
			return guid, nil
		}
		return "", fmt.Errorf("%q is not a type of a gpt partition: write a GUID, or one of L, S, U, R, V, H", word)
	}
	if _, err := TypeByte(bare); err != nil {
		return "", fmt.Errorf("%q is not a type of a partition: write hexadecimal such as 83, or one of L, S, U, R, V", word)
	}
	return bare, nil
}

// layout gives one partition the root file system.
func (s *sfdisk) layout(root int, d Defaults) (*Layout, error) {
	var doc strings.Builder
	fmt.Fprintf(&doc, "- local_loop: {name: image0}\n- partitioning:\n    base: image0\n    label: %s\n    partitions:\n", s.kind)
	names := map[string]bool{}
	for i := range s.parts {
		p := &s.parts[i]
		switch {
		case p.name != "":
		case i == root:
			p.name = "root"
		default:
			p.name = fmt.Sprintf("part%d", i+1)
		}
		if names[p.name] {
			return nil, fmt.Errorf("two partitions have the name %q", p.name)
		}
		names[p.name] = true
		flags := ""
		if s.kind == MBR {
			flags = ", flags: [primary]"
		}
		fmt.Fprintf(&doc, "    - {name: %q, size: 1MiB, type: %q%s}\n", p.name, p.kind, flags)
		if i != root {
			s.warnings = append(s.warnings, fmt.Sprintf("DIB_PARTITIONING_SFDISK_SCHEMA: partition %d stays empty: partition %d gets the root file system", i+1, root+1))
		}
	}
	fmt.Fprintf(&doc, "- mkfs: {name: %s, base: %q}\n- mount: {name: mount_%[1]s, base: %[1]s, mount_point: /}\n"+
		"- fstab: {base: mount_%[1]s, options: defaults, fsck-passno: 1}\n", rootNode, s.parts[root].name)
	l, err := Parse([]byte(doc.String()), d)
	if err != nil {
		return nil, err
	}
	for i, p := range s.parts {
		t := &l.Table.Partitions[i]
		t.Start, t.Boot, t.Size = p.start, p.boot, Amount{Bytes: p.end - p.start}
		if p.end == math.MaxInt64 {
			t.Size = Amount{Percent: 100}
		}
	}
	l.Warnings = append(l.Warnings, s.warnings...)
	return l, nil
}
