// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

const (
	partitionless = `
- local_loop: {name: image0}
- mkfs: {base: image0, name: mkfs_root, type: TYPE}
- mount: {base: mkfs_root, mount_point: /}
`
	mbrDisk = `
- local_loop: {name: image0}
- partitioning:
    base: image0
    label: mbr
    partitions:
      - name: boot
        size: 60MiB
        flags: [primary]
        mkfs: {type: ext2, label: boot, mount: {mount_point: /boot}}
      - name: root
        size: 100%
        flags: [boot, primary]
        mkfs: {type: TYPE, mount: {mount_point: /}}
`
	efiDisk = `
- local_loop: {name: image0, block_size: SECTOR}
- partitioning:
    base: image0
    label: gpt
    partitions:
      - {name: ESP, type: EF00, size: 270MiB, mkfs: {type: vfat, label: ESP, mount: {mount_point: /boot/efi}}}
      - {name: BSP, type: EF02, size: 8MiB}
      - {name: swap, type: 8200, size: 16MiB, mkfs: {type: swap, label: swap0, mount: {mount_point: none}}}
      - {name: root, size: 100%, mkfs: {type: TYPE, mount: {mount_point: /}}}
`
)

func doc(text string, pairs ...string) string {
	return strings.NewReplacer(append(pairs, "SECTOR", "512", "TYPE", "ext4")...).Replace(text)
}

// checkRoot judges a file system and compares it with the tree, whose directories
// in skip are mount points.
func checkRoot(t *testing.T, d *Disk, name, fsType string, want []string, skip ...string) {
	t.Helper()
	if fsType == "xfs" {
		foreign.Judge(t, "xfs_repair", "-n", extract(t, d, name))
	} else {
		foreign.Judge(t, "e2fsck", "-fn", extract(t, d, name))
	}
	remounted(t, d, name, fsType, func(dir string) {
		if diff := cmp.Diff(want, digest(t, dir, skip...)); diff != "" {
			t.Errorf("the tree changed (-want +got)\n%s", diff)
		}
		for _, rel := range skip {
			if under, err := os.ReadDir(filepath.Join(dir, rel)); err != nil || len(under) > 0 {
				t.Errorf("%q holds what belongs into another file system: %v %v", rel, under, err)
			}
		}
	})
}

func TestPartitionless(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fsType string
		bytes  int64
	}{{"ext4", 100 * mib}, {"ext3", 100 * mib}, {"ext2", 100 * mib}, {"ext4", 12 * mib}, {"xfs", 320 * mib}} {
		t.Run(fmt.Sprintf("%s-%d", tc.fsType, tc.bytes/mib), func(t *testing.T) {
			t.Parallel()
			spec := newSpec(t, doc(partitionless, "TYPE", tc.fsType), tc.bytes)
			oddTree(t, spec.Tree)
			want := digest(t, spec.Tree)
			d := create(t, spec)
			if v := d.Variables(); v["IMAGE_BLOCK_DEVICE"] != d.Device() ||
				v["IMAGE_BLOCK_DEVICES"] != " [image0]="+d.Device()+" " {
				t.Errorf("%q", v)
			}
			cleanClose(t, d)
			checkRoot(t, d, "image0", tc.fsType, want)
		})
	}
}

// TestDeletedFilesAreGone: what was deleted on the finished disk is in no block of it.
func TestDeletedFilesAreGone(t *testing.T) {
	t.Parallel()
	for fsType, bytes := range map[string]int64{"ext4": 100 * mib, "xfs": 320 * mib} {
		t.Run(fsType, func(t *testing.T) {
			t.Parallel()
			spec := newSpec(t, doc(partitionless, "TYPE", fsType), bytes)
			content := []byte(strings.Repeat("secret of "+fsType+"\n", 1000))
			if err := os.WriteFile(spec.Tree+"/early", content, 0o644); err != nil {
				t.Fatal(err)
			}
			d := create(t, spec)
			for _, name := range []string{"late", "kept"} {
				if err := os.WriteFile(spec.MountPoint+"/"+name, content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			foreign.Judge(t, "sync", "-f", spec.MountPoint)
			if err := errors.Join(os.Remove(spec.MountPoint+"/early"), os.Remove(spec.MountPoint+"/late")); err != nil {
				t.Error(err)
			}
			cleanClose(t, d)
			raw, err := os.ReadFile(spec.Path)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(raw), "secret of "+fsType); n != 1000 {
				t.Errorf("the image holds %d lines, want those of one file, 1000", n)
			}
		})
	}
}

func TestMBR(t *testing.T) {
	t.Parallel()
	for _, loops := range []bool{false, true} {
		t.Run(fmt.Sprintf("partitionLoops=%v", loops), func(t *testing.T) {
			t.Parallel()
			spec := newSpec(t, doc(mbrDisk), 200*mib)
			spec.partitionLoops = loops
			oddTree(t, spec.Tree)
			want, boot := digest(t, spec.Tree, "boot"), digest(t, filepath.Join(spec.Tree, "boot"))
			d := create(t, spec)
			if got := d.Devices()["mkfs_root"]; got != d.Devices()["root"] || (got == d.Device()+"p2") == loops {
				t.Errorf("devices %v", d.Devices())
			}
			if got := d.MountPoints(); len(got) != 2 || got[0] != spec.MountPoint || got[1] != spec.MountPoint+"/boot" {
				t.Errorf("mount points %q", got)
			}
			if err := os.WriteFile(spec.MountPoint+"/boot/vmlinuz", []byte("late"), 0o644); err != nil {
				t.Error(err)
			}
			if err := os.Remove(spec.MountPoint + "/boot/vmlinuz"); err != nil {
				t.Error(err)
			}
			if err := setTimes(spec.MountPoint+"/boot", timeOf(t, spec.Tree+"/boot"), timeOf(t, spec.Tree+"/boot")); err != nil {
				t.Error(err)
			}
			cleanClose(t, d)
			foreign.Judge(t, "sfdisk", "--verify", spec.Path)
			table := tableOf(t, spec.Path)
			if table.Label != "dos" || len(table.Partitions) != 2 || table.ID == "0x00000000" {
				t.Errorf("%+v", table)
			} else if p := table.Partitions[1]; p.Type != "83" || !p.Bootable || p.Start != 61*2048 || p.Size != 138*2048 {
				t.Errorf("%+v", p)
			}
			checkRoot(t, d, "root", "ext4", want, "boot")
			checkRoot(t, d, "boot", "ext2", boot)
		})
	}
}

type tableJSON struct {
	Label, ID  string
	SectorSize int64
	Partitions []struct {
		Start, Size      int64
		Type, Name, UUID string
		Bootable         bool
	}
}

func tableOf(t *testing.T, path string) tableJSON {
	t.Helper()
	var out struct{ PartitionTable tableJSON }
	text := foreign.Judge(t, "sfdisk", "--json", path)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out.PartitionTable
}

func TestEFI(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fsType, sector string
		bytes          int64
	}{{"ext4", "512", 400 * mib}, {"xfs", "512", 640 * mib}, {"ext4", "4096", 400 * mib}} {
		t.Run(tc.fsType+"-"+tc.sector, func(t *testing.T) {
			t.Parallel()
			spec := newSpec(t, doc(efiDisk, "TYPE", tc.fsType, "SECTOR", tc.sector), tc.bytes)
			oddTree(t, spec.Tree)
			for _, name := range []string{"EFI/BOOT/BOOTX64.EFI", "EFI/debian/grub.cfg"} {
				path := filepath.Join(spec.Tree, "boot/efi", name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			stamp(t, spec.Tree)
			want := digest(t, spec.Tree, "boot/efi")
			d := create(t, spec)
			late := filepath.Join(spec.MountPoint, "boot/efi/EFI/BOOT/late.conf")
			if err := os.WriteFile(late, bytes.Repeat([]byte("late"), 3000), 0o600); err != nil {
				t.Error(err)
			}
			checkESPMount(t, d)
			cleanClose(t, d)
			checkGPT(t, d, tc.sector)
			checkESP(t, d)
			checkRoot(t, d, "root", tc.fsType, want, "boot/efi")
			if out := foreign.Judge(t, "blkid", "-p", "-o", "export", extract(t, d, "swap")); !strings.Contains(out, "LABEL=swap0") {
				t.Error(out)
			}
		})
	}
}

// checkESPMount looks for what grub-install looks for.
func checkESPMount(t *testing.T, d *Disk) {
	t.Helper()
	out := foreign.Judge(t, "findmnt", "-n", "-o", "SOURCE", filepath.Join(d.spec.MountPoint, "boot/efi"))
	if strings.TrimSpace(out) != d.Devices()["ESP"] {
		t.Errorf("the ESP's mount source is %q, its device %q", out, d.Devices()["ESP"])
	}
}

func checkGPT(t *testing.T, d *Disk, sector string) {
	t.Helper()
	path := d.spec.Path
	if sector != "512" { // only a device tells the programs of its sectors
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		l, err := attach(t.Context(), f, 0, 0, 4096)
		if err != nil {
			t.Fatal(err)
		}
		defer l.close()
		path = l.path
	}
	if out := foreign.Judge(t, "sgdisk", "-v", path); !strings.Contains(out, "No problems found") {
		t.Error(out)
	}
	foreign.Judge(t, "sfdisk", "--verify", path)
	table := tableOf(t, path)
	if table.Label != "gpt" || len(table.Partitions) != 4 {
		t.Fatalf("%+v", table)
	}
	for i, want := range []string{"ESP C12A7328", "BSP 21686148", "swap 0657FD6D", "root 0FC63DAF"} {
		p, e := table.Partitions[i], d.spec.Placed.Partitions[i]
		size := d.spec.Placed.Layout.SectorSize
		if got := p.Name + " " + p.Type[:8]; got != want || p.Start*size != e.Start || p.Size*size != e.Bytes {
			t.Errorf("partition %d: %+v, want %s at %+v", i+1, p, want, e)
		}
	}
}

func checkESP(t *testing.T, d *Disk) {
	t.Helper()
	esp := extract(t, d, "ESP")
	if out := foreign.Judge(t, "fsck.fat", "-nv", esp); strings.Contains(out, "ifferen") || strings.Contains(out, "FSCK") {
		t.Error(out)
	}
	if out := foreign.Judge(t, "mtype", "-i", esp, "::/EFI/BOOT/BOOTX64.EFI"); out != "EFI/BOOT/BOOTX64.EFI" {
		t.Errorf("%q", out)
	}
	if out := foreign.Judge(t, "mtype", "-i", esp, "::/EFI/BOOT/late.conf"); out != strings.Repeat("late", 3000) {
		t.Errorf("late.conf has %d bytes", len(out))
	}
	serial := fmt.Sprintf("%08X", deriveNumber(d.spec.Seed, "filesystem mkfs_ESP"))
	out := foreign.Judge(t, "blkid", "-p", "-o", "export", esp)
	for _, want := range []string{"LABEL=ESP", "TYPE=vfat", "UUID=" + serial[:4] + "-" + serial[4:]} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
}

func TestSameInputsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	when := time.Unix(1650000000, 0)
	spec := newSpec(t, doc(efiDisk), 400*mib)
	spec.Time = &when
	oddTree(t, spec.Tree)
	for i := range 2 {
		d := &Disk{spec: spec, devices: map[string]string{}}
		d.spec.Path = fmt.Sprintf("%s.%d", spec.Path, i)
		var err error
		if d.file, err = os.Create(d.spec.Path); err != nil {
			t.Fatal(err)
		}
		defer d.file.Close()
		if err := makeFileOnly(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			time.Sleep(1100 * time.Millisecond) // the clock must not show
		}
	}
	foreign.Judge(t, "cmp", spec.Path+".0", spec.Path+".1")
}

// makeFileOnly is Create without a device: table, ext and FAT.
func makeFileOnly(ctx context.Context, d *Disk) error {
	parts, err := partsOf(d.spec.Placed, d.spec.Tree)
	if err != nil {
		return err
	}
	if err := d.file.Truncate(d.spec.Placed.Bytes); err != nil {
		return err
	}
	if err := writeTable(d.file, d.spec.Placed, d.spec.Seed); err != nil {
		return err
	}
	for _, q := range parts {
		if err := d.makeInFile(ctx, q); err != nil {
			return err
		}
		if q.fs.Type == "vfat" {
			d.volumes = append(d.volumes, fatMount{q, q.source})
		}
	}
	return errors.Join(d.sealVolumes(ctx), d.sealTimes(ctx))
}

func TestNoTimeIsAfterTheLimit(t *testing.T) {
	t.Parallel()
	when := time.Unix(1600000100, 0)
	for _, fsType := range []string{"ext4", "ext2", "xfs"} {
		spec := newSpec(t, doc(mbrDisk, "TYPE", fsType), 400*mib)
		spec.Time = &when
		oddTree(t, spec.Tree)
		d := create(t, spec)
		if err := os.WriteFile(filepath.Join(spec.MountPoint, "late"), nil, 0o644); err != nil {
			t.Error(err)
		}
		cleanClose(t, d)
		if fsType == "xfs" {
			checkTimes(t, d, fsType, when)
			continue
		}
		root := extract(t, d, "root")
		foreign.Judge(t, "e2fsck", "-fn", root)
		for _, want := range []string{"Last mounted on:          <not available>", "Mount count:              0", "Sun Sep 13 12:28:20 2020"} {
			if out := foreign.Judge(t, "env", "TZ=UTC", "dumpe2fs", "-h", root); !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
		if out := foreign.Judge(t, "env", "TZ=UTC", "debugfs", "-R", "stat /late", root); strings.Count(out, "Sep 13 12:28:20 2020") < 3 {
			t.Error(out)
		}
		checkTimes(t, d, fsType, when)
	}
}

func checkTimes(t *testing.T, d *Disk, fsType string, limit time.Time) {
	t.Helper()
	remounted(t, d, "root", fsType, func(dir string) {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			var st unix.Stat_t
			if err := unix.Lstat(path, &st); err != nil {
				return err
			}
			late := st.Ctim.Sec > limit.Unix() && fsType != "xfs" || st.Mtim.Sec > limit.Unix() && filepath.Base(path) != "late"
			if late && (fsType != "xfs" || path != dir) {
				t.Errorf("%s: %s changed %d, modified %d", fsType, path, st.Ctim.Sec, st.Mtim.Sec)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
