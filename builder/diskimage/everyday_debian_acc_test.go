// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/qemu"
)

// everydayDebian uses many elements at once. The root is the first partition of
// a script of sfdisk; the second is where grub for BIOS goes.
const everydayDebian = `
  elements = ["debian-minimal", "mine", "vm", "partitioning-sfdisk", "baremetal", "grub2", "dhcp-all-interfaces",
    "stable-interface-names", "enable-serial-console", "sysctl", "dynamic-login", "selinux-permissive", "ensure-venv", "first-boot-probe"]
  skip_base   = false
  formats     = ["raw"]
  environment = {
    DIB_DEBIAN_KERNEL              = "linux-image-cloud-amd64"
    DIB_DHCP_TIMEOUT               = "300"
    DIB_PARTITIONING_SFDISK_SCHEMA = <<-EOT
      label: gpt
      start=2048, size=1400M, type=L, name=root
      size=1M, type=21686148-6449-6E6F-744E-656564454649
      0,0
    EOT
  }`

// TestAccEverydayDebian builds one Debian with most everyday elements and boots
// it with the kernel that baremetal put out: two network cards get addresses,
// root logs in with the password of the command line, on a port that the kernel
// has no console on, and finds the parameter set. Scripts of first-boot.d run
// before that login, and not again when the machine boots once more.
func TestAccEverydayDebian(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	more := w.element("mine", "install.d/60-sysctl", `sysctl-set-value kernel.panic 4711
# A slow machine types slowly.
sed -i 's/^LOGIN_TIMEOUT.*/LOGIN_TIMEOUT 0/' /etc/login.defs
`)
	probe := newFirstBootProbe(t, w)
	template := w.template(everydayDebian, "")
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	// The workspace's templates are for tiny-os, which needs no base.
	if err := os.WriteFile(template, []byte(strings.Replace(string(text), "skip_base        = true\n", "", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+more), "build", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	probe.check(t, checkEverydayDebian(t, w))
	bootEverydayDebian(t, w, probe)
}

// checkEverydayDebian looks at the files and returns the root file system.
func checkEverydayDebian(t *testing.T, w workspace) (root string) {
	raw := filepath.Join(w.output, "tiny.raw")
	label, partitions := partitionsOf(t, raw)
	if label != "gpt" || len(partitions) != 2 || partitions[0].Start != 2048 || partitions[0].Size != 1400<<11 || partitions[1].Size != 2048 {
		t.Errorf("table %s: %+v", label, partitions)
	}
	if said := judge(t, "sgdisk", "-v", raw); !strings.Contains(said, "No problems found") {
		t.Errorf("sgdisk: %s", said)
	}
	root = extract(t, raw, partitions[0])
	checkFilesystem(t, "ext4", root)
	image := filesOf(t, root, "/etc", "/var/lib/dpkg", "/usr/lib/grub", "/usr/lib/systemd/system")
	for _, unit := range []string{"dynamic-login.service", "ssh.service"} {
		wantUnit(t, image, "multi-user.target.wants/"+unit, true)
	}
	wantSaid(t, image+"/etc/selinux/config", "SELINUX=permissive", "SELINUXTYPE=default")
	packages, err := os.ReadFile(image + "/var/lib/dpkg/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"grub-efi-amd64-signed", "shim-signed", "grub-pc-bin", "isc-dhcp-client", "ifupdown", "ndisc6", "openssh-server", "python3-venv"} {
		if !regexp.MustCompile(`(?m)^Package: ` + name + "\n(Protected: yes\n)?Status: install ok installed$").Match(packages) {
			t.Errorf("the package %s is not installed", name)
		}
	}
	// grub's first stage is in the first sector and its second in the partition for it.
	bios := extract(t, raw, partitions[1])
	if content, err := os.ReadFile(bios); err != nil || !strings.Contains(string(content), "loader") && len(strings.Trim(string(content), "\x00")) < 4096 {
		t.Errorf("there is no grub in the BIOS boot partition (%v)", err)
	}
	return root
}

// everydayHash is "everyday" by `openssl passwd -6 -salt everyday`.
const everydayHash = "$6$everyday$zQqsJRErU8qbeyAfPAjUSNESCgi2vIklO0rRJt0l/ksP9lXnsGkfRl4mNkvVQweVX9EoITCZxmlCnQy2NxppT1"

func bootEverydayDebian(t *testing.T, w workspace, probe firstBootProbe) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*bootDeadline)
	defer cancel()
	m, err := qemu.Start(ctx, command.Host{}, qemu.Spec{
		Image: filepath.Join(w.output, "tiny.raw"), Format: "raw",
		Kernel: filepath.Join(w.output, "tiny.vmlinuz"), Initrd: filepath.Join(w.output, "tiny.initrd"),
		// Without a console on the serial port the kernel says nothing there, and
		// systemd offers no login by itself.
		Append: `root=LABEL=cloudimg-rootfs ro console=tty0 ` + slowMachine + ` rootpwd="` + everydayHash + `"`,
		Cards:  2, Isolated: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	c := &conversation{t: t, ctx: ctx, machine: m}
	logIn := func(send string) {
		c.ask(send, `login: *$`)
		c.ask("root", `Password: *$`)
		c.ask("everyday", `root@debian:~# *$`)
	}
	logIn("")
	c.ask("systemctl start network-online.target; echo on''line", `^online`)
	c.ask("sysctl kernel.panic", `^kernel.panic = 4711`)
	c.ask(`echo "addresses: "$(ip -o -4 address show scope global | awk '{print $2}' | sort | tr '\n' ' ')end`, `^addresses: en\S+ en\S+ end`)
	c.ask("echo configured: $(grep -c 'inet dhcp' /etc/network/interfaces) cards", `^configured: 2 cards`)
	c.ask("echo failed: $(systemctl --failed --no-legend --plain | awk '{print $1}') none", `^failed: diskimage-first-boot.service none`)
	probe.first(t, c)
	logIn("sync; reboot -f")
	probe.second(t, c)
}

// conversation is held over the serial console of a machine.
type conversation struct {
	t       *testing.T
	ctx     context.Context
	machine *qemu.Machine
}

// ask types a line, unless it is empty, and returns the line of the answer that
// matches want.
func (c *conversation) ask(text, want string) string {
	c.t.Helper()
	if text != "" {
		if err := c.machine.Send(text + "\n"); err != nil {
			c.t.Fatal(err)
		}
	}
	line, err := c.machine.WaitFor(c.ctx, qemu.Pattern(regexp.MustCompile(want)))
	if err != nil {
		c.t.Fatal(err)
	}
	c.machine.Mark()
	return line
}

// console is all that was said so far.
func (c *conversation) console() string { return c.machine.Console() }
