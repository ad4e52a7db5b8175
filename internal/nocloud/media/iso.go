// SPDX-License-Identifier: MPL-2.0

package media

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// An ISO 9660 volume (ECMA-119) with one directory, written from front to back:
// descriptors, path tables, the directory as ISO 9660 with Rock Ridge has it and
// again as Joliet has it, files.
const (
	sector = 2048

	primaryAt    = 16 // sectors before are for boot loaders and stay empty
	pathTablesAt = 19 // after three descriptors; little and big endian, primary and Joliet
	rootAt       = 23

	// whole is what readers fetch at once, in sectors: a volume ends with a whole one.
	whole = 32
)

// isoVolume says where everything lies, in sectors.
type isoVolume struct {
	time  time.Time
	files []isoFile

	continuation, jolietRoot, end uint32
	root, joliet                  []byte // the directories
}

type isoFile struct {
	nocloud.File
	id    string // its name in ISO 9660, such as USER_DAT.;1
	start uint32
}

// WriteISO writes a volume labelled cidata with the files of a seed, which Linux
// sees by Rock Ridge and others by Joliet. All times in it are when.
func WriteISO(w io.Writer, files []nocloud.File, when time.Time) error {
	if err := checkFiles(files); err != nil {
		return err
	}
	v := newVolume(files, clamp(when))
	out := &sectorWriter{w: w}
	out.skip(primaryAt)
	out.write(v.descriptor(false))
	out.write(v.descriptor(true))
	out.write([]byte("\xffCD001\x01"))
	for _, root := range []uint32{rootAt, v.jolietRoot} {
		out.write(pathTable(both32(root)[:4], both16(1)[:2]))
		out.write(pathTable(both32(root)[4:], both16(1)[2:]))
	}
	out.write(v.root)
	out.write(rockRidgeReference)
	out.write(v.joliet)
	for _, f := range v.files {
		out.write(f.Content)
	}
	out.skip(int(v.end) - out.written)
	return out.err
}

// sectorWriter fills each thing written up to whole sectors and keeps the first error.
type sectorWriter struct {
	w       io.Writer
	written int // sectors
	err     error
}

func (s *sectorWriter) write(b []byte) {
	s.written += int(sectors(len(b)))
	if s.err == nil && len(b) > 0 {
		_, s.err = s.w.Write(b)
	}
	if rest := len(b) % sector; s.err == nil && rest > 0 {
		_, s.err = s.w.Write(make([]byte, sector-rest))
	}
}

func (s *sectorWriter) skip(sectors int) {
	for range sectors {
		s.write(make([]byte, sector))
	}
}

func sectors(bytes int) uint32 { return uint32((bytes + sector - 1) / sector) }

// newVolume places everything. The directories' sizes do not depend on places,
// so they are made twice: to be measured, and with the places in them.
func newVolume(files []nocloud.File, when time.Time) *isoVolume {
	v := &isoVolume{time: when}
	taken := map[string]bool{}
	for _, f := range files {
		v.files = append(v.files, isoFile{File: f, id: isoName(f.Name, taken)})
	}
	slices.SortFunc(v.files, func(a, b isoFile) int { return cmp.Compare(a.id, b.id) })
	v.root, v.joliet = v.rockRidgeDirectory(), v.jolietDirectory()
	v.continuation = rootAt + sectors(len(v.root))
	v.jolietRoot = v.continuation + 1
	v.end = v.jolietRoot + sectors(len(v.joliet))
	for i := range v.files {
		v.files[i].start = v.end
		v.end += sectors(len(v.files[i].Content))
	}
	v.end = (v.end + whole - 1) / whole * whole
	v.root, v.joliet = v.rockRidgeDirectory(), v.jolietDirectory()
	return v
}

// isoName is a name of eight and three characters of a small alphabet, made
// different from those that are taken.
func isoName(name string, taken map[string]bool) string {
	base, extension := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		base, extension = name[:i], name[i+1:]
	}
	base, extension = isoCharacters(base, 8), isoCharacters(extension, 3)
	id := base + "." + extension
	for n := 1; taken[id]; n++ {
		tail := fmt.Sprint(n)
		id = base[:min(len(base), 8-len(tail))] + tail + "." + extension
	}
	taken[id] = true
	return id + ";1"
}

func isoCharacters(text string, most int) string {
	upper := []byte(strings.ToUpper(text[:min(len(text), most)]))
	for i, c := range upper {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			upper[i] = '_'
		}
	}
	return string(upper)
}

// descriptor is the primary volume descriptor, or Joliet's supplementary one.
func (v *isoVolume) descriptor(joliet bool) []byte {
	kind, text, escape := byte(1), padded, ""
	root, directory, tables := uint32(rootAt), v.root, uint32(pathTablesAt)
	if joliet {
		kind, text, escape = 2, paddedWide, "%/E"
		root, directory, tables = v.jolietRoot, v.joliet, pathTablesAt+2
	}
	var b bytes.Buffer
	b.WriteByte(kind)
	b.WriteString("CD001\x01\x00")
	b.Write(text("", 32))
	b.Write(text(LabelISO, 32))
	b.Write(make([]byte, 8))
	b.Write(both32(v.end))
	b.WriteString(escape)
	b.Write(make([]byte, 32-len(escape)))
	b.Write(both16(1)) // discs of the set
	b.Write(both16(1)) // this one's number
	b.Write(both16(sector))
	b.Write(both32(pathTableBytes))
	b.Write(both32(tables)[:4])
	b.Write(make([]byte, 4))
	b.Write(both32(tables + 1)[4:])
	b.Write(make([]byte, 4))
	b.Write(v.record("\x00", root, len(directory), true, nil))
	for range 4 { // set, publisher, preparer, application
		b.Write(text("", 128))
	}
	for range 3 { // copyright, abstract, bibliography
		b.Write(text("", 37))
	}
	stamp := v.time.Format("20060102150405") + "00\x00"
	unset := strings.Repeat("0", 16) + "\x00"
	b.WriteString(stamp + stamp + unset + stamp) // made, changed, expires, valid from
	b.WriteByte(1)
	return b.Bytes()
}

const pathTableBytes = 10

// pathTable has one entry, the root, which is its own parent. root and parent
// (1) come in the table's order of bytes.
func pathTable(root, parent []byte) []byte {
	return slices.Concat([]byte{1, 0}, root, parent, []byte{0, 0})
}

// record is an entry of a directory. extra are Rock Ridge's fields.
func (v *isoVolume) record(id string, start uint32, size int, directory bool, extra []byte) []byte {
	flags := byte(0)
	if directory {
		flags = 2
	}
	b := []byte{0, 0}
	b = append(b, both32(start)...)
	b = append(b, both32(uint32(size))...)
	b = append(b, v.stamp()...)
	b = append(b, flags, 0, 0)
	b = append(b, both16(1)...)
	b = append(b, byte(len(id)))
	b = append(b, id...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	b = append(b, extra...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	b[0] = byte(len(b))
	return b
}

// stamp is a time in seven bytes, in UTC.
func (v *isoVolume) stamp() []byte {
	t := v.time
	return []byte{byte(t.Year() - 1900), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()), 0}
}

// directory puts records into sectors, none of them across a border.
func directory(records [][]byte) []byte {
	var b []byte
	for _, r := range records {
		if room := sector - len(b)%sector; len(r) > room {
			b = append(b, make([]byte, room)...)
		}
		b = append(b, r...)
	}
	if rest := len(b) % sector; rest > 0 {
		b = append(b, make([]byte, sector-rest)...)
	}
	return b
}

func (v *isoVolume) jolietDirectory() []byte {
	size := len(v.joliet)
	records := [][]byte{
		v.record("\x00", v.jolietRoot, size, true, nil),
		v.record("\x01", v.jolietRoot, size, true, nil),
	}
	files := slices.SortedFunc(slices.Values(v.files), func(a, b isoFile) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range files {
		records = append(records, v.record(string(wide(f.Name)), f.start, len(f.Content), false, nil))
	}
	return directory(records)
}
