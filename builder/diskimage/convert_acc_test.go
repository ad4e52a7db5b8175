// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// convertTo runs the plugin's convert; the template is in the workspace.
func (w workspace) convertTo(name, stdin string, env []string, args ...string) string {
	w.t.Helper()
	binary, err := filepath.Abs("../../.bin/packer-plugin-diskimage")
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.dir, name+".pkr.hcl")
	cmd := exec.Command(binary, append([]string{"convert", "-o", path}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir, cmd.Stdin = w.dir, strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("convert %q of %q: %v\n%s", args, stdin, err, out)
	}
	return path
}

// Whatever can be built is converted to a template that packer takes.
func TestAccConvertedTemplatesAreValid(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	yaml, err := filepath.Abs("../../internal/convert/testdata/images.yaml")
	if err != nil {
		t.Fatal(err)
	}
	elements, err := filepath.Abs("testdata/elements")
	if err != nil {
		t.Fatal(err)
	}
	env := w.env("RELEASE=trixie", "WORKSPACE="+w.dir, "SIZE=4")
	for name, tc := range map[string]struct {
		stdin string
		args  []string
	}{
		"plain": {"", strings.Fields("-- disk-image-create -o out/x debian-minimal vm")},
		"full": {"", strings.Fields("-- DIB_RELEASE=bookworm http_proxy=http://p:3128 disk-image-create -xnu -a amd64 -o x.qcow2 -p vim,curl " +
			"--checksum --image-size 5.5 --image-cache c --max-online-resize 274877906944 --min-tmpfs 4 --mkfs-journal-size 32 " +
			"--mkfs-options -m1 --no-tmpfs --offline --qemu-img-options compat=0.10,cluster_size=2M --root-label r --install-type package " +
			"--logfile l.log base debian-minimal vm block-device-efi")},
		"yaml": {"", []string{yaml}},
		"variables": {`export DIB_RELEASE=$RELEASE ELEMENTS_PATH="$PWD:` + elements + `"
			disk-image-create -o "$WORKSPACE/x" --image-size $SIZE tiny-os vm`, nil},
		"awkward": {`export A='${b} %{c} {{ d }} "e" \ $' B=$'q' C='a
- ${b}
  {{ c }}
' DIB_BLOCK_DEVICE_CONFIG='
- local_loop:
    name: image0
- partitioning:
    base: image0
    label: gpt
    partitions:
      - name: root
        type: "8300"
        size: 100%
        mkfs: {mount: {mount_point: /}}
'
disk-image-create -o 'a "b" {{c}} ${d}' debian-minimal`, nil},
	} {
		path := w.convertTo(name, tc.stdin, env, tc.args...)
		if status, out := runPacker(t, w.dir, env, "validate", path); status != 0 {
			text, _ := os.ReadFile(path)
			t.Errorf("%s: packer validate: status %d\n%s\n%s", name, status, out, text)
		}
	}
	if status, out := runPacker(t, w.dir, env, "fmt", "-check", w.dir); status != 0 {
		t.Errorf("packer fmt -check: status %d\n%s", status, out)
	}
}

// planIn is the plan at the beginning of a build's output.
func planIn(t *testing.T, out string) []string {
	t.Helper()
	_, plan, found := strings.Cut(out, "Elements (")
	plan, _, ended := strings.Cut(plan, ": root.d: ")
	if !found || !ended {
		t.Fatalf("no plan in\n%s", out)
	}
	return strings.Split(plan, "\n")
}

// A command line that is converted builds what a template written for it does.
func TestAccConvertedImageIsAsWritten(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	if status, out := runPacker(t, w.dir, w.env(), "build", w.template(`
  elements          = ["tiny-os", "probe", "block-device-gpt"]
  formats           = ["raw", "qcow2"]
  disk_size         = "64M"
  root_label        = "tiny"
  max_online_resize = 4194304
  install_type      = "package"
  tmpfs             = "never"
  qemu_img_options  = { cluster_size = "128k" }
`, "")); status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	} else {
		script := fmt.Sprintf(`#!/bin/sh
export ELEMENTS_PATH=%s TMP_DIR=%s
disk-image-create -n -o %s/tiny -t raw,qcow2 --checksum --image-size 0.0625 \
    --max-online-resize 4194304 --qemu-img-options cluster_size=128k --root-label tiny \
    --no-tmpfs --install-type package tiny-os probe block-device-gpt
`, mustAbs(t, "testdata/elements"), w.work, w.output)
		path := w.convertTo("converted", script, nil)
		if err := os.RemoveAll(w.output); err != nil {
			t.Fatal(err)
		}
		status, second := runPacker(t, w.dir, w.env(), "build", path)
		if status != 0 {
			t.Fatalf("status %d:\n%s", status, second)
		}
		if diff := cmp.Diff(planIn(t, out), planIn(t, second)); diff != "" {
			t.Errorf("the plans (-written +converted):\n%s", diff)
		}
	}
	checkConverted(t, w)
	w.assertClean()
}

func checkConverted(t *testing.T, w workspace) {
	t.Helper()
	raw, qcow2 := filepath.Join(w.output, "tiny.raw"), filepath.Join(w.output, "tiny.qcow2")
	if info := judge(t, "qemu-img", "info", qcow2); !strings.Contains(info, "cluster_size: 131072") {
		t.Errorf("qemu_img_options had no effect:\n%s", info)
	}
	_, partitions := partitionsOf(t, raw)
	// 4 Mi blocks need two blocks of group descriptors, one of them later;
	// mke2fs by itself reserves 256.
	super := judge(t, "dumpe2fs", "-h", extract(t, raw, partitions[1]))
	if !strings.Contains(super, "Reserved GDT blocks:      1\n") {
		t.Errorf("max_online_resize had no effect:\n%s", super)
	}
	for _, sum := range []string{"md5", "sha256"} {
		text, err := os.ReadFile(filepath.Join(w.output, "tiny."+sum))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{raw, qcow2} {
			if digest, _, _ := strings.Cut(judge(t, sum+"sum", file), " "); !strings.Contains(string(text), digest) {
				t.Errorf("%s of %s is not in\n%s", sum, file, text)
			}
		}
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}
