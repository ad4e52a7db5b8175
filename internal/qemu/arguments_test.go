// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

func TestSpecsThatCannotBe(t *testing.T) {
	for _, tc := range []struct {
		spec Spec
		want string
	}{
		{Spec{}, "neither an image nor a kernel"},
		{Spec{Image: "a"}, "must be raw or qcow2"},
		{Spec{Image: "a", Format: "raw", Append: "quiet"}, "needs a kernel"},
		{Spec{Image: "a", Format: "raw", Firmware: "efi"}, "bios and uefi"},
		{Spec{Image: "a", Format: "raw", Accelerator: "hvf"}, "tcg and kvm"},
		{Spec{Image: "a", Format: "raw", Memory: -1}, "negative"},
		{Spec{Image: filepath.Join(t.TempDir(), "none"), Format: "raw"}, "looking at the image"},
	} {
		tc.spec.WorkDir = t.TempDir()
		_, err := Start(t.Context(), &command.Fake{}, tc.spec)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want %q", err, tc.want)
		}
		if left, _ := os.ReadDir(tc.spec.WorkDir); len(left) > 0 {
			t.Errorf("%s: %s is left", tc.want, left[0].Name())
		}
	}
}

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join(dir, "a,b:c")
	firmware := &UEFIFiles{Code: filepath.Join(dir, "code"), Variables: filepath.Join(dir, "vars")}
	for _, path := range []string{image, firmware.Code, firmware.Variables} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fake := &command.Fake{}
	m, err := Start(t.Context(), fake, Spec{
		Image: image, Format: "qcow2", DiskSize: 5 << 30, Media: []string{filepath.Join(dir, "seed")},
		Firmware: UEFI, UEFIFirmware: firmware, Kernel: "/k", Initrd: "/i", Append: "a=b c",
		ForwardSSH: true, Cards: 2, Isolated: true, SerialNumber: "ds=nocloud;h=x,y", OEMStrings: []string{"io.systemd,x"},
		FirmwareConfig: []FirmwareItem{{"opt/x", "content"}}, NoReboot: true, Memory: 333, CPUs: 3, WorkDir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	work := m.dir.Path()
	lines := fake.Lines()
	if len(lines) != 3 {
		t.Fatalf("got %q", lines)
	}
	for _, tc := range []struct{ line, want string }{
		{lines[1], "qemu-img create -q -f qcow2 -F qcow2 -b " + image + " " + work + "/overlay.qcow2 5368709120"},
		{lines[2], "-machine q35,graphics=off,vmport=off,pflash0=code,pflash1=variables"},
		{lines[2], "-accel tcg,thread=multi -cpu " + emulatedCPU + " -smp 3 -m 333"},
		{lines[2], "-kernel /k -initrd /i -append 'a=b c'"},
		{lines[2], `"type=1,serial=ds=nocloud;h=x,,y"`},
		{lines[2], "type=11,value=io.systemd,,x"},
		{lines[2], "restrict=on,hostfwd=tcp:" + m.SSHAddress() + "-:22"},
		{lines[2], "-netdev user,id=net1,restrict=on -device virtio-net-pci,netdev=net1,romfile="},
		{lines[2], "-no-reboot"},
		{lines[2], "name=opt/x,file=" + work + "/fw_cfg-0"},
		{lines[2], `"filename":"` + dir + `/seed"`},
		{lines[2], `"filename":"` + work + `/variables.fd"`},
	} {
		if !strings.Contains(strings.ReplaceAll(tc.line, "'type=1,serial=ds=nocloud;h=x,,y'", `"type=1,serial=ds=nocloud;h=x,,y"`), tc.want) {
			t.Errorf("no %s in\n%s", tc.want, tc.line)
		}
	}
	if strings.Contains(lines[2], image) {
		t.Error("QEMU opens the image itself instead of the overlay")
	}
	if err := errors.Join(m.Stop(t.Context()), m.Stop(t.Context()), m.Close()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(work); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the machine's directory: %v", err)
	}
}

func TestMissingProgramNamesPackages(t *testing.T) {
	missing := &command.Fake{Answer: func(command.Command) error { return errors.New("not found") }}
	_, err := Start(t.Context(), missing, Spec{Image: "a", Format: "raw"})
	if err == nil || !strings.Contains(err.Error(), "qemu-system-x86 on Debian") {
		t.Errorf("got %v", err)
	}
}

func TestFindUEFI(t *testing.T) {
	root := t.TempDir()
	if _, err := findUEFI(root); err == nil || !strings.Contains(err.Error(), "install ovmf (Debian, Ubuntu)") {
		t.Errorf("got %v", err)
	}
	put := func(path string) string {
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := put("usr/share/ovmf/OVMF.fd")
	code := put("usr/share/OVMF/OVMF_CODE.fd") // useless without its variables
	if got, err := findUEFI(root); err != nil || got != (UEFIFiles{Code: whole}) {
		t.Errorf("%v %v", got, err)
	}
	vars := put("usr/share/OVMF/OVMF_VARS.fd")
	if got, err := findUEFI(root); err != nil || got != (UEFIFiles{code, vars}) {
		t.Errorf("%v %v", got, err)
	}
}
