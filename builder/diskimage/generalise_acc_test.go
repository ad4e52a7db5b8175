// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"path/filepath"
	"strings"
	"testing"
)

// lived is what a machine has after it lived, of an image or made by a late hook.
const lived = `
mkdir -p "$1"/etc/ssh "$1"/var/lib/cloud/instances/i-old "$1"/var/lib/cloud/instance "$1"/var/lib/systemd "$1"/root
echo 0123456789abcdef0123456789abcdef > "$1"/etc/machine-id
echo key > "$1"/etc/ssh/ssh_host_rsa_key
echo > "$1"/var/lib/cloud/instance/manual-clean
echo old > "$1"/var/lib/cloud/instances/i-old/obj.pkl
echo seed > "$1"/var/lib/systemd/random-seed
echo typed > "$1"/root/.bash_history
`

// A machine is generalised after cleanup.d: what hooks leave late is not in the
// image either. The seed is. Until then phases keep what is theirs. What several
// provisioners chose is all done, and the seed proven when it is.
func TestAccGeneralise(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	more := w.element("lives", "install.d/60-live", "set -- /\n"+lived+"echo kept > /etc/kept\n")
	w.element("lives", "cleanup.d/60-live", `set -- "$TARGET_ROOT"`+"\n"+lived)
	w.identifying()
	c := startPacker(t, w.dir, w.env("ELEMENTS_PATH="+more, "TINY_OS_PROGRAMS=mv cmp"), "build", w.template(`
  elements = ["tiny-os", "lives", "identifying", "block-device-gpt"]
  formats  = ["raw"]`, `
  provisioner "diskimage-nocloud" {
    hostname              = "web"
    generalise_operations = ["default", "-ssh-host-keys"]
  }
  provisioner "diskimage-nocloud" {
    hostname              = "web"
    generalise_operations = ["machine-id", "shell-history"]
    generalise_dry_run    = true
  }
  provisioner "shell" { inline = ["test -s /etc/machine-id", "test -e /etc/ssh/ssh_host_rsa_key", "test -s /etc/resolv.conf", "echo mine > /tmp/mine"] }
  provisioner "diskimage-nocloud" {
    hostname              = "other"
    generalise_operations = ["ssh-host-keys"]
  }
  provisioner "diskimage-nocloud" { hostname = "other" }
  provisioner "shell" { inline = ["cat /tmp/mine"] }`))
	for _, text := range []string{
		"NoCloud seed in /var/lib/cloud/seed/nocloud: installed, mode 0600",
		"The machine is generalised at the end of the build, after cleanup.d",
		"NoCloud seed in /var/lib/cloud/seed/nocloud: unchanged, mode 0600",
		"NoCloud seed in /var/lib/cloud/seed/nocloud: installed in the place of another, mode 0600",
		"cleanup.d/60-live",
		"repeat: 4 scripts of provisioners",
		"repeat/nocloud-generalise-",
		"generalised: machine-id 1, random-seed 1, cloud-init-state 2, shell-history 1",
		"repeat/nocloud-generalise-",
		"generalised: ssh-host-keys 1",
		"repeat/nocloud-proof",
		"cloud-init's ds-identify finds the seed",
	} {
		c.waitFor(text)
	}
	if status := c.wait(); status != 0 {
		t.Fatalf("status %d:\n%s", status, c.output())
	}
	w.assertClean()
	raw := filepath.Join(w.output, "tiny.raw")
	_, parts := partitionsOf(t, raw)
	root := extract(t, raw, parts[1])
	checkFilesystem(t, "ext4", root)
	image := filesOf(t, root, "/etc", "/var", "/root")
	wantContent(t, image+"/etc/machine-id", "")
	wantContent(t, image+"/etc/kept", "kept\n")
	for pattern, want := range map[string]int{
		"/etc/ssh/*": 0, "/var/lib/cloud/instances/*": 0, "/var/lib/systemd/*": 0, "/root/.bash_history": 0, "/var/lib/cloud/seed/nocloud/*": 3,
		"/etc/cloud/cloud.cfg.d/*": 1, "/etc/hostname": 1,
	} {
		if found, err := filepath.Glob(image + pattern); err != nil || len(found) != want {
			t.Errorf("%s: %v %v, want %d", pattern, found, err, want)
		}
	}
	if text := judge(t, "cat", image+"/var/lib/cloud/seed/nocloud/meta-data"); !strings.Contains(text, "local-hostname: other") {
		t.Errorf("the seed is not the last one: %s", text)
	}
}
