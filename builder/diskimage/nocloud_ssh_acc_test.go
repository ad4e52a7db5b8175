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

// whatIsSeeded shows all that the provisioner makes, and what it must not leave.
const whatIsSeeded = `sudo -n sh -c 'cd / && find var/lib/cloud/seed etc/cloud -printf "%p %M %U:%G %l\n" | LC_ALL=C sort
find var/lib/cloud/seed etc/cloud -type f -exec sha256sum {} + | LC_ALL=C sort
stat -c "%n %A %u:%g" var/lib var/lib/cloud
ls -A tmp var/tmp | grep nocloud; true'`

// seedBySSH has packer put the seed, which was made in the chroot, once more into the
// booted image, by ssh as a user with sudo: nothing is different from before.
func seedBySSH(t *testing.T, ctx context.Context, e exampleImage, address string) {
	t.Helper()
	before := inGuest(t, ctx, e, address, whatIsSeeded)
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
%s  }
}
`, host, port, e.key, files.String()))
	inGuest(t, ctx, e, address, "sudo -n rm -rf /var/lib/cloud/seed "+nocloud.PinFile)
	status, out := runPacker(t, w.dir, w.env(), "build", template)
	for _, text := range []string{
		"NoCloud seed in " + nocloud.SeedDir + ": installed",
		filepath.Base(nocloud.PinFile) + ": installed",
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
