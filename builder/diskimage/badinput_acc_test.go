// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobody runs packer as an unprivileged user, in a directory of its own.
type nobody struct {
	dir         string
	packer      string
	environment []string
	elements    string
	credential  *syscall.Credential
	runsAtOnce  chan struct{}
}

const (
	nobodyID = 65534
	// A template is checked in far less than a second.
	nobodyWaits = 15 * time.Minute
)

// newNobody copies what packer needs to where nobody can read it: a checkout
// may well lie in /root.
func newNobody(t *testing.T) *nobody {
	t.Helper()
	dir := newWorkspace(t).dir
	n := &nobody{dir: dir, packer: filepath.Join(dir, "packer"), elements: filepath.Join(dir, "elements"),
		credential: &syscall.Credential{Uid: nobodyID, Gid: nobodyID}, runsAtOnce: make(chan struct{}, 2)}
	packer, err := exec.LookPath("packer")
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, packer, n.packer)
	copyTree(t, os.Getenv("PACKER_PLUGIN_PATH"), filepath.Join(dir, "plugins"))
	copyTree(t, "testdata/elements", n.elements)
	for _, own := range []string{"home", "tmp", "config", "cache"} {
		path := filepath.Join(dir, own)
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chown(path, nobodyID, nobodyID)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	n.environment = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir + "/home", "TMPDIR=" + dir + "/tmp",
		"PACKER_PLUGIN_PATH=" + dir + "/plugins", "PACKER_CONFIG_DIR=" + dir + "/config", "PACKER_CACHE_DIR=" + dir + "/cache",
		"CHECKPOINT_DISABLE=1", "PACKER_NO_COLOR=1",
	}
	return n
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		t.Fatal(err)
	}
	// A program that another test starts meanwhile would have the file open for writing
	// for a moment, in which this one cannot be started.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, info.Mode().Perm()|0o444)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, relative), 0o755)
		}
		copyFile(t, path, filepath.Join(to, relative))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// run runs packer with a template of the given name and text.
func (n *nobody) run(t *testing.T, verb, name, text string, env ...string) (int, string) {
	t.Helper()
	n.runsAtOnce <- struct{}{}
	defer func() { <-n.runsAtOnce }()
	dir, err := os.MkdirTemp(filepath.Join(n.dir, "tmp"), "row")
	if err != nil {
		t.Fatal(err)
	}
	template := filepath.Join(dir, name)
	text = strings.NewReplacer("@dir@", dir, "@elements@", n.elements).Replace(text)
	if err := errors.Join(os.WriteFile(template, []byte(text), 0o644), os.Chown(dir, nobodyID, nobodyID)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), nobodyWaits)
	defer cancel()
	cmd := exec.CommandContext(ctx, n.packer, verb, template)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(slices.Clone(n.environment), env...), patience
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: n.credential}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("packer %s made the output directory (%v)", verb, err)
	}
	return cmd.ProcessState.ExitCode(), strings.ReplaceAll(string(out), dir, "@dir@")
}

// attributes are HCL expressions by name.
type attributes map[string]string

// hclTemplate is a good template, but for what is given.
func hclTemplate(change attributes, source, build string) string {
	all := attributes{
		"elements": `["tiny-os"]`, "element_paths": `["@elements@"]`, "skip_base": "true",
		"output_directory": `"@dir@/out"`, "image_name": `"tiny"`,
	}
	maps.Copy(all, change)
	var text strings.Builder
	text.WriteString("source \"diskimage\" \"tiny\" {\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			fmt.Fprintf(&text, "  %s = %s\n", name, all[name])
		}
	}
	fmt.Fprintf(&text, "%s\n}\nbuild {\n  sources = [\"source.diskimage.tiny\"]\n%s\n}\n", source, build)
	return text.String()
}

// seedTemplate is a good template with a seed of the given attributes.
func seedTemplate(seed attributes) string {
	var text strings.Builder
	text.WriteString("  provisioner \"diskimage-nocloud\" {\n")
	for _, name := range slices.Sorted(maps.Keys(seed)) {
		fmt.Fprintf(&text, "    %s = %s\n", name, seed[name])
	}
	return hclTemplate(nil, "", text.String()+"  }")
}

// layoutOf is the environment attribute with a block device layout of the given
// disk nodes.
func layoutOf(document string) attributes {
	return attributes{"environment": "{ DIB_BLOCK_DEVICE_CONFIG = <<-E\n" + document + "\nE\n}"}
}

// badRow is a template that packer must refuse.
type badRow struct {
	name string
	// file is the template's name, tiny.pkr.hcl if empty.
	file string
	text string
	// want are the attribute and what is to be read about it.
	want []string
	env  []string
	// build runs packer build in place of validate.
	build bool
}

// source is a row with other attributes of the source.
func source(name string, change attributes, want ...string) badRow {
	return badRow{name: name, text: hclTemplate(change, "", ""), want: want}
}

// seed is a row with attributes of the provisioner.
func seed(name string, change attributes, want ...string) badRow {
	return badRow{name: name, text: seedTemplate(change), want: want}
}

func (r badRow) check(t *testing.T, n *nobody) {
	t.Parallel()
	verb, file := "validate", r.file
	if r.build {
		verb = "build"
	}
	if file == "" {
		file = "tiny.pkr.hcl"
	}
	status, out := n.run(t, verb, file, r.text, r.env...)
	t.Logf("\n%s", out)
	if status != 1 {
		t.Errorf("exit status %d:\n%s", status, out)
	}
	plain := strings.Join(strings.Fields(out), " ")
	for _, want := range r.want {
		if !strings.Contains(plain, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	for _, never := range []string{"panic:", "goroutine ", "crash", "this host cannot build", "%!", "<nil>"} {
		if strings.Contains(out, never) {
			t.Errorf("it says %q:\n%s", never, out)
		}
	}
}

// What is wrong with a template is told by its attribute, to everybody.
func TestAccBadInput(t *testing.T) {
	needPacker(t)
	n := newNobody(t)
	for _, rows := range [][]badRow{badTypes(), badSources(), badSizes(), badLayouts(), badSeeds(), badTemplates()} {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) { row.check(t, n) })
		}
	}
}

// What packer itself tells by the specification that the plugin gives it.
func badTypes() []badRow {
	return []badRow{
		source("elements as a word", attributes{"elements": `"tiny-os"`}, `attribute "elements"`, "list of string required"),
		source("elements as numbers of lists", attributes{"elements": `[["tiny-os"]]`}, `attribute "elements"`, "string required"),
		source("skip_base as a word", attributes{"skip_base": `"maybe"`}, `attribute "skip_base"`, "bool is required"),
		source("offline as a number", attributes{"offline": "3"}, `attribute "offline"`, "bool"),
		source("disk_size as a list", attributes{"disk_size": `["1G"]`}, `attribute "disk_size"`, "string required"),
		source("environment as a list", attributes{"environment": `["A=b"]`}, `attribute "environment"`, "map of string required"),
		source("environment with a list", attributes{"environment": `{ A = ["b"] }`}, `attribute "environment"`, "string required"),
		source("formats as a word", attributes{"formats": `"raw"`}, `attribute "formats"`, "list of string required"),
		source("mkfs_options as a number", attributes{"mkfs_options": "5"}, `attribute "mkfs_options"`, "list of string required"),
		source("root_label as a map", attributes{"root_label": "{}"}, `attribute "root_label"`, "string required"),
		source("unknown attribute", attributes{"elemnts": `["tiny-os"]`}, `"elemnts" is not expected`),
		{name: "unknown block", text: hclTemplate(nil, "  partition {\n    size = 3\n  }", ""), want: []string{`"partition"`, "not expected"}},
		seed("user_data as a map", attributes{"user_data": "{ hostname = \"a\" }"}, `attribute "user_data"`, "string required"),
		seed("pin_datasource as a word", attributes{"pin_datasource": `"sometimes"`}, `attribute "pin_datasource"`, "bool is required"),
		seed("unknown attribute of the seed", attributes{"userdata": `"#cloud-config\n{}\n"`}, `"userdata" is not expected`, `Did you mean "user_data"?`),
	}
}

func badSources() []badRow {
	return []badRow{
		source("no elements", attributes{"elements": ""}, "elements: name at least one"),
		source("empty list of elements", attributes{"elements": "[]"}, "elements: name at least one"),
		source("empty element", attributes{"elements": `["tiny-os", ""]`}, "elements: "),
		source("misspelt element", attributes{"elements": `["debian-minmal"]`}, "elements: ", `"debian-minmal" not found`, "did you mean debian-minimal?"),
		source("element of diskimage-builder", attributes{"elements": `["rocky-container"]`}, "elements: ",
			"RPM family) that is not built in yet", "put its directory diskimage_builder/elements on element_paths"),
		source("element with a slash", attributes{"elements": `["tiny-os", "../../etc"]`}, "elements: ", `"../../etc"`),
		source("elements in one word", attributes{"elements": `["tiny-os vm"]`}, "elements: ", "each name by itself"),
		source("one element twice", attributes{"elements": `["tiny-os", "tiny-os"]`}, `elements: element "tiny-os" is listed twice`, "list it once"),
		source("no operating system", attributes{"elements": `["probe"]`}, "elements: ", "no operating system element", "debian-minimal"),
		source("two operating systems", attributes{"elements": `["tiny-os", "debian-minimal"]`}, "elements: ", "operating-system", "only one"),
		source("two layouts", attributes{"elements": `["tiny-os", "block-device-gpt", "block-device-mbr"]`}, "elements: ", "block-device", "only one"),
		source("missing element path", attributes{"element_paths": `["@elements@", "/does/not/exist"]`}, `element_paths: `, `"/does/not/exist"`),
		source("relative element path", attributes{"element_paths": `["@elements@", "my/elements"]`}, `element_paths: `, `"@dir@/my/elements"`),
		source("empty element path", attributes{"element_paths": `["@elements@", ""]`}, "element_paths: ", "empty part"),
		source("file as element path", attributes{"element_paths": `["@elements@", "/etc/passwd"]`}, "element_paths: ", `"/etc/passwd" is not a directory`),
		source("misspelt infrastructure", attributes{"path_infrastructure": `["pkgmap"]`}, "path_infrastructure: ", `did you mean "pkg-map"?`),
		source("name of a variable with a digit", attributes{"environment": `{ "1A" = "x" }`}, `environment: "1A"`),
		source("name of a variable with =", attributes{"environment": `{ "A=B" = "x" }`}, `environment: "A=B"`),
		source("name of a variable with NUL", attributes{"environment": `{ "A\u0000" = "x" }`}, `environment: "A\x00" cannot be the name`),
		source("empty name of a variable", attributes{"environment": `{ "" = "x" }`}, `environment: ""`),
		source("variable with NUL", attributes{"environment": `{ A = "x\u0000hidden" }`}, "environment: the value of A has a NUL byte"),
		source("packages in one word", attributes{"packages": `["vim emacs"]`}, `packages: "vim emacs"`),
		source("package that is an option", attributes{"packages": `["--force-yes"]`}, `packages: "--force-yes"`),
		source("empty package", attributes{"packages": `[""]`}, `packages: ""`),
		source("architecture of uname", attributes{"architecture": `"x86_64"`}, `architecture: "x86_64"`, `"amd64"`),
		source("image name with a slash", attributes{"image_name": `"a/b"`}, `image_name: "a/b"`, "output_directory"),
		source("image name upwards", attributes{"image_name": `".."`}, `image_name: ".."`),
		source("image name with NUL", attributes{"image_name": `"a\u0000b"`}, "image_name: it has a NUL byte"),
		source("image name with a new line", attributes{"image_name": `"a\nb"`}, `image_name: "a\nb"`),
		source("long image name", attributes{"image_name": `"` + strings.Repeat("x", 300) + `"`}, "image_name: ", "too long"),
		source("output directory with NUL", attributes{"output_directory": `"@dir@/out\u0000"`}, "output_directory: ", "NUL"),
		source("work directory with NUL", attributes{"work_directory": `"/var/tmp\u0000"`}, "work_directory: ", "NUL"),
		source("unknown format", attributes{"formats": `["qcow"]`}, `formats: unknown image format "qcow"`, `did you mean "qcow2"?`),
		source("format in capitals", attributes{"formats": `["RAW"]`}, `formats: unknown image format "RAW"`, `did you mean "raw"?`),
		source("format that is to come", attributes{"formats": `["vmdk"]`}, `formats: the image format "vmdk" is not available`, "qemu-img convert"),
		source("format that is no format", attributes{"formats": `["img"]`}, `formats: the image format "img"`, `"raw"`),
		source("empty format", attributes{"formats": `[""]`}, `formats: `, "qcow2 and raw"),
		source("format twice", attributes{"formats": `["raw", "qcow2", "raw"]`}, `formats: "raw" is there twice`),
		source("misspelt compression", attributes{"qcow2_compression": `"zst"`}, `qcow2_compression: `, `did you mean "zstd"?`),
		source("misspelt root file system", attributes{"root_fs": `"ext5"`}, `root_fs: "ext5"`, `did you mean "ext4"?`),
		source("root file system that cannot be made", attributes{"root_fs": `"btrfs"`}, `root_fs: "btrfs"`, "ext4", "xfs"),
		source("root label too long for ext4", attributes{"root_label": `"seventeen-letters"`}, `root_label: "seventeen-letters" is too long for ext4: `, "17 bytes, at most 16"),
		source("root label too long for xfs", attributes{"root_label": `"thirteen-long"`, "root_fs": `"xfs"`}, "root_label: ", "13 bytes, at most 12"),
		source("root label with a quote", attributes{"root_label": `"it's"`}, "root_label: ", "the character '\\''"),
		source("tmpfs as a boolean", attributes{"tmpfs": "true"}, `tmpfs: "true"`, "auto, always, never"),
		source("misspelt tmpfs", attributes{"tmpfs": `"allways"`}, `tmpfs: "allways"`, `did you mean "always"?`),
		source("blank region", attributes{"region": `" "`}, "region: "),
		source("point of break", attributes{"environment": `{ break = "after-error,before-instal,after-root.d,install" }`}, "environment (break): ",
			`"before-instal"`, `did you mean "before-install"?`, `"after-root.d"`, `did you mean "after-root"?`, `"install"`, "before- and after- one of root, extra-data"),
		source("date of the image", attributes{"environment": `{ SOURCE_DATE_EPOCH = "yesterday" }`}, "environment (SOURCE_DATE_EPOCH): ", `"yesterday"`, "seconds"),
	}
}

func badSizes() []badRow {
	return []badRow{
		source("size in words", attributes{"disk_size": `"big"`}, `disk_size: "big" is not a size`, `"10G"`),
		source("size with an unknown unit", attributes{"disk_size": `"10X"`}, `disk_size: "10X"`, "use B, K, M, G or T"),
		source("unit without a size", attributes{"disk_size": `"G"`}, `disk_size: "G" is not a size`),
		source("size with a comma", attributes{"disk_size": `"1,5G"`}, `disk_size: "1,5G" is not a size`),
		source("negative size", attributes{"disk_size": `"-1G"`}, `disk_size: "-1G"`),
		source("size of zero", attributes{"disk_size": "0"}, `disk_size: "0" leaves no room`),
		source("size beyond all disks", attributes{"disk_size": `"99999999999T"`}, `disk_size: "99999999999T" is larger than any disk`),
		source("size of another notation", attributes{"disk_size": `"0x10p0"`}, `disk_size: `),
		source("disk too small for a file system", attributes{"disk_size": `"1M"`}, "disk_size: ", "at least 8 MiB"),
		source("disk too small for its partitions", attributes{"disk_size": `"100M"`, "elements": `["tiny-os", "block-device-efi"]`}, "disk_size: ", `partition "`, "raise disk_size"),
		source("disk too large for mbr", attributes{"disk_size": `"3T"`, "elements": `["tiny-os", "block-device-mbr"]`}, "disk_size: ", "2 TiB", "smaller or use gpt"),
		source("disk too small for xfs", attributes{"disk_size": `"100M"`, "root_fs": `"xfs"`, "root_label": `"r"`}, "disk_size: ", "300 MiB"),
		source("extra size in words", attributes{"image_extra_size": `"lots"`}, `image_extra_size: "lots"`),
		source("journal too small", attributes{"mkfs_journal_size": `"10K"`}, `mkfs_journal_size: "10K" is less than 1M`),
		source("journal larger than the disk", attributes{"mkfs_journal_size": `"2G"`, "disk_size": `"1G"`}, "mkfs_journal_size: ", "1 GiB"),
		source("variable of diskimage-builder", attributes{"environment": `{ DIB_IMAGE_SIZE = "5G" }`}, "disk_size (from DIB_IMAGE_SIZE)", `"5G"`, "number of GiB"),
		{name: "variable of the caller", text: hclTemplate(nil, "", ""), env: []string{"DIB_IMAGE_EXTRA_SIZE=-5"}, want: []string{"DIB_IMAGE_EXTRA_SIZE", `"-5"`}},
		source("sector size in words", attributes{"environment": `{ DIB_BLOCK_SIZE = "many" }`}, "environment (DIB_BLOCK_SIZE): ", `"many"`, "512 or 4096"),
		source("odd sector size", attributes{"environment": `{ DIB_BLOCK_SIZE = "1000" }`}, "environment (DIB_BLOCK_SIZE): ", "512 or 4096"),
	}
}

const (
	goodDisk = "- local_loop: { name: image0 }\n"
	goodRoot = "      mkfs: { type: ext4, mount: { mount_point: / } }\n"
)

func badLayouts() []badRow {
	const attribute = "environment (DIB_BLOCK_DEVICE_CONFIG): "
	partitions := func(table, list string) attributes {
		return layoutOf(goodDisk + "- partitioning:\n    base: image0\n    label: " + table + "\n    partitions:\n" + list)
	}
	return []badRow{
		source("layout that is not YAML", layoutOf("- local_loop:\n   name: image0\n  - x: ]"), attribute, "line 3"),
		source("layout that is a text", layoutOf("mbr"), attribute, "must be a list"),
		source("layout with an unknown node", layoutOf(goodDisk+"- partitionning: { base: image0 }"), attribute, "line 2", `did you mean "partitioning"?`),
		source("layout with volumes", layoutOf(goodDisk+"- lvm: { name: lvm, base: [ root ] }"), attribute, "line 2", "logical volumes"),
		source("layout without a disk", layoutOf("- mkfs: { base: image0, type: ext4, mount: { mount_point: / } }"), attribute, "image0"),
		source("layout without a root", layoutOf(goodDisk+"- mkfs: { base: image0, type: ext4 }"), attribute, "mount_point /"),
		source("disk of another name", layoutOf("- local_loop: { name: disk0 }"), attribute, "line 1", `"image0"`),
		source("two disks", layoutOf(goodDisk+"- local_loop: { name: image1 }"), attribute, "line 2", "one disk"),
		source("unknown table", partitions("dos", "    - name: root\n      size: 100%\n"+goodRoot), attribute, `"dos"`, "use mbr or gpt"),
		source("share above the whole", partitions("gpt", "    - name: root\n      size: 120%\n"+goodRoot), attribute, `partition "root", key "size"`, "at most 100%"),
		source("nothing left for a share", partitions("gpt", "    - name: root\n      size: 100%\n"+goodRoot+"    - name: rest\n      size: 10%\n"), attribute, `partition "rest", key "size"`, `nothing is left after "root"`),
		source("size of a partition in words", partitions("gpt", "    - name: root\n      size: all\n"+goodRoot), attribute, "line 6", `"all"`),
		source("partition without a size", partitions("gpt", "    - name: root\n"+goodRoot), attribute, `key "size"`, "required"),
		source("unknown type of a partition", partitions("gpt", "    - name: root\n      type: linux\n      size: 100%\n"+goodRoot), attribute, `"linux"`, "8300"),
		source("unknown flag of a partition", partitions("mbr", "    - name: root\n      flags: [ active ]\n      size: 100%\n"+goodRoot), attribute, `"active"`, "boot or primary"),
		source("logical partition", partitions("mbr", "    - name: root\n      size: 100%\n"+goodRoot), attribute, "primary"),
		source("unknown file system", partitions("gpt", "    - name: root\n      size: 100%\n      mkfs: { type: ext5, mount: { mount_point: / } }\n"), attribute, `key "type"`, `did you mean "ext4"?`),
		source("one mount point twice", partitions("gpt", "    - name: root\n      size: 50%\n"+goodRoot+"    - name: more\n      size: 100%\n      mkfs: { type: ext4, mount: { mount_point: / } }\n"), attribute, `key "mount_point"`, "used already"),
		source("one name twice", partitions("gpt", "    - name: root\n      size: 50%\n"+goodRoot+"    - name: root\n      size: 100%\n"), attribute, "line 9", "taken already"),
		source("relative mount point", partitions("gpt", "    - name: root\n      size: 100%\n      mkfs: { type: ext4, mount: { mount_point: srv } }\n"), attribute, `"srv"`, "absolute path"),
		source("missing layout file", attributes{"environment": `{ DIB_BLOCK_DEVICE_CONFIG = "file:///does/not/exist" }`}, attribute, "/does/not/exist"),
	}
}

// badSeeds keep their values to themselves: user data may be secret.
func badSeeds() []badRow {
	return []badRow{
		seed("user_data without a header", attributes{"user_data": `"hostname: a\n"`}, "user_data, line 1", "#cloud-config"),
		seed("user_data that is not YAML", attributes{"user_data": `"#cloud-config\nusers:\n- name: a\n  - name: b\n"`}, "user_data, line 4"),
		seed("user_data with a tab", attributes{"user_data": `"#cloud-config\nruncmd:\n\t- ls\n"`}, "user_data, line 3", "tab"),
		seed("user_data with a byte order mark", attributes{"user_data": `"\ufeff#cloud-config\n{}\n"`}, "user_data, line 1", "byte order mark"),
		seed("user_data with CRLF", attributes{"user_data": `"#cloud-config\r\nhostname: a\r\n"`}, "user_data, line 1", "CRLF"),
		seed("user_data that is a list", attributes{"user_data": `"#cloud-config\n- a\n"`}, "user_data, line 2"),
		seed("misspelt header", attributes{"user_data": `"#cloud-confg\n{}\n"`}, "user_data, line 1", "#cloud-config"),
		seed("script without an interpreter", attributes{"user_data": `"#!\necho\n"`}, "user_data, line 1", "#!/bin/sh"),
		seed("user_data twice", attributes{"user_data": `"#cloud-config\n{}\n"`, "user_data_file": `"/etc/hostname"`}, "user_data and user_data_file are both set"),
		seed("missing file", attributes{"user_data_file": `"/does/not/exist"`}, "user_data_file: ", "/does/not/exist"),
		seed("directory as a file", attributes{"vendor_data_file": `"/etc"`}, "vendor_data_file: ", "/etc"),
		seed("meta_data that is a list", attributes{"meta_data": `"- a\n"`}, "meta_data, line 1"),
		seed("instance-id that is a list", attributes{"meta_data": `"instance-id: [a]\n"`}, "meta_data, line 1", "instance-id"),
		seed("two hostnames", attributes{"meta_data": `"local-hostname: a\n"`, "hostname": `"b"`}, "meta_data, line 1", "hostname"),
		seed("hostname with a blank", attributes{"hostname": `"a b"`}, "hostname: "),
		seed("instance_id of every machine", attributes{"instance_id": `"nocloud"`}, "instance_id: "),
		seed("instance_id upwards", attributes{"instance_id": `".."`}, "instance_id: "),
		seed("network_config of no version", attributes{"network_config": `"ethernets: {}\n"`}, "network_config, line 1", "version: 2"),
		seed("network_config of version 3", attributes{"network_config": `"version: 3\n"`}, "network_config, line 1", "no such version"),
		seed("network_config with version 2 of text", attributes{"network_config": `"version: '2'\n"`}, "network_config, line 1", "without quotes"),
		seed("misspelt key of network_config", attributes{"network_config": `"version: 2\nethernet: {}\n"`}, "network_config, line 2", "did you mean ethernets?"),
		seed("address of network_config", attributes{"network_config": `"version: 2\nethernets:\n  eth0:\n    addresses: [dhcp]\n"`}, "network_config, line 4", "192.0.2.10/24"),
		seed("execute_command without the script", attributes{"execute_command": `"sudo sh"`}, "execute_command", "{{ .Path }}"),
		seed("relative remote_folder", attributes{"remote_folder": `"tmp"`}, "remote_folder must be an absolute path"),
		seed("template in instance_id", attributes{"instance_id": `"{{ nosuch }}"`}, "instance_id", "nosuch"),
	}
}

// What packer makes of whole templates.
func badTemplates() []badRow {
	several := hclTemplate(attributes{"disk_size": `"big"`, "formats": `["nope"]`, "root_fs": `"fat"`, "tmpfs": `"maybe"`,
		"packages": `["-x"]`, "image_name": `"a/b"`, "elements": `["debian-minmal", "rocky"]`}, "", "")
	everything := []string{"disk_size: ", "formats: ", "root_fs: ", "tmpfs: ", "packages: ", "image_name: ", "elements: ", "8 error(s)"}
	legacy := func(attributes string) string {
		return `{"builders": [{"type": "diskimage", "element_paths": ["@elements@"], "output_directory": "@dir@/out", "skip_base": true` + attributes + `}]}`
	}
	return []badRow{
		source("unknown function in a template", attributes{"environment": `{ A = "{{ nosuch }}" }`}, "environment", "nosuch"),
		source("unknown field in a template", attributes{"image_name": `"{{ .Nope }}"`}, "image_name: it has a {{ }} that stands for nothing"),
		source("unfinished template", attributes{"image_name": `"{{ build_name"`}, "image_name"),
		source("undeclared variable", attributes{"image_name": "var.name"}, "Unsupported attribute", `"name"`),
		{name: "variable without a value", text: "variable \"name\" { type = string }\n" + hclTemplate(attributes{"image_name": "var.name"}, "", ""), want: []string{"variable", "name", "Unset"}},
		{name: "several mistakes", text: several, want: everything},
		{name: "several mistakes, by build", text: several, want: everything, build: true},
		{name: "mistake in a size, by build", text: hclTemplate(attributes{"disk_size": `"10X"`}, "", ""), want: []string{"disk_size: "}, build: true},
		{name: "mistake in a seed, by build", text: seedTemplate(attributes{"user_data": `"x"`}), want: []string{"user_data, line 1"}, build: true},
		{name: "mistake in a layout, by build", text: hclTemplate(layoutOf("mbr"), "", ""), want: []string{"DIB_BLOCK_DEVICE_CONFIG"}, build: true},
		{name: "JSON: misspelt attribute", file: "t.json", text: legacy(`, "elemnts": ["tiny-os"]`), want: []string{"unknown configuration key", "elemnts"}},
		{name: "JSON: no elements", file: "t.json", text: legacy(``), want: []string{"elements: name at least one"}},
		{name: "JSON: wrong type", file: "t.json", text: legacy(`, "elements": ["tiny-os"], "environment": 5`), want: []string{"environment"}},
		{name: "JSON: size", file: "t.json", text: legacy(`, "elements": ["tiny-os"], "disk_size": "10X"`), want: []string{"disk_size: "}},
		{name: "JSON: unset variable", file: "t.json", text: `{"variables": {"name": null}, ` + legacy(`, "elements": ["tiny-os"], "image_name": "{{ user ` + "`name`" + ` }}"`)[1:], want: []string{"name"}},
		{name: "JSON: several mistakes, by build", file: "t.json", text: legacy(`, "elements": ["tiny-os"], "disk_size": 0, "tmpfs": "x"`), want: []string{"disk_size: ", "tmpfs: "}, build: true},
	}
}

// The table above is worth something only if good templates pass.
func TestAccGoodInput(t *testing.T) {
	needPacker(t)
	t.Parallel()
	n := newNobody(t)
	good := []attributes{
		{"disk_size": "2048"}, {"disk_size": `"1.5G"`}, {"disk_size": `"512m"`}, {"disk_size": `"2GB"`}, {"disk_size": `"1 GiB"`},
		{"disk_size": `"536870912B"`}, {"image_extra_size": `"100M"`, "mkfs_journal_size": `"16M"`},
		{"root_fs": `"xfs"`, "root_label": `"twelve-bytes"`, "disk_size": `"1G"`}, {"root_label": `"sixteen-letters-"`},
		{"packages": `["vim", "g++", "libc6:amd64", "vim=2:9.0"]`}, {"environment": `{ A = "", _b2 = "x=y z" }`},
		{"formats": `["raw", "qcow2"]`, "qcow2_compression": `"zstd"`}, {"elements": `["tiny-os", "vm"]`},
		{"elements": `["tiny-os", "vm", "vm"]`}, {"elements": `["tiny-os", "hen"]`}, {"image_name": `"grüße v1.0"`}, {"architecture": `"arm64"`}, {"path_infrastructure": `["pkg-map"]`},
		layoutOf(goodDisk + "- partitioning:\n    base: image0\n    label: gpt\n    partitions:\n    - name: root\n      size: 100%\n" + goodRoot),
	}
	// Two that need each other: diskimage-builder takes both.
	for element, needs := range map[string]string{"hen": "egg", "egg": "hen"} {
		dir := filepath.Join(n.elements, element)
		if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "element-deps"), []byte(needs+"\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	var text, names strings.Builder
	for i, change := range good {
		block := strings.ReplaceAll(hclTemplate(change, "", ""), `"tiny"`, fmt.Sprintf(`"good%d"`, i))
		text.WriteString(block[:strings.LastIndex(block, "build {")])
		fmt.Fprintf(&names, "\"source.diskimage.good%d\",\n", i)
	}
	seeds := []string{
		`user_data = "#cloud-config\nhostname: a\n"`, `user_data = "#!/bin/sh\ntrue\n"`,
		`user_data = "## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}\n"`, `network_config = "version: 2\nethernets: { eth0: { dhcp4: true } }\n"`,
		`meta_data = "{\"instance-id\": \"a\"}"`, "",
	}
	fmt.Fprintf(&text, "build {\n  sources = [%s]\n", names.String())
	for _, seed := range seeds {
		fmt.Fprintf(&text, "  provisioner \"diskimage-nocloud\" {\n    only = [\"diskimage.good0\"]\n    %s\n  }\n", seed)
	}
	status, out := n.run(t, "validate", "good.pkr.hcl", text.String()+"}\n")
	if status != 0 || !strings.Contains(out, "The configuration is valid.") || !strings.Contains(out, "building needs root") {
		t.Errorf("status %d:\n%s", status, out)
	}
	status, out = n.run(t, "validate", "note.pkr.hcl", hclTemplate(attributes{
		"formats": `["raw"]`, "qcow2_compression": `"zstd"`, "disk_size": `"1G"`, "image_extra_size": `"1G"`}, "", ""))
	if status != 0 || !strings.Contains(out, "qcow2_compression has no effect") || !strings.Contains(out, "image_extra_size has no effect") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

// A good template is not the place to look when root is what is missing.
func TestAccBuildingNeedsRoot(t *testing.T) {
	needPacker(t)
	n := newNobody(t)
	status, out := n.run(t, "build", "tiny.pkr.hcl", hclTemplate(nil, "", ""))
	if status != 1 || !strings.Contains(out, "this host cannot build the image") || !strings.Contains(out, "building needs root: run packer with sudo") {
		t.Errorf("status %d:\n%s", status, out)
	}
}
