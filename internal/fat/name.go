// SPDX-License-Identifier: MPL-2.0

package fat

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// slot is the size of a directory entry.
const slot = 32

// Attributes of a directory entry.
const (
	attrVolume    = 0x08
	attrDirectory = 0x10
	attrArchive   = 0x20
	attrLongName  = 0x0f
)

// namer gives the names of one directory.
type namer struct {
	short map[string]bool // taken short names
	long  map[string]bool // taken long names, in upper case
}

func newNamer() *namer { return &namer{short: map[string]bool{}, long: map[string]bool{}} }

// name returns the 11 bytes of a short name and the UTF-16 units of a long
// name, which are nil when the short name says it all.
func (n *namer) name(name string) ([11]byte, []uint16, error) {
	units := utf16.Encode([]rune(name))
	if err := checkLongName(name, units); err != nil {
		return [11]byte{}, nil, err
	}
	if upper := strings.ToUpper(name); n.long[upper] {
		return [11]byte{}, nil, fmt.Errorf("another entry has the name %q but for upper and lower case, which FAT does not tell apart", name)
	} else {
		n.long[upper] = true
	}
	short, exact := shorten(name)
	if exact && !n.short[string(short[:])] {
		n.short[string(short[:])] = true
		return short, nil, nil
	}
	short, err := n.number(short)
	return short, units, err
}

// number makes a short name unique by a numeric tail.
func (n *namer) number(short [11]byte) ([11]byte, error) {
	base := strings.TrimRight(string(short[:8]), " ")
	for i := 1; i < 1000000; i++ {
		tail := fmt.Sprintf("~%d", i)
		candidate := short
		copy(candidate[:8], fmt.Sprintf("%-8s", base[:min(len(base), 8-len(tail))]+tail))
		if !n.short[string(candidate[:])] {
			n.short[string(candidate[:])] = true
			return candidate, nil
		}
	}
	return short, fmt.Errorf("there are too many names like %q in one directory", base)
}

func checkLongName(name string, units []uint16) error {
	const most = 255
	switch {
	case len(units) > most:
		return fmt.Errorf("the name %q is longer than the %d characters FAT allows", name, most)
	case strings.ContainsAny(name, `"*/:<>?\|`), strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '\ufffd' }):
		return fmt.Errorf("the name %q has a character that FAT does not allow", name)
	case strings.HasSuffix(name, "."), strings.HasSuffix(name, " "):
		return fmt.Errorf("the name %q ends with a dot or a space, which FAT does not allow", name)
	}
	return nil
}

// shorten makes the 8.3 form of a name, and tells whether it is the name itself.
func shorten(name string) (short [11]byte, exact bool) {
	base, ext := strings.TrimLeft(name, "."), ""
	if i := strings.LastIndexByte(base, '.'); i > 0 {
		base, ext = base[:i], base[i+1:]
	}
	b, e := plain(base), plain(ext)
	if b == "" {
		b = "_"
	}
	copy(short[:], fmt.Sprintf("%-8s%-3s", b[:min(len(b), 8)], e[:min(len(e), 3)]))
	whole := b
	if e != "" {
		whole += "." + e
	}
	return short, whole == name && len(b) <= 8 && len(e) <= 3
}

// plain keeps what a short name may have, in upper case.
func plain(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == ' ' || r == '.':
		case r >= 'a' && r <= 'z':
			out.WriteRune(r - 'a' + 'A')
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r < 0x80 && strings.ContainsRune("!#$%&'()-@^_`{}~", r):
			out.WriteRune(r)
		default:
			out.WriteByte('_')
		}
	}
	return out.String()
}

// longSlots is how many entries precede the short one.
func longSlots(units []uint16) int { return (len(units) + 12) / 13 }

// appendLong appends the entries of a long name, last part first.
func appendLong(dir []byte, units []uint16, short [11]byte) []byte {
	sum := byte(0)
	for _, b := range short {
		sum = sum>>1 | sum<<7
		sum += b
	}
	count := longSlots(units)
	for part := count; part > 0; part-- {
		e := make([]byte, slot)
		e[0] = byte(part)
		if part == count {
			e[0] |= 0x40
		}
		e[11], e[13] = attrLongName, sum
		for i := range 13 {
			unit := uint16(0xffff)
			switch at := (part-1)*13 + i; {
			case at < len(units):
				unit = units[at]
			case at == len(units):
				unit = 0
			}
			binary.LittleEndian.PutUint16(e[longOffset(i):], unit)
		}
		dir = append(dir, e...)
	}
	return dir
}

// longOffset is where the i-th of 13 characters stands in an entry.
func longOffset(i int) int {
	switch {
	case i < 5:
		return 1 + 2*i
	case i < 11:
		return 14 + 2*(i-5)
	}
	return 28 + 2*(i-11)
}

// appendShort appends a short entry.
func appendShort(dir []byte, name [11]byte, attr byte, cluster, size uint32, t time.Time) []byte {
	e := make([]byte, slot)
	copy(e, name[:])
	e[11] = attr
	date, clock := dosTime(t)
	for _, at := range []int{16, 18, 24} { // created, accessed, written
		binary.LittleEndian.PutUint16(e[at:], date)
	}
	binary.LittleEndian.PutUint16(e[14:], clock)
	binary.LittleEndian.PutUint16(e[22:], clock)
	binary.LittleEndian.PutUint16(e[20:], uint16(cluster>>16))
	binary.LittleEndian.PutUint16(e[26:], uint16(cluster))
	binary.LittleEndian.PutUint32(e[28:], size)
	return append(dir, e...)
}

// dosTime is a time in UTC, moved into the years that FAT knows.
func dosTime(t time.Time) (date, clock uint16) {
	t = t.UTC()
	if first := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC); t.Before(first) {
		t = first
	}
	if last := time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC); t.After(last) {
		t = last
	}
	return uint16(t.Year()-1980)<<9 | uint16(t.Month())<<5 | uint16(t.Day()),
		uint16(t.Hour())<<11 | uint16(t.Minute())<<5 | uint16(t.Second()/2)
}
