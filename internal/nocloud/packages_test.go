// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// packaged is what starts cloud-init in the package of a Debian release: units and
// scripts, as they lie there.
func packaged(t *testing.T, release string) map[string]string {
	t.Helper()
	tree := foreign.CloudInitTree(t, release)
	if tree == "" {
		t.Skip("no cloud-init to be had")
	}
	files := map[string]string{}
	for _, dir := range []string{"lib/systemd", "usr/lib/systemd", "etc/init.d"} {
		err := filepath.WalkDir(filepath.Join(tree, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil && path == filepath.Join(tree, dir) {
				return nil // another release's place
			}
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			files[strings.TrimPrefix(path, tree+"/")] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// The packages of Debian bring units and scripts; which of them count, init says.
func TestUnitsOfPackages(t *testing.T) {
	t.Parallel()
	const missing = "/etc/init.d/cloud-init-network, which is missing"
	several := []string{"cloud-init-local.service", "cloud-init.service", "cloud-config.service", "cloud-final.service"}
	one := []string{"cloud-init-main.service", "cloud-init-local.service", "cloud-init-network.service", "cloud-config.service", "cloud-final.service"}
	oldScripts := []string{"/etc/init.d/cloud-init-local", "/etc/init.d/cloud-init", "/etc/init.d/cloud-config", "/etc/init.d/cloud-final"}
	newScripts := []string{"/etc/init.d/cloud-init-main", "/etc/init.d/cloud-init-local", "/etc/init.d/cloud-config", "/etc/init.d/cloud-final"}
	for name, c := range map[string]struct {
		release string
		init    map[string]string
		style   string
		off     []string
	}{
		"12":                     {"bookworm", map[string]string{"sbin/init": "-> /lib/systemd/systemd"}, "several", several},
		"13":                     {"trixie", map[string]string{"usr/sbin/init": "-> ../lib/systemd/systemd"}, "one", one},
		"12 without an init":     {"bookworm", nil, "several", several},
		"12, sysvinit":           {"bookworm", map[string]string{"sbin/init": "a program"}, "scripts", oldScripts},
		"13, sysvinit":           {"trixie", map[string]string{"usr/sbin/init": "a program"}, "scripts", append(newScripts, missing)},
		"12, OpenRC's own init":  {"bookworm", map[string]string{"usr/sbin/init": "-> openrc-init"}, "scripts", oldScripts},
		"12, busybox's init":     {"bookworm", map[string]string{"sbin/init": "-> /bin/busybox"}, "scripts", oldScripts},
		"12, sysvinit, started":  {"bookworm", links("sbin/init", "etc/rc2.d/S03", oldScripts), "scripts", nil},
		"13, OpenRC, started":    {"trixie", links("sbin/init", "etc/runlevels/default/", newScripts), "scripts", []string{missing}},
		"12, OpenRC, in no boot": {"bookworm", links("sbin/init", "etc/rc6.d/K01", oldScripts), "scripts", oldScripts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := packaged(t, c.release)
			for path, text := range c.init {
				files[path] = text
			}
			g := machineWith(t, "busybox", files)
			report := g.must(g.run(true, fullSeed))
			if report.Units != c.style || !slices.Equal(report.Off, c.off) || report.NoNetcat != (c.style == "one") {
				t.Errorf("%+v", report)
			}
			if c.style == "scripts" {
				return
			}
			report = g.must(g.install(Installer{Pin: true, Enable: true}, fullSeed))
			if !slices.Equal(report.Enabled, c.off) || len(report.Off) > 0 {
				t.Errorf("enabled: %+v", report)
			}
			g.wantEnabled(c.off)
		})
	}
}

// links are an init that is no systemd, and links to scripts.
func links(init, prefix string, scripts []string) map[string]string {
	files := map[string]string{init: "a program"}
	for _, s := range scripts {
		files[prefix+filepath.Base(s)] = "-> " + s
	}
	return files
}

// wantEnabled asks systemd itself, if the host has it.
func (g target) wantEnabled(units []string) {
	g.t.Helper()
	if _, err := command.LookPath("systemctl", os.Getenv("PATH")); err != nil {
		g.t.Log("no systemctl to ask")
		return
	}
	said, err := command.Output(g.t.Context(), command.Host{}, command.Command{
		Path: "systemctl", Args: append([]string{"--root=" + g.root, "is-enabled"}, units...), Env: os.Environ(),
	})
	if want := strings.Repeat("enabled\n", len(units)); err != nil || strings.TrimSpace(said) != strings.TrimSpace(want) {
		g.t.Errorf("systemctl says %q, %v", said, err)
	}
}
