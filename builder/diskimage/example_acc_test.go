// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/qemu"
)

// exampleImage is example/debian-cloud.pkr.hcl, built once for all boots.
type exampleImage struct {
	qcow2, raw, manifest string
	key                  string // private key of the user demo
	buildNote, bootNote  string
	instanceID           string
}

func nonce(t *testing.T) string {
	t.Helper()
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return "nonce-" + hex.EncodeToString(b)
}

func buildExample(t *testing.T) exampleImage {
	t.Helper()
	w := newWorkspace(t)
	e := exampleImage{buildNote: nonce(t), bootNote: nonce(t), instanceID: "iid-" + nonce(t), key: filepath.Join(w.dir, "key")}
	judge(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", e.key)
	public, err := os.ReadFile(e.key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	template, err := filepath.Abs("../../example/debian-cloud.pkr.hcl")
	if err != nil {
		t.Fatal(err)
	}
	status, out := runPacker(t, w.dir, w.env("TMPDIR="+w.tmp()), "build",
		"-var", "output_directory="+w.output, "-var", "ssh_public_key="+strings.TrimSpace(string(public)),
		"-var", "build_note="+e.buildNote, "-var", "boot_note="+e.bootNote, "-var", "instance_id="+e.instanceID, template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	e.qcow2, e.raw = filepath.Join(w.output, "debian-cloud.qcow2"), filepath.Join(w.output, "debian-cloud.raw")
	e.manifest = filepath.Join(w.output, "manifest.json")
	return e
}

// bootDeadline is generous: the processor is emulated and shared.
const bootDeadline = 8 * time.Minute

func TestAccExample(t *testing.T) {
	needPacker(t)
	t.Parallel()
	e := buildExample(t)
	t.Run("files", func(t *testing.T) { checkExampleFiles(t, e) })
	t.Run("boots", func(t *testing.T) {
		for name, spec := range map[string]qemu.Spec{
			"SeaBIOS": {Image: e.qcow2, Format: "qcow2", Firmware: qemu.BIOS},
			"OVMF":    {Image: e.raw, Format: "raw", Firmware: qemu.UEFI},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				bootExample(t, e, spec)
			})
		}
		t.Run("kernel directly", func(t *testing.T) {
			t.Parallel()
			bootKernel(t, e)
		})
	})
}

func checkExampleFiles(t *testing.T, e exampleImage) {
	judge(t, "qemu-img", "check", e.qcow2)
	judge(t, "qemu-img", "compare", e.qcow2, e.raw)
	root := checkTable(t, e.raw, "gpt", 3, 2)
	checkFilesystem(t, "ext4", root)
	// Nothing of the build stays in the image.
	for _, path := range []string{"/tmp/in_target.d", "/usr/local/bin/pkg-map", "/etc/resolv.conf.ORIG", "/usr/sbin/policy-rc.d"} {
		if got := judge(t, "debugfs", "-R", "stat "+path, root); strings.Contains(got, "Inode:") {
			t.Errorf("%s is in the image", path)
		}
	}
	seed := judge(t, "debugfs", "-R", "stat /var/lib/cloud/seed/nocloud/user-data", root)
	if !strings.Contains(seed, "Mode:  0600") {
		t.Errorf("the seed is not private:\n%s", seed)
	}
	text, err := os.ReadFile(e.manifest)
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Builds []struct {
			BuilderType string `json:"builder_type"`
			ArtifactID  string `json:"artifact_id"`
			Files       []struct{ Name string }
		}
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if b := manifest.Builds; len(b) != 1 || b[0].BuilderType != "diskimage" || !strings.HasPrefix(b[0].ArtifactID, "sha256:") || len(b[0].Files) != 2 {
		t.Errorf("manifest: %s", text)
	}
	sums := filepath.Join(filepath.Dir(e.qcow2), "SHA256SUMS")
	list, err := os.ReadFile(sums)
	if err != nil {
		t.Fatal(err)
	}
	digest := strings.TrimPrefix(manifest.Builds[0].ArtifactID, "sha256:")
	if !strings.Contains(string(list), digest) {
		t.Errorf("the artifact's id %s is not a digest of the checksum file:\n%s", digest, list)
	}
}

// bootExample boots the image on a larger disk and asks it over the serial
// console and over ssh what became of it.
func bootExample(t *testing.T, e exampleImage, spec qemu.Spec) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*bootDeadline)
	defer cancel()
	spec.DiskSize, spec.ForwardSSH, spec.Isolated = 8<<30, true, true
	m, err := qemu.Start(ctx, command.Host{}, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	m.Mark()
	if _, err := m.WaitFor(ctx, finished, misled); err != nil {
		t.Fatal(err)
	}
	for _, note := range []string{e.buildNote, e.bootNote} {
		if !strings.Contains(m.Console(), note) {
			t.Errorf("%s did not come over the serial console", note)
		}
	}
	checkGuest(t, ctx, e, m.SSHAddress())
	if spec.Firmware == qemu.BIOS {
		seedBySSH(t, ctx, e, m.SSHAddress())
	}
}

func checkGuest(t *testing.T, ctx context.Context, e exampleImage, address string) {
	t.Helper()
	status := inGuest(t, ctx, e, address, "cloud-init status --long --wait || true")
	if !regexp.MustCompile(`(?m)^status: done$`).MatchString(status) || !strings.Contains(status, "DataSourceNoCloud") {
		t.Errorf("cloud-init is not done: %s", status)
	}
	if id := strings.TrimSpace(inGuest(t, ctx, e, address, "sudo cat /var/lib/cloud/data/instance-id")); id != e.instanceID {
		t.Errorf("instance-id %q, want %q", id, e.instanceID)
	}
	var kib int64
	size := inGuest(t, ctx, e, address, "df --output=size / | tail -n 1")
	if _, err := fmt.Sscan(size, &kib); err != nil || kib < 6<<20 {
		t.Errorf("the root file system has %s KiB on a disk of 8 GiB (%v)", strings.TrimSpace(size), err)
	}
	if failed := inGuest(t, ctx, e, address, "systemctl list-units --state=failed --no-legend --plain"); strings.TrimSpace(failed) != "" {
		t.Errorf("failed units:\n%s", failed)
	}
	id := strings.TrimSpace(inGuest(t, ctx, e, address, "cat /etc/machine-id"))
	if len(id) != 32 {
		t.Errorf("machine-id %q was not made at first boot", id)
	}
}

// inGuest runs a command in the guest over ssh.
func inGuest(t *testing.T, ctx context.Context, e exampleImage, address, script string) string {
	t.Helper()
	return login{"demo", e.key, address}.run(t, ctx, script)
}

// kernelOf takes kernel and initial ramdisk out of the root file system of an image.
func kernelOf(t *testing.T, root string) (kernel, initrd string) {
	t.Helper()
	names := judge(t, "debugfs", "-R", "ls -p /boot", root)
	dir := t.TempDir()
	dump := func(prefix string) string {
		found := regexp.MustCompile(`/(` + prefix + `[^/]*)/`).FindStringSubmatch(names)
		if found == nil {
			t.Fatalf("no %s in /boot: %s", prefix, names)
		}
		path := filepath.Join(dir, prefix)
		judge(t, "debugfs", "-R", "dump /boot/"+found[1]+" "+path, root)
		return path
	}
	return dump("vmlinuz-"), dump("initrd.img-")
}

// bootKernel boots the image's own kernel without a boot loader. The boot ends with
// the file that the build left, as systemd.run asks for: the other boots go on.
func bootKernel(t *testing.T, e exampleImage) {
	_, partitions := partitionsOf(t, e.raw)
	kernel, initrd := kernelOf(t, extract(t, e.raw, partitions[2]))
	ctx, cancel := context.WithTimeout(t.Context(), 2*bootDeadline)
	defer cancel()
	m, err := qemu.Start(ctx, command.Host{}, qemu.Spec{
		Image: e.qcow2, Format: "qcow2", Kernel: kernel, Initrd: initrd, Isolated: true,
		Append: `root=LABEL=cloudimg-rootfs ro console=ttyS0 systemd.run="/bin/cat /etc/example/build-note" ` + slowMachine,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	if _, err := m.WaitFor(ctx, qemu.Text(e.buildNote)); err != nil {
		t.Fatal(err)
	}
}
