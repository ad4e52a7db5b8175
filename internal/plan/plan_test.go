// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/golden"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
)

const efiLayout = `
- local_loop:
    name: image0
- partitioning:
    base: image0
    label: gpt
    partitions:
      - name: ESP
        type: 'EF00'
        size: 550MiB
        mkfs: { type: vfat, mount: { mount_point: /boot/efi, fstab: { options: defaults, fsck-passno: 2 } } }
      - name: BSP
        type: 'EF02'
        size: 8MiB
      - name: root
        type: '8300'
        size: 100%
        mkfs: { name: mkfs_root, type: ext4, mount: { mount_point: /, fstab: { options: defaults, fsck-passno: 1 } } }
`

// fixture is a catalogue of a few elements.
func fixture(t *testing.T) *element.Catalog {
	t.Helper()
	script := &fstest.MapFile{Data: []byte("#!/bin/sh\n"), Mode: 0o755}
	tree := fstest.MapFS{
		"os/element-provides":           {Data: []byte("operating-system\n")},
		"os/root.d/08-os":               script,
		"os/install.d/10-os":            script,
		"base/install.d/9-base":         script,
		"debootstrap/root.d/05-x":       script,
		"extra/element-deps":            {Data: []byte("os\n")},
		"extra/install.d/50-extra":      script,
		"extra/install.d/60-forgotten":  {Data: []byte("#!/bin/sh\n"), Mode: 0o644},
		"extra/environment.d/10-extra":  {Data: []byte("export A=b\n")},
		"efi/element-provides":          {Data: []byte("block-device\n")},
		"efi/block-device-default.yaml": {Data: []byte(efiLayout)},
		"grub/element-provides":         {Data: []byte("bootloader\n")},
		"twin/install.d/50-extra":       script,
	}
	var root fs.FS = tree
	catalogue, _, err := element.Load(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	return catalogue
}

func request() Request {
	return Request{
		Elements: []string{"os", "extra", "efi"}, Architecture: "amd64",
		OutputDirectory: "out", ImageName: "image", Packages: []string{"vim", "curl"},
		Formats: []image.Format{image.QCOW2, image.Raw}, Compression: image.Zstd,
		RootFS: "ext4", Memory: MemoryAuto, DiskSize: 4 << 30, ImageCache: "/cache",
	}
}

func ableHost() Inventory {
	programs := map[string]string{}
	for _, name := range Programs() {
		programs[name] = "/usr/bin/" + name
	}
	return Inventory{OS: "linux", Architecture: "amd64", Root: true, Programs: programs,
		MemoryAvailable: 8 << 30, FreeSpace: map[string]int64{"work_directory": 50 << 30, "output_directory": 50 << 30}}
}

func TestGoldenPlan(t *testing.T) {
	p, err := New(request(), fixture(t), ableHost())
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Problems) > 0 {
		t.Errorf("problems on a host that has everything: %q", p.Problems)
	}
	text, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"efi.txt": p.Text() + "\n", "efi.json": string(text)} {
		golden.Compare(t, filepath.Join("testdata", name), got)
	}
}

func TestPlanIsTheSameEveryTime(t *testing.T) {
	first, err := New(request(), fixture(t), ableHost())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := New(request(), fixture(t), ableHost())
		if err != nil {
			t.Fatal(err)
		}
		if again.Text() != first.Text() {
			t.Fatalf("the plan changed:\n%s\n%s", first.Text(), again.Text())
		}
	}
}

func TestMistakesNameTheirAttribute(t *testing.T) {
	cases := []struct {
		name      string
		change    func(*Request)
		attribute string
		text      string
	}{
		{"unknown element", func(r *Request) { r.Elements = []string{"os", "extro"} }, "elements", "did you mean extra?"},
		{"no operating system", func(r *Request) { r.Elements = []string{"efi"} }, "elements", "operating"},
		{"duplicate hook", func(r *Request) { r.Elements = []string{"os", "extra", "twin"} }, "elements", "install.d/50-extra"},
		{"disk too small", func(r *Request) { r.DiskSize = 100 << 20 }, "disk_size", "ESP"},
		{"bad layout", func(r *Request) { r.Environment = map[string]string{"DIB_BLOCK_DEVICE_CONFIG": "- nonsense: 1"} }, "environment (DIB_BLOCK_DEVICE_CONFIG)", "nonsense"},
		{"missing layout file", func(r *Request) {
			r.Environment = map[string]string{"DIB_BLOCK_DEVICE_CONFIG": "file:///does/not/exist"}
		}, "environment (DIB_BLOCK_DEVICE_CONFIG)", "/does/not/exist"},
		{"sector size", func(r *Request) { r.Environment = map[string]string{"DIB_BLOCK_SIZE": "many"} }, "environment (DIB_BLOCK_SIZE)", "many"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := request()
			tc.change(&r)
			_, err := New(r, fixture(t), ableHost())
			var wrong *AttributeError
			if !errors.As(err, &wrong) || wrong.Attribute != tc.attribute || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want %s … %s", err, tc.attribute, tc.text)
			}
		})
	}
}

func TestHostProblems(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Inventory, *Request)
		text   string
	}{
		{"another system", func(h *Inventory, _ *Request) { h.OS = "darwin" }, "darwin"},
		{"no root", func(h *Inventory, _ *Request) { h.Root = false }, "root"},
		{"no namespaces", func(h *Inventory, _ *Request) { h.NotIsolated = "no namespaces here" }, "no namespaces here"},
		{"no loop", func(h *Inventory, _ *Request) { h.NoLoop = "no loop devices" }, "no loop devices"},
		{"foreign architecture", func(_ *Inventory, r *Request) { r.Architecture = "arm64" }, "arm64"},
		{"no qemu-img", func(h *Inventory, _ *Request) { delete(h.Programs, "qemu-img") }, "qemu-utils"},
		{"no mke2fs", func(h *Inventory, _ *Request) { delete(h.Programs, "mke2fs") }, "e2fsprogs"},
		{"no bootstrap tool", func(h *Inventory, r *Request) {
			delete(h.Programs, "mmdebstrap")
			delete(h.Programs, "debootstrap")
			r.Elements = append(r.Elements, "debootstrap")
		}, "mmdebstrap or debootstrap"},
		{"existing output", func(h *Inventory, _ *Request) { h.ExistingOutputs = []string{"out/image.raw"} }, "out/image.raw"},
		{"work directory without execution", func(h *Inventory, r *Request) { h.NoExec, r.Memory = true, MemoryNever }, "noexec"},
		{"no space for outputs", func(h *Inventory, _ *Request) { h.FreeSpace["output_directory"] = 1 << 20 }, "output_directory"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			host, r := ableHost(), request()
			tc.change(&host, &r)
			p, err := New(r, fixture(t), host)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Problems) != 1 || !strings.Contains(p.Problems[0], tc.text) {
				t.Errorf("got %q, want one with %q", p.Problems, tc.text)
			}
		})
	}
}

func TestForceAllowsExistingOutputs(t *testing.T) {
	host, r := ableHost(), request()
	host.ExistingOutputs, r.Force = []string{"out/image.raw"}, true
	p, err := New(r, fixture(t), host)
	if err != nil || len(p.Problems) != 0 {
		t.Errorf("%v %q", err, p.Problems)
	}
}

func TestMemory(t *testing.T) {
	cases := []struct {
		memory    Memory
		available int64
		inMemory  bool
	}{
		{MemoryAuto, 8 << 30, true}, {MemoryAuto, 1 << 30, false},
		{MemoryNever, 8 << 30, false}, {MemoryAlways, 1 << 30, true},
	}
	for _, tc := range cases {
		host, r := ableHost(), request()
		host.MemoryAvailable, r.Memory = tc.available, tc.memory
		p, err := New(r, fixture(t), host)
		if err != nil || p.Workspace.MemoryBytes > 0 != tc.inMemory {
			t.Errorf("%+v: %v %d", tc, err, p.Workspace.MemoryBytes)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		5: "5 bytes", 2048: "2 KiB (2048 bytes)", 4 << 30: "4 GiB (4294967296 bytes)",
		1500 << 20: "1.5 GiB (1572864000 bytes)",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestMissingBootLoaderIsTold(t *testing.T) {
	for extra, want := range map[string]bool{"base": true, "grub": false} {
		r := request()
		r.Elements = append(r.Elements, extra)
		p, err := New(r, fixture(t), ableHost())
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(p.Notes, "\n"), "no boot loader"); got != want {
			t.Errorf("with %s: %q", extra, p.Notes)
		}
	}
}

func TestOverruledWishesAreTold(t *testing.T) {
	r := request()
	r.RootFS, r.RootLabel = "xfs", "mine"
	p, err := New(r, fixture(t), ableHost())
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(p.Notes, "\n")
	if want := `root_fs = "xfs" has no effect: element efi: block-device-default.yaml says "ext4"`; !strings.Contains(notes, want) {
		t.Errorf("no %q in\n%s", want, notes)
	}
	if strings.Contains(notes, "root_label") {
		t.Errorf("the label is what was wished for:\n%s", notes)
	}
}

func TestVariablesThatNobodyReadsAreTold(t *testing.T) {
	tree := fixture(t)
	for given, want := range map[string]string{
		"DIB_IMAGE_SIZE": "", "DIB_INSTALLTYPE_os": "", "A": "",
		"DIB_IMAGE_SIEZ": "environment: DIB_IMAGE_SIEZ has no effect: neither an element of this image nor the builder reads it; did you mean DIB_IMAGE_SIZE?",
	} {
		r := request()
		r.Given = []string{given}
		p, err := New(r, tree, ableHost())
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(p.Notes, "\n")
		if want != "" && !strings.Contains(notes, want) || want == "" && strings.Contains(notes, "has no effect: neither") {
			t.Errorf("%s: %q", given, notes)
		}
	}
}
