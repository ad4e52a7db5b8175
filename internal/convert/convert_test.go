// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/golden"
)

// run is convert without a builder to ask, in a fixed place.
func run(t *testing.T, stdin string, args ...string) (status int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = Command{
		Arguments: args, Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr,
		Environment: func(string) (string, bool) { return "", false }, Directory: "/work",
	}.Run()
	return status, stdout.String(), stderr.String()
}

func TestGoldenTemplates(t *testing.T) {
	for name, status := range map[string]int{
		"flow.sh": StatusSame, "boot-notes.sh": StatusSame, "ci.sh": StatusDiffers,
		"images.yaml": StatusSame, "everything.sh": StatusDiffers,
	} {
		t.Run(name, func(t *testing.T) {
			got, out, said := run(t, "", filepath.Join("testdata", name))
			if got != status {
				t.Errorf("status %d, want %d", got, status)
			}
			golden.Compare(t, filepath.Join("testdata", name+".pkr.hcl"), out)
			golden.Compare(t, filepath.Join("testdata", name+".said"), said)
		})
	}
}

// attributes are those of the only source that a command line becomes.
func attributes(t *testing.T, args ...string) (map[string]any, source) {
	t.Helper()
	s, ok := toSource(Invocation{Program: diskProgram, Arguments: args})
	if !ok {
		t.Fatalf("%q: %v", args, s.said)
	}
	all := map[string]any{}
	for _, a := range s.attributes {
		all[a.name] = a.value
	}
	return all, s
}

func TestOptions(t *testing.T) {
	for _, tc := range []struct {
		line, attribute string
		want            any
	}{
		{"a vm", "elements", []string{"a", "vm"}},
		{"a -u vm -- -n", "elements", []string{"a", "vm", "-n"}},
		{"-o out/x a", "output_directory", "out"},
		{"-o /srv//out/../x a", "output_directory", "/srv"},
		{"-o x a", "output_directory", "."},
		{"a", "image_name", "image"},
		{"-o x.qcow2 a", "image_name", "x"},
		{"-o x.raw a", "image_name", "x.raw"},
		{"-o x.raw -t raw a", "image_name", "x"},
		{"-o x.raw.raw -t raw a", "image_name", "x.raw"},
		{"-o x.qcow2 -t qcow2,raw a", "image_name", "x.qcow2"},
		{"-o x -o y a", "image_name", "y"},
		{"-t raw,qcow2,raw a", "formats", []string{"raw", "qcow2"}},
		{"a", "formats", nil},
		{"-t tgz a", "formats", nil},
		{"-ax86_64 a", "architecture", "amd64"},
		{"-a arm64 a", "architecture", "arm64"},
		{"-un a", "qcow2_compression", "none"},
		{"-un a", "skip_base", true},
		{"-u -t raw a", "qcow2_compression", nil},
		{"-p a,b -pc -p d a", "packages", []string{"a", "b", "c", "d"}},
		{"-xx -x a", "environment", []Variable{{"DIB_DEBUG_TRACE", "3"}}},
		{"--image-s 5 a", "disk_size", "5G"},
		{"--image-size=2.5 a", "disk_size", "2.5G"},
		{"--image-extra-size 10 a", "image_extra_size", "10M"},
		{"--mkfs-j 10 a", "mkfs_journal_size", "10M"},
		{"--mkfs=-I256 a", "mkfs_options", []string{"-I256"}},
		{"--max 4096 a", "max_online_resize", int64(4096)},
		{"--image-cache c a", "image_cache_directory", "c"},
		{"--no a", "tmpfs", "never"},
		{"--off a", "offline", true},
		{"--root-label l a", "root_label", "l"},
		{"--install-type package a", "install_type", "package"},
		{"--qemu-img-options compression_type=zstd,compat=1.1 a", "qcow2_compression", "zstd"},
		{"--qemu-img-options compression_type=zstd,compat=1.1 a", "qemu_img_options", []Variable{{"compat", "1.1"}}},
	} {
		got, _ := attributes(t, strings.Fields(tc.line)...)
		if diff := cmp.Diff(tc.want, got[tc.attribute]); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", tc.line, tc.attribute, diff)
		}
	}
}

func TestVariablesInThePlaceOfOptions(t *testing.T) {
	for _, tc := range []struct {
		variable  Variable
		option    string
		attribute string
		want      any
	}{
		{Variable{"ARCH", "arm64"}, "", "architecture", "arm64"},
		{Variable{"ARCH", "arm64"}, "-aamd64", "architecture", "amd64"},
		{Variable{"IMAGE_NAME", "o/x"}, "", "image_name", "x"},
		{Variable{"SKIP_BASE", "1"}, "", "skip_base", true},
		{Variable{"SKIP_BASE", "true"}, "", "skip_base", nil},
		{Variable{"DIB_IMAGE_SIZE", "3"}, "", "disk_size", "3G"},
		{Variable{"DIB_IMAGE_SIZE", "3"}, "--image-size=4", "disk_size", "4G"},
		{Variable{"DIB_IMAGE_EXTRA_SIZE", "3"}, "", "image_extra_size", "3M"},
		{Variable{"DIB_JOURNAL_SIZE", "3"}, "", "mkfs_journal_size", "3M"},
		{Variable{"DIB_NO_TMPFS", "1"}, "", "tmpfs", "never"},
		{Variable{"DIB_NO_TMPFS", "0"}, "", "environment", []Variable{{"DIB_NO_TMPFS", "0"}}},
		{Variable{"DIB_OFFLINE", "1"}, "", "offline", true},
		{Variable{"DIB_DEFAULT_INSTALLTYPE", "package"}, "", "install_type", "package"},
		{Variable{"DIB_DEBUG_TRACE", "1"}, "-x", "environment", []Variable{{"DIB_DEBUG_TRACE", "2"}}},
		{Variable{"FS_TYPE", "xfs"}, "", "root_fs", "xfs"},
		{Variable{"TMPDIR", "/b"}, "", "work_directory", "/b"},
		{Variable{"TMP_DIR", "/b"}, "", "work_directory", "/b"},
		{Variable{"ELEMENTS_PATH", "a::/b"}, "", "element_paths", []string{"a", "/b"}},
		{Variable{"QEMU_IMG_OPTIONS", "compat=0.10"}, "", "qemu_img_options", []Variable{{"compat", "0.10"}}},
		{Variable{"ROOT_LABEL", "x"}, "", "root_label", nil},
		{Variable{"DIB_RELEASE", "trixie"}, "", "environment", []Variable{{"DIB_RELEASE", "trixie"}}},
	} {
		i := Invocation{Program: diskProgram, Arguments: []string{"a"}, Environment: []Variable{tc.variable}}
		if tc.option != "" {
			i.Arguments = append(i.Arguments, tc.option)
		}
		s, _ := toSource(i)
		var got any
		for _, a := range s.attributes {
			if a.name == tc.attribute {
				got = a.value
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%v %s: %s (-want +got):\n%s", tc.variable, tc.option, tc.attribute, diff)
		}
	}
}

func TestChecksums(t *testing.T) {
	for _, tc := range []struct{ line, variable, sums, file string }{
		{"a", "", "", ""},
		{"a", "0", "", ""},
		{"--checksum -o x a", "", "md5 sha256", "x.qcow2"},
		{"-o x -t raw a", "1", "md5 sha256", "x.raw"},
		{"-o x a", "sha256", "sha256", "x.qcow2"},
		{"-o x -t raw,qcow2 a", "md5,sha256", "md5 sha256", "x"},
	} {
		i := Invocation{Program: diskProgram, Arguments: strings.Fields(tc.line)}
		if tc.variable != "" {
			i.Environment = []Variable{{"DIB_CHECKSUM", tc.variable}}
		}
		s, _ := toSource(i)
		if strings.Join(s.checksums, " ") != tc.sums || s.file != tc.file {
			t.Errorf("%v: %q in %q", tc, s.checksums, s.file)
		}
	}
}

// What has another place, or none, is told.
func TestNothingGoesInSilence(t *testing.T) {
	for line, want := range map[string]string{
		"-c a":                        "note: -c is gone",
		"--logfile a.log a":           "PACKER_LOG_PATH=a.log",
		"--min-tmpfs 4 a":             "--min-tmpfs is gone",
		"--docker-target x a":         "--docker-target is gone",
		"--ramdisk-element x a":       "--ramdisk-element is gone",
		"--image-extra-size 3 a":      "MiB",
		"-t vhd a":                    `not the same: -t vhd: the image format "vhd" is not available`,
		"-t qcow3 a":                  `(did you mean "qcow2"?)`,
		"-t docker a":                 "so the template makes qcow2 instead",
		"-t , a":                      "-t has no format",
		"-o out/ a":                   "has no name for the file",
		"-u -t raw a":                 "no such file is made",
		"--qemu-img-options compat a": `"compat" is not NAME=VALUE`,
		"--checksum -t raw,qcow2 a":   "one file for each algorithm",
		"":                            "error: disk-image-create names no element",
		"--image-sise 3 a":            `unknown option --image-sise (did you mean "--image-size"?)`,
		"--image 3 a":                 "--image is ambiguous",
		"-o":                          "-o needs a value",
		"--offline=1 a":               "takes no value",
		"--help":                      "only prints",
		"-z a":                        "unknown option -z",
		"--mkfs-journal-sizes 3 a":    `did you mean "--mkfs-journal-size"`,
	} {
		s, _ := toSource(Invocation{Program: diskProgram, Arguments: strings.Fields(line)})
		var said strings.Builder
		for _, m := range s.said {
			said.WriteString(m.String() + "\n")
		}
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q: no %q in\n%s", line, want, said.String())
		}
	}
	for _, g := range gone {
		s, _ := toSource(Invocation{Program: diskProgram, Arguments: []string{"a"}, Environment: []Variable{{g.variable, "1"}}})
		if len(s.said) != 1 || !strings.Contains(s.said[0].Text, g.reason) {
			t.Errorf("%s: %v", g.variable, s.said)
		}
	}
	s, ok := toSource(Invocation{Program: ramdiskProgram, Arguments: []string{"a"}})
	if ok || s.said.worst() != Fatal || !strings.Contains(s.said[0].Text, "ramdisk") {
		t.Errorf("ramdisk: %v", s.said)
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	made := filepath.Join(dir, "made.pkr.hcl")
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("disk-image-create a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	line := []string{"--", "disk-image-create", "-o", "x", "a"}
	for _, tc := range []struct {
		args   []string
		stdin  string
		status int
		text   string
	}{
		{[]string{"--help"}, "", 0, "Usage: packer-plugin-diskimage convert"},
		{line, "", 0, `source "diskimage" "x"`},
		{[]string{"--", "A=1", "sudo", "-E", "B=2", "/opt/disk-image-create", "a"}, "", 0, "B = \"2\""},
		{nil, "disk-image-create a\n", 0, `elements         = ["a"]`},
		{[]string{"-"}, "- elements: [a]\n", 0, `elements         = ["a"]`},
		{[]string{"--from", "yaml"}, "[{elements: [a]}]", 0, `elements         = ["a"]`},
		{[]string{script}, "", 0, `elements         = ["a"]`},
		{append([]string{"-o", made}, line...), "", 0, ""},
		{append([]string{"-o", made}, line...), "", 1, "already there; -f replaces it"},
		{append([]string{"-f", "-o", made}, line...), "", 0, ""},
		{append([]string{"-o", filepath.Join(dir, "x.hcl")}, line...), "", 1, "x.pkr.hcl"},
		{append([]string{"-o", filepath.Join(dir, "no", "x.pkr.hcl")}, line...), "", 1, "no such file"},
		{[]string{"--from", "json"}, "", 1, "write script or yaml"},
		{[]string{"--unknown"}, "", 1, "see convert --help"},
		{[]string{"disk-image-create", "a"}, "", 1, "convert -- disk-image-create"},
		{append([]string{script}, line...), "", 1, "too much at once"},
		{[]string{"--", "ls"}, "", 1, "ls is not disk-image-create"},
		{[]string{"--", "A=1"}, "", 1, "there is no disk-image-create"},
		{[]string{"--", "disk-image-create", "a\x01"}, "", 1, "control characters"},
		{[]string{"--", "ramdisk-image-create", "a"}, "", 1, "builds no ramdisks"},
		{nil, "echo hello\n", 1, "there is no call"},
		{nil, "diskimage-builder images.yaml\n", 1, "give the YAML file itself"},
		{nil, "disk-image-create 'a", 1, "stdin: line 1: a single quote"},
		{nil, "a\xff", 1, "not a text"},
		{nil, strings.Repeat(" ", largestInput+1), 1, "larger than 512 KiB"},
		{[]string{"/does/not/exist"}, "", 1, "no such file"},
		{nil, "disk-image-create -o x a; disk-image-create -o x b\n", 2, "writes the same files as x"},
		{nil, "ramdisk-image-create a; disk-image-create b\n", 2, `elements         = ["b"]`},
	} {
		status, out, said := run(t, tc.stdin, tc.args...)
		if status != tc.status || !strings.Contains(out+said, tc.text) {
			t.Errorf("%q: status %d, want %d and %q in\n%s%s", tc.args, status, tc.status, tc.text, out, said)
		}
		if (status == StatusNothing) != (out == "") && tc.text != "" {
			t.Errorf("%q: status %d and the output\n%s", tc.args, status, out)
		}
	}
	if text, err := os.ReadFile(made); err != nil || !strings.Contains(string(text), `"x"`) {
		t.Errorf("%v\n%s", err, text)
	}
}
