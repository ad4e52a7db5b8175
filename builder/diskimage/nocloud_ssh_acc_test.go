// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// seedFiles shows all that the provisioner makes below the directory in which it runs.
const seedFiles = `find var/lib/cloud/seed etc/cloud -printf "%p %M %U:%G %l\n" | LC_ALL=C sort
find var/lib/cloud/seed etc/cloud -type f -exec sha256sum {} + | LC_ALL=C sort
`

// whatIsSeeded shows that of a machine, and what the provisioner must not leave.
const whatIsSeeded = `sudo -n sh -c 'cd / && ` + seedFiles + `stat -c "%n %A %u:%g" var/lib var/lib/cloud
ls -A tmp var/tmp | grep nocloud; true'`

// seedBySSH has packer put the seed, which was made in the chroot, twice more into the
// booted image, by ssh as a user with sudo: nothing is different from what the chroot
// left in the image, and the second time nothing is done.
func seedBySSH(t *testing.T, ctx context.Context, e exampleImage, address string) {
	t.Helper()
	before := inGuest(t, ctx, e, address, whatIsSeeded)
	_, partitions := partitionsOf(t, e.raw)
	built := filesOf(t, rawDisk{e.raw, partitions[2].Start * 512}.root(), "/var/lib/cloud/seed", "/etc/cloud")
	if inImage := judge(t, "sh", "-c", `cd "$0" && `+seedFiles, built); !strings.HasPrefix(before, inImage) {
		t.Errorf("in the image:\n%s\nafter its boot:\n%s", inImage, before)
	}
	w := newWorkspace(t)
	var files strings.Builder
	for name, attribute := range map[string]string{"user-data": "user_data_file", "meta-data": "meta_data_file",
		"network-config": "network_config_file", "vendor-data": "vendor_data_file"} {
		path := nocloud.SeedDir + "/" + name
		if strings.Contains(before, "seed/nocloud/"+name+" ") {
			fmt.Fprintf(&files, "    %s = %q\n", attribute, w.write(name, inGuest(t, ctx, e, address, "sudo -n cat "+path)))
		}
	}
	host, port, _ := strings.Cut(address, ":")
	template := w.write("ssh.pkr.hcl", fmt.Sprintf(`
packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
  }
}
source "null" "guest" {
  communicator         = "ssh"
  ssh_host             = %q
  ssh_port             = %s
  ssh_username         = "demo"
  ssh_private_key_file = %q
}
build {
  sources = ["source.null.guest"]
  provisioner "diskimage-nocloud" {
    execute_command = "sudo -n sh {{ .Path }}"
%[4]s  }
  provisioner "diskimage-nocloud" {
    execute_command = "sudo -n sh {{ .Path }}"
%[4]s  }
}
`, host, port, e.key, files.String()))
	inGuest(t, ctx, e, address, "sudo -n rm -rf /var/lib/cloud/seed "+nocloud.PinFile)
	status, out := runPacker(t, w.dir, w.env(), "build", template)
	for _, text := range []string{
		"NoCloud seed in " + nocloud.SeedDir + ": installed",
		filepath.Base(nocloud.PinFile) + ": installed",
		"NoCloud seed in " + nocloud.SeedDir + ": unchanged",
		filepath.Base(nocloud.PinFile) + ": unchanged",
		"Proven: the machine's own ds-identify finds the seed",
	} {
		if status != 0 || !strings.Contains(out, text) {
			t.Errorf("status %d, no %q:\n%s", status, text, out)
		}
	}
	if after := inGuest(t, ctx, e, address, whatIsSeeded); after != before {
		t.Errorf("made in the chroot:\n%s\nby ssh:\n%s", before, after)
	}
}
