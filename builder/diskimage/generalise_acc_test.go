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
mkdir -p "$1"/etc/ssh "$1"/var/lib/cloud/instances/i-old "$1"/var/lib/systemd "$1"/root
echo 0123456789abcdef0123456789abcdef > "$1"/etc/machine-id
echo key > "$1"/etc/ssh/ssh_host_rsa_key
echo old > "$1"/var/lib/cloud/instances/i-old/obj.pkl
echo seed > "$1"/var/lib/systemd/random-seed
echo typed > "$1"/root/.bash_history
`

// A machine is generalised after cleanup.d: what hooks leave late is not in the
// image either. The seed is. Until then phases keep what is theirs.
func TestAccGeneralise(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	more := w.element("lives", "install.d/60-live", "set -- /\n"+lived+"echo kept > /etc/kept\n")
	w.element("lives", "cleanup.d/60-live", `set -- "$TARGET_ROOT"`+"\n"+lived)
	c := startPacker(t, w.dir, w.env("ELEMENTS_PATH="+more, "TINY_OS_PROGRAMS=mv"), "build", w.template(`
  elements = ["tiny-os", "lives", "block-device-gpt"]
  formats  = ["raw"]`, `
  provisioner "diskimage-nocloud" {
    hostname              = "web"
    generalise_operations = ["default", "-shell-history"]
    generalise_dry_run    = true
  }
  provisioner "shell" { inline = ["test -s /etc/machine-id", "test -e /etc/ssh/ssh_host_rsa_key", "test -s /etc/resolv.conf", "echo mine > /tmp/mine"] }
  provisioner "diskimage-nocloud" {
    hostname   = "web"
    generalise = true
  }
  provisioner "shell" { inline = ["cat /tmp/mine"] }`))
	for _, text := range []string{
		"The machine is generalised at the end of the build, after cleanup.d",
		"cleanup.d/60-live",
		"repeat/nocloud-generalise",
		"generalised: machine-id 1, ssh-host-keys 1, random-seed 1, cloud-init-state 1, shell-history 1",
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
		"/etc/ssh/*": 0, "/var/lib/cloud/instances/*": 0, "/var/lib/systemd/*": 0, "/root/.bash_history": 0, "/var/lib/cloud/seed/nocloud/*": 2,
		"/etc/cloud/cloud.cfg.d/*": 1, "/etc/hostname": 1,
	} {
		if found, err := filepath.Glob(image + pattern); err != nil || len(found) != want {
			t.Errorf("%s: %v %v, want %d", pattern, found, err, want)
		}
	}
	if strings.Count(c.output(), "repeat/nocloud-generalise") != 2 { // and among the slowest hooks
		t.Errorf("the dry run is repeated as well:\n%s", c.output())
	}
}
