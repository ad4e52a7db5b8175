// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"errors"
	"strings"
	"testing"
)

const partitioned = `- local_loop: {name: image0}
- partitioning:
    base: image0
    label: gpt
    partitions:
      - {name: root, size: 100%}
- mkfs: {base: root, type: ext4, label: l}
- mount: {base: mkfs_root, mount_point: /}
`

func TestErrorsNameNodeAndKey(t *testing.T) {
	cases := []struct {
		name, old, new string
		words          []string
	}{
		{"not a list", partitioned, "a: b", []string{"must be a list"}},
		{"not yaml", partitioned, "\t[", []string{"not YAML"}},
		{"empty", partitioned, "", []string{"empty"}},
		{"plugin", "- mount:", "- mont:", []string{"line 8", `"mont"`, "not a plugin"}},
		{"two keys", "- local_loop: {name: image0}", "- {local_loop: {name: image0}, mkfs: {}}", []string{"exactly one key"}},
		{"no name", "{base: root, type", "{type", []string{"mkfs", `"name"`, "neither a name nor a base"}},
		{"disk name", "name: image0", "name: disk0", []string{"local_loop", `"disk0"`, `"image0"`}},
		{"label", "label: gpt", "label: bsd", []string{`partitioning "partitioning_image0"`, `"label"`, `"bsd"`}},
		{"sector", "name: image0}", "name: image0, block_size: 1024}", []string{`"block_size"`, "512 or 4096"}},
		{"no size", ", size: 100%", "", []string{`partition "root"`, `"size"`, "required"}},
		{"bad size", "100%", "100x", []string{`partition "root"`, `"size"`, "unknown unit"}},
		{"bad share", "100%", "0%", []string{`partition "root"`, `"size"`, "share"}},
		{"gpt type", "size: 100%", "size: 100%, type: zz", []string{`partition "root"`, `"type"`, "EF00"}},
		{"primary on gpt", "size: 100%", "size: 100%, flags: [primary]", []string{`"flags"`, "gpt knows no primary"}},
		{"flag", "size: 100%", "size: 100%, flags: [bott]", []string{`"flags"`, `"bott"`}},
		{"logical", "label: gpt", "label: mbr", []string{`partition "root"`, "logical partitions are not supported yet"}},
		{"lvm", "- mkfs:", "- lvm: {name: lvm, base: root}\n- mkfs:", []string{`lvm "lvm"`, "not supported yet"}},
		{"fs type", "type: ext4", "type: etx4", []string{`mkfs "mkfs_root"`, `"type"`, `did you mean "ext4"?`}},
		{"fs label", "label: l}", "label: seventeen-letters}", []string{`mkfs "mkfs_root"`, `"label"`, "17 bytes, at most 16"}},
		{"uuid", "label: l}", "label: l, uuid: 12}", []string{`"uuid"`, "not a UUID"}},
		{"fs base", "{base: root, type", "{name: mkfs_root, base: roof, type", []string{`"base"`, `"roof"`}},
		{"mount base", "{base: mkfs_root,", "{base: mkfs_x,", []string{`mount "mount_mkfs_x"`, `"base"`}},
		{"relative mount", "mount_point: /", "mount_point: boot", []string{`mount "mount_mkfs_root"`, `"mount_point"`, "absolute"}},
		{"no root", "mount_point: /", "mount_point: /boot", []string{"mounts nothing at /"}},
		{"swap root", "type: ext4", "type: swap", []string{"cannot be swap"}},
		{"duplicate node", "- mount:", "- mkfs: {name: root, base: image0, type: ext4}\n- mount:", []string{`mkfs "root"`, "taken already by the partition in line 6"}},
		{"fstab base", "- mount:", "- fstab: {base: nothing}\n- mount:", []string{`fstab "fstab_nothing"`, `"nothing"`}},
		{"alias in its anchor", "- mkfs: {", "- mkfs: &a {mount: *a, ", []string{"line 7", "does an anchor"}},
		{"fstab number", "- mount:", "- fstab: {base: mount_mkfs_root, fsck-passno: x}\n- mount:", []string{`"fsck-passno"`, `"x"`}},
	}
	for _, tc := range cases {
		doc := strings.Replace(partitioned, tc.old, tc.new, 1)
		if doc == partitioned {
			t.Fatalf("%s: nothing replaced", tc.name)
		}
		_, err := Parse([]byte(doc), Defaults{})
		if err == nil {
			t.Errorf("%s: accepted", tc.name)
			continue
		}
		for _, w := range tc.words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not in: %v", tc.name, w, err)
			}
		}
	}
}

// The parser itself tells the line before.
func TestSyntaxErrorsNameTheirLine(t *testing.T) {
	for doc, line := range map[string]string{
		"- local_loop:\n   name: image0\n  - x: ]": "line 3",
		"- local_loop: { name: image0 \n\n":        "line 1",
		"- a: b: c\n- mkfs: {}\n":                  "line 1",
	} {
		if _, err := Parse([]byte(doc), Defaults{}); err == nil || !strings.Contains(err.Error(), line+": this is not YAML") {
			t.Errorf("%q: %v, want %s", doc, err, line)
		}
	}
}

func TestNothingFollowsTheWholeOfTheSpace(t *testing.T) {
	doc := strings.Replace(partitioned, "{name: root, size: 100%}", "{name: root, size: 100%}\n      - {name: b, size: 5MiB}", 1)
	if _, err := Parse([]byte(doc), Defaults{}); err == nil || !strings.Contains(err.Error(), `partition "b", key "size": nothing is left after "root"`) {
		t.Errorf("got %v", err)
	}
}

func TestRootLabelIsToldFromTheDocuments(t *testing.T) {
	_, err := Fallback(Defaults{RootLabel: "seventeen-letters"})
	if wrong := (*RootLabelError)(nil); !errors.As(err, &wrong) {
		t.Errorf("%T %v", err, err)
	}
	_, err = Parse([]byte(strings.Replace(partitioned, "label: l}", "label: seventeen-letters}", 1)), Defaults{RootLabel: "seventeen-letters"})
	if wrong := (*RootLabelError)(nil); err == nil || errors.As(err, &wrong) {
		t.Errorf("%T %v", err, err)
	}
}

func TestDuplicatesBetweenFileSystems(t *testing.T) {
	doc := strings.Replace(partitioned, "{name: root, size: 100%}", "{name: root, size: 50%}\n      - {name: b, size: 100%}", 1)
	for _, tc := range []struct{ add, words string }{
		{"- mkfs: {base: b, type: ext4, label: l}", `the label "l" is used already by "mkfs_root"`},
		{"- mkfs: {base: b, type: ext4}\n- mount: {base: mkfs_b, mount_point: /}", `/ is used already by "mount_mkfs_root"`},
		{"- mkfs: {base: b, type: ext4}\n- mount: {name: m2, base: mkfs_root, mount_point: /b}", "mounted already"},
		{"- mkfs: {name: again, base: root, type: ext4}", `already carries the file system "mkfs_root"`},
	} {
		_, err := Parse([]byte(doc+tc.add+"\n"), Defaults{})
		if err == nil || !strings.Contains(err.Error(), tc.words) {
			t.Errorf("%s: got %v", tc.add, err)
		}
	}
}

func TestFivePrimariesAreRefused(t *testing.T) {
	doc := strings.Replace(partitioned, "gpt", "mbr", 1)
	list := strings.Repeat("      - {name: NAME, size: 10MiB, flags: [primary]}\n", 5)
	for _, n := range []string{"a", "b", "c", "d", "root"} {
		list = strings.Replace(list, "NAME", n, 1)
	}
	doc = strings.Replace(doc, "      - {name: root, size: 100%}\n", list, 1)
	if _, err := Parse([]byte(doc), Defaults{}); err == nil || !strings.Contains(err.Error(), "holds 4 primary") {
		t.Errorf("got %v", err)
	}
}

func TestKeysWithoutEffectAreWarnedOf(t *testing.T) {
	l, err := Parse([]byte(strings.Replace(partitioned, "label: l}", "label: l, colour: red}", 1)), Defaults{})
	if err != nil || len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], `"colour"`) {
		t.Errorf("%v %q", err, l.Warnings)
	}
}

func TestTextIsNotTyped(t *testing.T) {
	// YAML would read 0700 as 448 and 8300 as a number.
	for code, guid := range map[string]string{
		"0700": "EBD0A0A2", "8300": "0FC63DAF", "ef02": "21686148", "0xEF00": "C12A7328",
		"0fc63daf-8483-4772-8e79-3d69d8477de4": "0FC63DAF",
	} {
		l, err := Parse([]byte(strings.Replace(partitioned, "size: 100%", "size: 100%, type: "+code, 1)), Defaults{})
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		if got, err := TypeGUID(l.Table.Partitions[0].Type); err != nil || !strings.HasPrefix(got, guid) {
			t.Errorf("%s: %s %v", code, got, err)
		}
	}
	for text, want := range map[string]byte{"0x83": 0x83, "83": 0x83, "0xEf": 0xef, "0": 0, "1ff": 0} {
		if got, err := TypeByte(text); got != want || (err != nil) != (want == 0) {
			t.Errorf("%s: %x %v", text, got, err)
		}
	}
}
