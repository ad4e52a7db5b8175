// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// carriedUserData has braces that Packer must leave alone.
const carriedUserData = "#cloud-config\nruncmd: [[echo, 's3kr1t', '{{ ds.meta_data.x }}', '{{']]\n"

const carriedBlock = `
  formats = ["raw", "qcow2"]
  nocloud {
    user_data   = "#cloud-config\nruncmd: [[echo, 's3kr1t', '{{ ds.meta_data.x }}', '{{']]\n"
    hostname    = "{{ build_type }}-1"
    instance_id = "i-1"
    media       = ["iso", "vfat"]
    partition   = true
  }
`

// A build with a seed beside its root: volumes of the artifact and a partition
// before the root's, all readable by others' programs and the same every time.
func TestAccNoCloudCarriers(t *testing.T) {
	needPacker(t)
	for name, tc := range map[string]struct {
		element, label string
		seed, root     int
		kind           string
	}{
		"gpt": {"block-device-efi", "gpt", 2, 3, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"},
		"mbr": {"block-device-mbr", "dos", 0, 1, "e"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			template := w.template("\n  elements = [\"tiny-os\", \""+tc.element+"\"]\n"+carriedBlock,
				`  post-processor "manifest" { output = "`+w.dir+`/manifest.json" }`)
			env := w.env("SOURCE_DATE_EPOCH=1700000000", "PACKER_LOG=1")
			status, out := runPacker(t, w.dir, env, "build", template)
			if status != 0 {
				t.Fatalf("status %d:\n%s", status, out)
			}
			w.assertClean()
			if strings.Contains(out, "s3kr1t") {
				t.Error("the seed's content is told")
			}
			manifest, err := os.ReadFile(w.dir + "/manifest.json")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"tiny.raw", "tiny.qcow2", "tiny-cidata.iso", "tiny-cidata.vfat"} {
				if !strings.Contains(string(manifest), "/"+want+`"`) || !strings.Contains(out, "  "+want) {
					t.Errorf("%s is not in manifest or plan:\n%s\n%s", want, manifest, out)
				}
			}
			if !strings.Contains(out, "cidata") || !strings.Contains(out, "CIDATA") {
				t.Errorf("the plan does not show the partition:\n%s", out)
			}
			raw := filepath.Join(w.output, "tiny.raw")
			label, partitions := partitionsOf(t, raw)
			if label != tc.label || len(partitions) != tc.root+1 || partitions[tc.seed].Type != tc.kind {
				t.Fatalf("table %s, %+v", label, partitions)
			}
			judge(t, "sfdisk", "--verify", raw)
			checkFilesystem(t, "ext4", extract(t, raw, partitions[tc.root]))
			onDisk := extract(t, raw, partitions[tc.seed])
			checkSeedVolume(t, onDisk)
			checkSeedVolume(t, filepath.Join(w.output, "tiny-cidata.vfat"))
			iso := filepath.Join(w.output, "tiny-cidata.iso")
			back := filepath.Join(w.dir, "back")
			judge(t, "xorriso", "-indev", iso, "-osirrox", "on", "-extract", "/", back)
			if got, err := os.ReadFile(back + "/user-data"); err != nil || string(got) != carriedUserData {
				t.Errorf("user-data %q, %v", got, err)
			}
			first := map[string]string{}
			for _, file := range []string{"tiny-cidata.iso", "tiny-cidata.vfat"} {
				path := filepath.Join(w.output, file)
				first[path] = judge(t, "sha256sum", path)
				if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
					t.Errorf("%s: %v, %v", file, info.Mode(), err)
				}
			}
			if name != "gpt" {
				return // what follows is the same for all
			}
			if status, out := runPacker(t, w.dir, env, "build", template); status == 0 || !strings.Contains(out, "tiny-cidata.iso") {
				t.Errorf("earlier volumes were replaced: status %d:\n%s", status, out)
			}
			if status, out := runPacker(t, w.dir, env, "build", "-force", template); status != 0 {
				t.Fatalf("status %d:\n%s", status, out)
			}
			for path, sum := range first {
				if again := judge(t, "sha256sum", path); again != sum {
					t.Errorf("%s is another the second time", path)
				}
			}
			if _, again := partitionsOf(t, raw); again[tc.seed] != partitions[tc.seed] {
				t.Errorf("the partition is another the second time: %+v", again)
			}
			judge(t, "cmp", onDisk, extract(t, raw, partitions[tc.seed]))
			w.assertClean()
		})
	}
}

// checkSeedVolume has fsck.fat, blkid and mtools judge a FAT volume with the seed.
func checkSeedVolume(t *testing.T, file string) {
	t.Helper()
	checkFilesystem(t, "vfat", file)
	if out := judge(t, "blkid", "-p", "-s", "LABEL", "-o", "value", file); out != "CIDATA\n" {
		t.Errorf("%s has the label %q", file, out)
	}
	for name, want := range map[string]string{"user-data": carriedUserData, "meta-data": "instance-id: i-1\nlocal-hostname: diskimage-1\n"} {
		if got := judge(t, "env", "MTOOLS_SKIP_CHECK=1", "mtype", "-i", file, "::"+name); got != want {
			t.Errorf("%s: %s is %q", file, name, got)
		}
	}
}

// A list that only a data source will give is empty to validate, which does not take
// it for a mistake. The build does.
func TestAccNoCloudBlockNotKnownYet(t *testing.T) {
	needPacker(t)
	n := newNobody(t)
	const source = "data \"null\" \"x\" {\n  input = \"iso\"\n}\n"
	for name, tc := range map[string]struct{ command, block, want string }{
		"list":         {"validate", `media = split(",", data.null.x.output)`, ""},
		"switch":       {"validate", `partition = data.null.x.output == "iso"`, ""},
		"empty list":   {"build", "media = []", "nocloud: the seed would be carried by nothing: set media or partition"},
		"empty switch": {"build", "partition = false", "nocloud: the seed would be carried by nothing: set media or partition"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out := n.run(t, tc.command, "t.pkr.hcl", source+hclTemplate(attributes{"elements": `["tiny-os"]`}, "  nocloud {\n"+tc.block+"\n  }", ""))
			if flat := strings.Join(strings.Fields(out), " "); (status == 0) != (tc.want == "") || !strings.Contains(flat, tc.want) {
				t.Errorf("status %d, want %q:\n%s", status, tc.want, out)
			}
		})
	}
}

// Mistakes in the block are told by validate, each with its attribute.
func TestAccNoCloudBlockMistakes(t *testing.T) {
	needPacker(t)
	n := newNobody(t)
	seed := func(elements, block string) string {
		return hclTemplate(attributes{"elements": elements}, "  nocloud {\n"+block+"\n  }", "")
	}
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"nothing":       {seed(`["tiny-os"]`, ""), []string{"nocloud: the seed would be carried by nothing: set media or partition"}},
		"no table":      {seed(`["tiny-os"]`, "partition = true"), []string{"nocloud.partition: the disk has no partition table: add an element that makes one"}},
		"media":         {seed(`["tiny-os"]`, `media = ["isoo", "directory"]`), []string{`nocloud: media: "isoo" is none of iso, vfat (did you mean "iso"?)`, `"directory" is none of`}},
		"no header":     {seed(`["tiny-os"]`, "media = [\"iso\"]\nuser_data = \"password: s3kr1t\""), []string{"nocloud: user_data, line 1, column 1: ", "the header is missing"}},
		"attribute":     {seed(`["tiny-os"]`, "media = [\"iso\"]\nuserdata = \"\""), []string{`An argument named "userdata" is not expected here`}},
		"two":           {seed(`["tiny-os"]`, "media = [\"iso\"]\n}\nnocloud {"), []string{"nocloud"}},
		"and the other": {hclTemplate(attributes{"elements": `["tiny-os"]`, "tmpfs": `"sometimes"`}, "  nocloud {\n  }", ""), []string{"tmpfs: ", "nocloud: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out := n.run(t, "validate", "t.pkr.hcl", tc.text)
			flat := strings.Join(strings.Fields(out), " ")
			if status != 1 || strings.Contains(out, "s3kr1t") || slices.ContainsFunc(tc.want, func(want string) bool { return !strings.Contains(flat, want) }) {
				t.Errorf("status %d, want %q:\n%s", status, tc.want, out)
			}
		})
	}
}
