// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is taken for a layout says the same after JSON, has an fstab that fits
// its mounts, and lies on a disk within it and without overlaps.
func FuzzParse(f *testing.F) {
	for _, doc := range fuzzLayouts {
		f.Add([]byte(doc), int64(4<<30))
	}
	f.Fuzz(func(t *testing.T, doc []byte, bytes int64) {
		l, err := Parse(doc, Defaults{RootLabel: "root"})
		if err != nil {
			if l, other := Parse(doc, Defaults{RootLabel: "root"}); l != nil && other == nil || other.Error() != err.Error() {
				t.Errorf("first %v, then %v", err, other)
			}
			return
		}
		checkJSON(t, l)
		checkFstab(t, l)
		if bytes %= 1 << 50; bytes > 0 {
			checkPlaces(t, l, bytes/l.SectorSize*l.SectorSize)
		}
		size, err := ComputeSize(SizeRequest{Layout: l, UsedKiB: 300 << 10, Inodes: 10_000})
		if err == nil {
			checkPlaces(t, l, size.Bytes)
		}
	})
}

// fuzzLayouts begin the fuzzing of Parse.
var fuzzLayouts = []string{
	"- local_loop: {name: image0, mkfs: {name: mkfs_root, mount: {mount_point: /, fstab: {fsck-passno: 1}}}}",
	`
- local_loop: {name: image0, size: 3GiB, block_size: 4096}
- partitioning:
    base: image0
    label: gpt
    partitions:
      - name: ESP
        type: 'EF00'
        size: 550MiB
        mkfs: {type: vfat, label: esp, mount: {mount_point: /boot/efi, fstab: {options: "defaults,ro"}}}
      - {name: BSP, type: 'EF02', size: 8MiB}
      - name: root
        type: 8300
        size: 100%
        mkfs: {name: mkfs_root, type: ext4, opts: [-i, 4096], uuid: 00000000-0000-0000-0000-000000000001, mount: {mount_point: /}}
`,
	`
- local_loop: {name: image0}
- partitioning:
    base: image0
    label: mbr
    align: 4096
    partitions:
      - {name: swap, flags: [primary], size: 20%, type: 0x82, mkfs: {type: swap, mount: {mount_point: none, fstab: {}}}}
      - {name: root, flags: [boot, primary], size: 50%}
- mkfs: {base: root, name: mkfs_root, type: xfs}
- mount: {base: mkfs_root, name: m, mount_point: /}
- fstab: {base: m, name: f, options: noatime, dump-freq: 1, fsck-passno: 1}
`,
	"- local_loop: &a {name: image0, mkfs: *a}",
	"- &a local_loop: {name: image0}\n- *a",
	"- mkfs: &m {name: x, base: image0, mount: {mount_point: /, name: q, mkfs: *m}}",
	"[]", "a: b", "- lvm: {name: x}", "- {local_loop: ~}",
}

func checkJSON(t *testing.T, l *Layout) {
	t.Helper()
	doc, err := json.Marshal(l)
	var again Layout
	if err == nil {
		err = json.Unmarshal(doc, &again)
	}
	if diff := cmp.Diff(l, &again); err != nil || diff != "" && !strings.Contains(string(doc), `\ufffd`) {
		t.Errorf("%s: %v %s", doc, err, diff)
	}
}

func checkFstab(t *testing.T, l *Layout) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(l.Fstab(), "\n"), "\n")
	if len(l.FstabNodes) == 0 {
		lines = lines[1:]
	}
	if len(lines) != len(l.FstabNodes) {
		t.Errorf("%d lines of fstab for %d nodes: %q", len(lines), len(l.FstabNodes), lines)
	}
	for _, line := range lines {
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(fields) != 6 || !strings.HasPrefix(fields[0], "LABEL=") || strings.Contains(line, "#") {
			t.Errorf("the line %q", line)
		}
	}
	if l.Root().Name == "" || len(strings.Split(l.Variables()["DIB_MOUNTPOINTS"], "|")) != len(l.Mounts) {
		t.Errorf("mounts %+v, variables %v", l.Mounts, l.Variables())
	}
}

func checkPlaces(t *testing.T, l *Layout, bytes int64) {
	t.Helper()
	p, err := l.Place(bytes)
	var space *SpaceError
	if errors.As(err, &space) && space.Missing <= 0 {
		t.Errorf("%d bytes are missing on %d: %v", space.Missing, bytes, err)
	}
	if err != nil {
		return
	}
	end := int64(0)
	for i, e := range p.Partitions {
		if e.Start < max(end, 512) || e.Bytes <= 0 || e.Start+e.Bytes > bytes || e.Start+e.Bytes < e.Start ||
			e.Start%512 != 0 || e.Bytes%512 != 0 || e.Number != i+1 {
			t.Errorf("on %d bytes: %+v", bytes, p.Partitions)
		}
		end = e.Start + e.Bytes
	}
}

// Sizes are what exact arithmetic makes of them, rounded down.
func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{"10G", "1.5 GiB", "550MiB", "", ".", "1..2", "9223372036854775807", "9e9", "0x10", "8388607.9999TiB", ".5k", "٣"} {
		f.Add(seed)
	}
	scale := map[string]int64{"": 1, "b": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40}
	plain := regexp.MustCompile(`^([0-9]*\.?[0-9]*) ?([a-z]*)$`)
	f.Fuzz(func(t *testing.T, text string) {
		bytes, err := ParseSize(text)
		if a, other := parseAmount(text); (other == nil) != (err == nil && bytes > 0) && !strings.HasSuffix(strings.TrimSpace(text), "%") {
			t.Errorf("%q: %v, %v; as an amount %v, %v", text, bytes, err, a, other)
		} else if other == nil && (a.of(1000) < 0 || a.Percent > 0 && a.of(1000) > 1000) {
			t.Errorf("%q of 1000 is %d", text, a.of(1000))
		}
		if err != nil {
			return
		}
		m := plain.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text)))
		if m == nil || bytes < 0 {
			t.Fatalf("%q is taken for %d bytes", text, bytes)
		}
		if m[1] == "" {
			m[1] = "1"
		}
		number, ok := new(big.Rat).SetString(m[1])
		unit := scale[m[2]] | scale[strings.TrimSuffix(m[2], "b")]
		if !ok || unit == 0 {
			t.Fatalf("%q is taken for %d bytes", text, bytes)
		}
		// The arithmetic is that of floating point: 53 bits are right.
		exact, _ := number.Mul(number, new(big.Rat).SetInt64(unit)).Float64()
		if off := exact - float64(bytes); off < -exact/(1<<51)-1 || off > exact/(1<<51)+1 {
			t.Errorf("%q is %d bytes, not %f", text, bytes, exact)
		}
	})
}

// A type of a partition that is taken is the hexadecimal number, or the GUID, it
// looks like.
func FuzzPartitionType(f *testing.F) {
	for _, seed := range []string{"83", "0x83", "0xEF", "", "0x", "+1", "1_0", "ef00", "0X8300", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"} {
		f.Add(seed)
	}
	digits := regexp.MustCompile(`^(0[xX])?0*[0-9a-fA-F]{1,2}$`)
	f.Fuzz(func(t *testing.T, text string) {
		if b, err := TypeByte(text); err == nil && (b == 0 || !digits.MatchString(text)) {
			t.Errorf("%q is taken for %#x", text, b)
		}
		guid, err := TypeGUID(text)
		if err != nil {
			return
		}
		if again, err := TypeGUID(guid); err != nil || again != guid {
			t.Errorf("%q is taken for %q, that for %q (%v)", text, guid, again, err)
		}
	})
}
