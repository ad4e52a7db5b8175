// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// judge runs a program that nobody here wrote and wants it to be content.
func judge(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// partition is an entry of sfdisk's JSON.
type partition struct {
	Start, Size int64
	Type, Name  string
	Bootable    bool
}

func partitionsOf(t *testing.T, raw string) (string, []partition) {
	t.Helper()
	var table struct {
		PartitionTable struct {
			Label      string
			Partitions []partition
		}
	}
	if err := json.Unmarshal([]byte(judge(t, "sfdisk", "--json", raw)), &table); err != nil {
		t.Fatal(err)
	}
	return table.PartitionTable.Label, table.PartitionTable.Partitions
}

// extract copies a part of the image to a file, for judges that take no offset.
func extract(t *testing.T, raw string, p partition) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part")
	foreign.Part(t, raw, path, p.Start*512, p.Size*512)
	return path
}

func checkFilesystem(t *testing.T, kind, file string) {
	t.Helper()
	switch kind {
	case "xfs":
		judge(t, "xfs_repair", "-n", "-f", file)
	case "vfat":
		judge(t, "fsck.fat", "-n", file)
	default:
		judge(t, "e2fsck", "-fn", file)
	}
}

func TestAccLayouts(t *testing.T) {
	needPacker(t)
	cases := []struct {
		name, elements, rootFS, label string
		partitions                    int
		root                          int
	}{
		{"gpt ext4", `"block-device-gpt"`, "ext4", "gpt", 2, 1},
		{"efi ext4", `"block-device-efi"`, "ext4", "gpt", 3, 2},
		{"mbr ext4", `"block-device-mbr"`, "ext4", "dos", 1, 0},
		{"mbr xfs", `"block-device-mbr"`, "xfs", "dos", 1, 0},
		{"partitionless ext4", "", "ext4", "", 0, 0},
		{"partitionless xfs", "", "xfs", "", 0, 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			elements := strings.TrimSuffix(`"tiny-os", `+tc.elements, ", ")
			status, out := runPacker(t, w.dir, w.env(), "build", w.template(fmt.Sprintf(`
  elements = [%s]
  root_fs  = %q
  formats  = ["raw", "qcow2"]
`, elements, tc.rootFS), `
  provisioner "shell" { inline = ["echo hello > /etc/provisioned", "touch /boot/here"] }`))
			if status != 0 {
				t.Fatalf("status %d:\n%s", status, out)
			}
			w.assertClean()
			raw, qcow2 := filepath.Join(w.output, "tiny.raw"), filepath.Join(w.output, "tiny.qcow2")
			judge(t, "qemu-img", "check", qcow2)
			judge(t, "qemu-img", "compare", raw, qcow2)
			root := raw
			if tc.partitions > 0 {
				root = checkTable(t, raw, tc.label, tc.partitions, tc.root)
			}
			checkFilesystem(t, tc.rootFS, root)
			if tc.rootFS == "ext4" {
				if got := judge(t, "debugfs", "-R", "cat /etc/provisioned", root); !strings.Contains(got, "hello") {
					t.Errorf("the provisioner's file is not in the image: %q", got)
				}
				if got := judge(t, "debugfs", "-R", "cat /etc/fstab", root); !strings.Contains(got, "LABEL=cloudimg-rootfs / ext4") {
					t.Errorf("fstab: %q", got)
				}
			}
		})
	}
}

// checkTable judges the partition table and the ESP, and returns the root.
func checkTable(t *testing.T, raw, label string, count, root int) string {
	t.Helper()
	got, partitions := partitionsOf(t, raw)
	if got != label || len(partitions) != count {
		t.Fatalf("table %s with %d partitions, want %s with %d", got, len(partitions), label, count)
	}
	judge(t, "sfdisk", "--verify", raw)
	if label == "gpt" {
		if out := judge(t, "sgdisk", "-v", raw); !strings.Contains(out, "No problems found") {
			t.Errorf("sgdisk: %s", out)
		}
	} else if !partitions[0].Bootable {
		t.Error("the root partition is not active")
	}
	if partitions[0].Name == "ESP" {
		checkFilesystem(t, "vfat", extract(t, raw, partitions[0]))
	}
	return extract(t, raw, partitions[root])
}

func TestAccExistingOutput(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	intact := w.earlier()
	template := w.template(`
  elements = ["tiny-os"]
  formats  = ["raw"]`, "")
	status, out := runPacker(t, w.dir, w.env(), "build", template)
	if status == 0 || !strings.Contains(out, "tiny.raw") || !strings.Contains(out, "-force") {
		t.Errorf("status %d:\n%s", status, out)
	}
	intact()
	status, out = runPacker(t, w.dir, w.env(), "build", "-force", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	if info, err := os.Stat(filepath.Join(w.output, "tiny.raw")); err != nil || info.Size() < 1<<20 {
		t.Errorf("-force did not replace the output: %v", err)
	}
	w.assertClean()
}
