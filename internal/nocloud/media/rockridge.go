// SPDX-License-Identifier: MPL-2.0

package media

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"slices"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// Rock Ridge gives names as they are, modes and owners: fields of two letters,
// their length and a version, behind a directory record's name.

const (
	posixDirectory = 0o040000
	posixFile      = 0o100000
)

// rockRidgeReference says, in a sector of its own since a record has no room for
// it, by which standard the fields are to be read. The texts are the standard's.
var rockRidgeReference = func() []byte {
	const (
		id     = "RRIP_1991A"
		about  = "THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS"
		source = "PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION."
	)
	return susp("ER", slices.Concat([]byte{byte(len(id)), byte(len(about)), byte(len(source)), 1}, []byte(id+about+source)))
}()

func susp(name string, content []byte) []byte {
	return slices.Concat([]byte(name), []byte{byte(4 + len(content)), 1}, content)
}

func (v *isoVolume) rockRidgeDirectory() []byte {
	size := len(v.root)
	self := slices.Concat(
		susp("SP", []byte{0xbe, 0xef, 0}),
		posix(posixDirectory, nocloud.DirMode, 2), v.times(),
		susp("CE", slices.Concat(both32(v.continuation), both32(0), both32(uint32(len(rockRidgeReference))))),
	)
	parent := slices.Concat(posix(posixDirectory, nocloud.DirMode, 2), v.times())
	records := [][]byte{
		v.record("\x00", rootAt, size, true, self),
		v.record("\x01", rootAt, size, true, parent),
	}
	for _, f := range v.files {
		name := susp("NM", append([]byte{0}, f.Name...))
		records = append(records, v.record(f.id, f.start, len(f.Content), false,
			slices.Concat(posix(posixFile, nocloud.FileMode, 1), v.times(), name)))
	}
	return directory(records)
}

// posix is mode, number of links, and root as owner and group.
func posix(kind uint32, mode fs.FileMode, links uint32) []byte {
	return susp("PX", slices.Concat(both32(kind|uint32(mode.Perm())), both32(links), both32(0), both32(0)))
}

// times are those of the last change, access and change of attributes.
func (v *isoVolume) times() []byte {
	return susp("TF", slices.Concat([]byte{0x0e}, v.stamp(), v.stamp(), v.stamp()))
}

// both16 and both32 write a number little endian and then big endian.
func both16(n uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, n), n)
}

func both32(n uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, n), n)
}

// padded fills a text with blanks.
func padded(text string, size int) []byte { return fmt.Appendf(nil, "%-*s", size, text) }

// paddedWide is padded in UCS-2; an odd last byte is NUL.
func paddedWide(text string, size int) []byte {
	b := wide(string(padded(text, size/2)))
	return append(b, make([]byte, size-len(b))...)
}

// wide is an ASCII text in UCS-2, big endian.
func wide(text string) []byte {
	var b []byte
	for _, c := range []byte(text) {
		b = append(b, 0, c)
	}
	return b
}
