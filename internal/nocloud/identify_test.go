// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// identify runs the host's ds-identify on the tree, as at the machine's boot but
// with a neutral surrounding: no DMI, no kernel arguments, no block devices.
func (g target) identify() string {
	g.t.Helper()
	const program = "/usr/lib/cloud-init/ds-identify"
	if _, err := os.Stat(program); err != nil {
		g.t.Skip("no ds-identify on this host")
	}
	g.write("proc/cmdline", "root=LABEL=root\n", 0o644)
	for _, dir := range []string{"run", "sys/class/dmi/id"} {
		if err := os.MkdirAll(g.path(dir), 0o755); err != nil {
			g.t.Fatal(err)
		}
	}
	_, err := command.Output(g.t.Context(), command.Host{}, command.Command{
		Path: program, Args: []string{"--force"},
		Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PATH_ROOT=" + g.root, "DEBUG_LEVEL=2", "DI_BLKID_EXPORT_OUT=x"},
	})
	log, readErr := os.ReadFile(g.path("run/cloud-init/ds-identify.log"))
	if readErr != nil {
		g.t.Fatal(err, readErr)
	}
	if err := os.RemoveAll(g.path("run")); err != nil {
		g.t.Fatal(err)
	}
	return string(log)
}

func TestDsIdentifyFindsTheSeed(t *testing.T) {
	g := newTarget(t, []string{"/bin/sh"})
	g.root = filepath.Join(t.TempDir(), "root") // it does not quote its paths
	const found = "check for 'NoCloud' returned found"
	g.write("etc/cloud/cloud.cfg.d/50_all.cfg", "datasource_list: [ Ec2, NoCloud, None ]\n", 0o644)
	if log := g.identify(); strings.Contains(log, found) {
		t.Errorf("found without a seed:\n%s", log)
	}
	g.must(g.run(false, Seed{}))
	if log := g.identify(); !strings.Contains(log, found) {
		t.Errorf("not found:\n%s", log)
	}
	if err := os.Remove(g.path(SeedDir + "/meta-data")); err != nil {
		t.Fatal(err)
	}
	if log := g.identify(); strings.Contains(log, found) {
		t.Errorf("found without meta-data:\n%s", log)
	}
}

// The pin must win over what distributions and installers leave, and needs no search.
func TestDsIdentifyTakesThePin(t *testing.T) {
	g := newTarget(t, []string{"/bin/sh"})
	g.root = filepath.Join(t.TempDir(), "root")
	for _, name := range []string{"90_dpkg.cfg", "91-dib-cloud-init-datasources.cfg", "99-installer.cfg", "99_maas.cfg"} {
		g.write("etc/cloud/cloud.cfg.d/"+name, "datasource_list: [ Ec2, None ]\n", 0o644)
	}
	g.must(g.run(true, Seed{}))
	if log := g.identify(); !strings.Contains(log, "single entry in datasource_list (NoCloud) use that") {
		t.Errorf("the pin does not count:\n%s", log)
	}
}
