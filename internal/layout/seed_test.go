// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"strings"
	"testing"
)

func TestInsertSeed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ document, want string }{
		"gpt": {`
- local_loop: {name: image0}
- partitioning:
    base: image0
    label: gpt
    partitions:
      - {name: ESP, type: EF00, size: 8MiB, mkfs: {type: vfat, mount: {mount_point: /boot/efi}}}
      - {name: root, size: 100%, mkfs: {name: mkfs_root, type: ext4, mount: {mount_point: /}}}
`, "ESP cidata:0700:8388608 root"},
		"mbr, root first": {`
- local_loop: {name: image0}
- partitioning:
    base: image0
    label: mbr
    partitions:
      - {name: root, size: 80%, flags: [primary], mkfs: {name: mkfs_root, type: ext4, mount: {mount_point: /}}}
      - {name: data, size: 100%, flags: [primary], mkfs: {type: ext4, mount: {mount_point: /data}}}
`, "cidata:0E:8388608 root data"},
		"large sectors": {`
- local_loop: {name: image0, block_size: 4096}
- partitioning:
    base: image0
    label: gpt
    partitions:
      - {name: root, size: 100%, mkfs: {name: mkfs_root, type: ext4, mount: {mount_point: /}}}
`, "cidata:0700:272629760 root"},
	} {
		l, err := Parse([]byte(tc.document), Defaults{})
		if err != nil {
			t.Fatal(name, err)
		}
		if err := l.InsertSeed("CIDATA", 8<<20-5); err != nil {
			t.Fatal(name, err)
		}
		var got []string
		for _, p := range l.Table.Partitions {
			text := p.Name
			if p.Name == SeedNode {
				text += ":" + p.Type + ":" + p.Size.String()
			}
			got = append(got, text)
		}
		if text := strings.Join(got, " "); text != tc.want {
			t.Errorf("%s: %s, want %s", name, text, tc.want)
		}
		placed, err := l.Place(2 << 30)
		if err != nil {
			t.Fatal(name, err)
		}
		if fs, ok := l.FileSystem(SeedVolume); !ok || fs.Label != "CIDATA" || placed.Extent(fs.Base).Bytes == 0 {
			t.Errorf("%s: %+v at %+v", name, fs, placed.Extent(fs.Base))
		}
		if err := l.InsertSeed("CIDATA", 1); err == nil || !strings.Contains(err.Error(), `the name "cidata" already`) {
			t.Errorf("%s: a second one: %v", name, err)
		}
	}
}

func TestInsertSeedRefuses(t *testing.T) {
	t.Parallel()
	whole, err := Fallback(Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := ParseSfdisk("2048,300000,L,*\n", "amd64", Defaults{RootFS: "ext4"})
	if err != nil {
		t.Fatal(err)
	}
	four, err := Parse([]byte(`
- local_loop: {name: image0}
- partitioning:
    base: image0
    label: mbr
    partitions:
      - {name: a, size: 10MiB, flags: [primary]}
      - {name: b, size: 10MiB, flags: [primary]}
      - {name: c, size: 10MiB, flags: [primary]}
      - {name: root, size: 100%, flags: [primary], mkfs: {name: mkfs_root, type: ext4, mount: {mount_point: /}}}
`), Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	for want, l := range map[string]*Layout{"no partition table": whole, "where each partition is": fixed, "all are taken: use gpt": four} {
		if err := l.InsertSeed("CIDATA", 1<<20); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
