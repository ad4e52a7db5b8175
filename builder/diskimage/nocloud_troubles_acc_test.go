// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// trouble is something on a machine that keeps a seed from being read.
type trouble struct{ path, text, says string }

var troubles = []trouble{
	{"/etc/cloud/cloud.cfg.d/99-installer.cfg", "datasource_list: [ Ec2 ]", ""}, // the pin is read after it
	{"/etc/cloud/cloud.cfg.d/subiquity-disable-cloudinit-networking.cfg", "network: {config: disabled}",
		"subiquity-disable-cloudinit-networking.cfg configures the network, or turns that off"},
	{"/etc/default/grub", `GRUB_CMDLINE_LINUX="ds=ec2"`, "/etc/default/grub has ds= (or ci.ds=) for the kernel"},
	{"/boot/grub/grub.cfg", "linux /vmlinuz ro cloud-init=disabled", "/boot/grub/grub.cfg has cloud-init=disabled"},
	{"/etc/cloud/cloud-init.disabled", "", "/etc/cloud/cloud-init.disabled exists"},
	{"/etc/fstab", "/dev/vdb /var ext4 defaults 0 2", "Datasource named for ds-identify, since /var is mounted late"},
	{"/etc/systemd/system/cloud-final.service", "->/dev/null", "/etc/systemd/system/cloud-final.service is masked"},
	{"/etc/network/interfaces", "auto lo", "Install net-tools"},
}

const troubledSeed = `
  provisioner "diskimage-nocloud" {
    meta_data      = "seedfrom: http://192.0.2.1/\n"
    network_config = <<-EOF
      version: 2
      ethernets:
        lan:
          match: {name: en*}
          addresses: [192.0.2.10/24]
          routes: [{to: default, via: 192.0.2.1}]
      EOF
  }
`

// TestAccSeedTroubles has all of them on one machine, with the programs of Debian
// 12's cloud-init, and wants each to be told in the build, or mended.
func TestAccSeedTroubles(t *testing.T) {
	needPacker(t)
	t.Parallel()
	program := foreign.CloudInitDir(t)
	if program == "" {
		t.Skip("no cloud-init to be had")
	}
	w := newWorkspace(t)
	var make strings.Builder
	for _, tr := range troubles {
		fmt.Fprintf(&make, "    \"mkdir -p %s\",\n", filepath.Dir(tr.path))
		if link, ok := strings.CutPrefix(tr.text, "->"); ok {
			fmt.Fprintf(&make, "    \"ln -s %s %s\",\n", link, tr.path)
			continue
		}
		fmt.Fprintf(&make, "    %q,\n", fmt.Sprintf("echo '%s' > %s", tr.text, tr.path))
	}
	body := fmt.Sprintf(`
  provisioner "shell" {
    inline = ["mkdir -p /usr/lib/cloud-init /usr/lib/systemd/system /usr/sbin /usr/bin"]
  }
  provisioner "file" {
    source      = %q
    destination = "/usr/lib/cloud-init/ds-identify"
  }
  provisioner "shell" {
    inline = [
    "chmod 0755 /usr/lib/cloud-init/ds-identify",
    "for unit in cloud-init-local cloud-init cloud-config cloud-final; do printf '[Install]\\nWantedBy=cloud-init.target\\n' > /usr/lib/systemd/system/$unit.service; done",
    "for program in /usr/bin/cloud-init /usr/sbin/ifup /usr/sbin/ifdown /usr/sbin/ifquery; do printf '#!/bin/sh\\n' > $program; chmod 0755 $program; done",
%s    ]
  }
`, program+"/bookworm/usr/lib/cloud-init/ds-identify", make.String())
	status, out := runPacker(t, w.dir, w.env(), "build", w.template(`
  elements = ["tiny-os"]
  formats  = ["raw"]`, body+troubledSeed))
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	said := regexp.MustCompile(`\s+`).ReplaceAllString(out, " ")
	for _, want := range []string{"with seedfrom", "to: 0.0.0.0/0", "ethernets.lan is chosen by match"} {
		if !strings.Contains(said, want) {
			t.Errorf("the build does not say %q", want)
		}
	}
	for _, tr := range troubles {
		if !strings.Contains(said, tr.says) {
			t.Errorf("%s: the build does not say %q", tr.path, tr.says)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	image := filesOf(t, filepath.Join(w.output, "tiny.raw"), "/etc/cloud")
	// The fstab of the image, which the builder makes, knows no /var: at the end of the
	// build the file for ds-identify is taken back.
	wantLine(t, image+"/etc/cloud/cloud.cfg.d/99_zz_diskimage_datasource.cfg", "datasource_list: [ NoCloud ]\n")
	if _, err := os.Lstat(image + "/etc/cloud/ds-identify.cfg"); !os.IsNotExist(err) {
		t.Errorf("ds-identify.cfg: %v", err)
	}
}
