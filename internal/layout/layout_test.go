// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T, file string, d Defaults) *Layout {
	t.Helper()
	doc, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Parse(doc, d)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(l.Warnings) > 0 {
		t.Errorf("%s: warnings %q", file, l.Warnings)
	}
	return l
}

func TestLayoutsAsPlaced(t *testing.T) {
	const gib = 1 << 30
	cases := []struct {
		file   string
		d      Defaults
		bytes  int64
		want   []Extent
		fstab  string
		values map[string]string
	}{
		{"mbr.yaml", Defaults{RootFS: "xfs"}, gib,
			[]Extent{{"root", 1, mib, gib - 2*mib}},
			"LABEL=img-rootfs / xfs defaults 0 1\n",
			map[string]string{"DIB_ROOT_LABEL": "img-rootfs", "DIB_ROOT_FSTYPE": "xfs", "DIB_BOOT_LABEL": "", "DIB_MOUNTPOINTS": "/"}},
		{"efi.yaml", Defaults{RootFS: "xfs", RootLabel: "mine"}, 2*gib + 70<<10,
			[]Extent{{"ESP", 1, mib, 550 * mib}, {"BSP", 2, 551 * mib, 8 * mib}, {"root", 3, 559 * mib, (2048 - 560) * mib}},
			"LABEL=mine / ext4 defaults 0 1\nLABEL=MKFS_ESP /boot/efi vfat defaults 0 2\n",
			map[string]string{"DIB_ROOT_LABEL": "mine", "DIB_ROOT_FSTYPE": "ext4", "DIB_BOOT_LABEL": "", "DIB_MOUNTPOINTS": "/boot/efi|/"}},
		{"efi-4k-flat.yaml", Defaults{}, gib,
			[]Extent{{"ESP", 1, mib, 500 * mib}, {"BSP", 2, 501 * mib, 8 * mib}, {"swap", 3, 509 * mib, 100 * mib}, {"root", 4, 609 * mib, 414 * mib}},
			"LABEL=cloudimg-rootfs / ext4 rw,relatime 0 1\nLABEL=ESP /boot/efi vfat defaults 0 2\nLABEL=swap0 none swap sw 0 0\n",
			map[string]string{"DIB_ROOT_LABEL": "cloudimg-rootfs", "DIB_ROOT_FSTYPE": "ext4", "DIB_BOOT_LABEL": "", "DIB_MOUNTPOINTS": "/|/boot/efi|swap"}},
		{"var.yaml", Defaults{}, gib,
			[]Extent{{"boot", 1, mib, 200 * mib}, {"root", 2, 201 * mib, 411 * mib}, {"var", 3, 612 * mib, 411 * mib}},
			"LABEL=img-rootfs / xfs defaults 0 1\nLABEL=boot /boot ext2 defaults 0 2\nLABEL=var /var xfs nodev 0 2\n",
			map[string]string{"DIB_ROOT_LABEL": "img-rootfs", "DIB_ROOT_FSTYPE": "xfs", "DIB_BOOT_LABEL": "boot", "DIB_MOUNTPOINTS": "/boot|/|/var"}},
	}
	for _, tc := range cases {
		l := load(t, tc.file, tc.d)
		p, err := l.Place(tc.bytes)
		if err != nil {
			t.Errorf("%s: %v", tc.file, err)
			continue
		}
		if d := cmp.Diff(tc.want, p.Partitions); d != "" {
			t.Errorf("%s: partitions (-want +got)\n%s", tc.file, d)
		}
		if d := cmp.Diff(tc.fstab, l.Fstab()); d != "" {
			t.Errorf("%s: fstab (-want +got)\n%s", tc.file, d)
		}
		if d := cmp.Diff(tc.values, l.Variables()); d != "" {
			t.Errorf("%s: variables (-want +got)\n%s", tc.file, d)
		}
	}
}

func TestReferenceValuesOfTheContract(t *testing.T) {
	doc := `
- local_loop: {name: image0}
- partitioning:
    base: image0
    label: LABEL
    partitions:
      - {name: a, size: 10MiB, flags: [FLAG]}
      - {name: b, size: 10MiB, flags: [FLAG]}
      - {name: c, size: 100%, flags: [FLAG]}
- mkfs: {base: c, type: ext4, label: l}
- mount: {base: mkfs_c, mount_point: /}
`
	for _, tc := range []struct {
		label, flag string
		starts      []int64
		last        int64
	}{
		{"mbr", "primary", []int64{2048, 22528, 43008}, (1024 - 21 - 1) * mib},
		{"gpt", "boot", []int64{2048, 22528, 43008}, (1024 - 22) * mib},
	} {
		l, err := Parse([]byte(strings.NewReplacer("LABEL", tc.label, "FLAG", tc.flag).Replace(doc)), Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := l.Place(1 << 30)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range p.Partitions {
			if e.Start/512 != tc.starts[i] {
				t.Errorf("%s: %s starts at sector %d, want %d", tc.label, e.Name, e.Start/512, tc.starts[i])
			}
		}
		if got := p.Partitions[2].Bytes; got != tc.last {
			t.Errorf("%s: last has %d bytes, want %d", tc.label, got, tc.last)
		}
	}
}

func TestFallbackIsPartitionless(t *testing.T) {
	l, err := Fallback(Defaults{RootOptions: []string{"-O", "^x"}})
	if err != nil {
		t.Fatal(err)
	}
	want := FileSystem{Name: "mkfs_root", Base: "image0", Type: "ext4", Label: "cloudimg-rootfs", Options: []string{"-O", "^x"}}
	if d := cmp.Diff(want, l.Root()); d != "" || l.Table != nil {
		t.Errorf("table %v, root (-want +got)\n%s", l.Table, d)
	}
	if got := l.Fstab(); got != "LABEL=cloudimg-rootfs / ext4 defaults 0 1\n" {
		t.Error(got)
	}
	l.SetRootOptions([]string{"-J", "size=4"})
	if got := l.Root().Options; len(got) != 2 || got[0] != "-J" {
		t.Error(got)
	}
}

func TestJSONKeepsEverything(t *testing.T) {
	p, err := load(t, "efi.yaml", Defaults{}).Place(2 << 30)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Placed
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(*p, back); d != "" {
		t.Error(d)
	}
}

func TestTooSmallADiskSaysWhatIsMissing(t *testing.T) {
	l := load(t, "efi.yaml", Defaults{})
	_, err := l.Place(512 * mib)
	var space *SpaceError
	if !errors.As(err, &space) {
		t.Fatalf("got %v", err)
	}
	// 550 + 8 + at least 1 MiB for the root, and 2 MiB for the table, less 512.
	if space.Partition != "ESP" || space.Missing != (550+8+1+2-512)*mib {
		t.Errorf("%+v", space)
	}
	for _, word := range []string{"51380224 bytes", "disk_size", "561 MiB"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in: %v", word, err)
		}
	}
	if _, err := l.Place(561 * mib); err == nil || !strings.Contains(err.Error(), "at least 8 MiB") {
		t.Errorf("an ext4 of 1 MiB was accepted: %v", err)
	}
	if _, err := l.Place(1000); err == nil {
		t.Error("a disk of half a sector was accepted")
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"550MiB": 550 * mib, "10G": 1e10, "10 GB": 1e10, "1.5KiB": 1536, "512": 512, "MiB": mib,
		"2T": 2e12, "3k": 3000, "7B": 7, "1TiB": 1 << 40,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %d %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "12 parsecs", "1.2.3G", "-5", "10%", "99999999999T"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}
