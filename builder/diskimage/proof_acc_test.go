// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// identifying puts a real ds-identify and something called cloud-init into the tiny
// system; it returns ELEMENTS_PATH.
func (w workspace) identifying() string {
	w.t.Helper()
	tree := foreign.CloudInitTree(w.t, "trixie")
	if tree == "" {
		w.t.Skip("no cloud-init to be had")
	}
	return w.element("identifying", "root.d/20-cloud-init", `
install -D "`+tree+`/usr/lib/cloud-init/ds-identify" "$TARGET_ROOT/usr/lib/cloud-init/ds-identify"
install -D /bin/true "$TARGET_ROOT/usr/bin/cloud-init"
mkdir -p "$TARGET_ROOT/var/lib" "$TARGET_ROOT/etc/cloud"
`)
}

const varOfItsOwn = `
  environment = {
    DIB_BLOCK_DEVICE_CONFIG = yamlencode([
      { local_loop = { name = "image0", size = "300MiB" } },
      { partitioning = { base = "image0", label = "gpt", partitions = [
        { name = "root", size = "60%", mkfs = { type = "ext4", mount = { mount_point = "/", fstab = { options = "defaults" } } } },
        { name = "var", size = "100%", mkfs = { type = "ext4", mount = { mount_point = "/var", fstab = { options = "defaults" } } } },
      ] } },
    ])
  }`

// The proof is made when provisioners run, and again when mount points are known
// and no hook can undo it: then ds-identify is also told what it cannot see.
func TestAccProofOfTheSeed(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+w.identifying()), "build", w.template(`
  elements = ["tiny-os", "identifying"]
  formats  = ["raw"]`+varOfItsOwn, `
  provisioner "diskimage-nocloud" { hostname = "web" }`))
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	for _, text := range []string{
		"Proven: the machine's own ds-identify finds the seed",
		"repeat/nocloud-proof",
		"/etc/cloud/ds-identify.cfg names the datasource, since /var is a file system of its own",
		"cloud-init's ds-identify finds the seed",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("no %q in\n%s", text, out)
		}
	}
	raw := filepath.Join(w.output, "tiny.raw")
	_, parts := partitionsOf(t, raw)
	root := extract(t, raw, parts[0])
	if text := judge(t, "debugfs", "-R", "cat /etc/cloud/ds-identify.cfg", root); !strings.HasSuffix(text, "datasource: NoCloud\n") {
		t.Errorf("ds-identify.cfg is %q", text)
	}
	if text := judge(t, "debugfs", "-R", "ls /lib/cloud/seed/nocloud", extract(t, raw, parts[1])); !strings.Contains(text, "meta-data") {
		t.Errorf("in /var there is %q", text)
	}
}

// With the pin in its place cloud-init would look for a seed that is not whole
// any more. No hook goes unseen.
func TestAccProofFailsTheBuild(t *testing.T) {
	needPacker(t)
	const seed = "var/lib/cloud/seed/nocloud"
	for name, c := range map[string]struct{ hook, script, says string }{
		"finalise": {"finalise.d/90-tidy", "rm /" + seed + "/meta-data\n", "meta-data is missing there; has a later provisioner or hook removed it?"},
		"cleanup":  {"cleanup.d/90-tidy", `rm -r "$TARGET_ROOT/` + seed + "\"\n", "there is no such directory; has a later provisioner or hook removed it?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			more := w.identifying()
			w.element("tidy", c.hook, c.script)
			status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+more), "build", w.template(`
  elements = ["tiny-os", "identifying", "tidy"]
  formats  = ["raw"]`, `
  provisioner "diskimage-nocloud" {}`))
			says := []string{"repeating nocloud-proof, which a provisioner registered: exit status 80",
				"does not find the seed in /var/lib/cloud/seed/nocloud: " + c.says}
			for _, text := range says {
				if status == 0 || !strings.Contains(out, text) {
					t.Errorf("status %d, no %q in\n%s", status, text, out)
				}
			}
			w.assertClean()
		})
	}
}
