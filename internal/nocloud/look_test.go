// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// machineWith is a target that has cloud-init and these files. A text that begins
// with "-> " is a symbolic link.
func machineWith(t *testing.T, shell string, files map[string]string) target {
	t.Helper()
	g := newTarget(t, shells[shell])
	g.write("usr/bin/cloud-init", "#!/bin/sh\n", 0o755)
	for name, text := range files {
		if to, link := strings.CutPrefix(text, "-> "); link {
			g.write(name, "", 0o644)
			if err := errors.Join(os.Remove(g.path(name)), os.Symlink(to, g.path(name))); err != nil {
				t.Fatal(err)
			}
			continue
		}
		g.write(name, text, 0o644)
	}
	return g
}

const units = "usr/lib/systemd/system/"

// severalUnits are those of cloud-init before 24.3, oneUnits those since; both are
// started by the generator and their target.
func severalUnits() map[string]string {
	return withUnits("cloud-init-local.service", "cloud-init.service", "cloud-config.service", "cloud-final.service")
}

func oneUnits() map[string]string {
	files := withUnits("cloud-init-main.service", "cloud-init-local.service", "cloud-init-network.service", "cloud-config.service", "cloud-final.service")
	files[units+"cloud-init-local.service"] += "[Service]\nExecStart=sh -c 'echo \"start\" | nc -Uu -W1 /run/x.sock -s /run/y.sock | sh'\n"
	files["bin/nc.openbsd"] = ""
	return files
}

func withUnits(names ...string) map[string]string {
	files := map[string]string{
		units + "cloud-init.target":                              "[Unit]\nAfter=multi-user.target\n",
		"usr/lib/systemd/system-generators/cloud-init-generator": "#!/bin/sh\n",
	}
	for _, name := range names {
		files[units+name] = "[Install]\nWantedBy=cloud-init.target\n"
		files["etc/systemd/system/cloud-init.target.wants/"+name] = "-> /" + units + name
	}
	return files
}

func TestUnits(t *testing.T) {
	const wants = "etc/systemd/system/cloud-init.target.wants/"
	for name, c := range map[string]struct {
		files  map[string]string
		change func(files map[string]string)
		style  string
		off    []string
		masked []string
	}{
		"several": {files: severalUnits(), style: "several"},
		"one":     {files: oneUnits(), style: "one"},
		"several, off": {files: severalUnits(), style: "several", off: []string{"cloud-init.service", "cloud-final.service"},
			change: func(f map[string]string) {
				delete(f, wants+"cloud-init.service")
				delete(f, wants+"cloud-final.service")
			}},
		"one, off": {files: oneUnits(), style: "one", off: []string{"cloud-init-main.service"},
			change: func(f map[string]string) { delete(f, wants+"cloud-init-main.service") }},
		"started by a unit of the package": {files: oneUnits(), style: "one", change: func(f map[string]string) {
			delete(f, wants+"cloud-init-main.service")
			f[units+"sysinit.target.wants/cloud-init-main.service"] = "-> ../cloud-init-main.service"
		}},
		"masked": {files: severalUnits(), style: "several", masked: []string{"/etc/systemd/system/cloud-init.service"},
			change: func(f map[string]string) { f["etc/systemd/system/cloud-init.service"] = "-> /dev/null" }},
		"generator masked": {files: oneUnits(), style: "one", masked: []string{"/etc/systemd/system-generators/cloud-init-generator"},
			change: func(f map[string]string) { f["etc/systemd/system-generators/cloud-init-generator"] = "" }},
		"no generator": {files: severalUnits(), style: "several", off: []string{"cloud-init.target"},
			change: func(f map[string]string) { delete(f, "usr/lib/systemd/system-generators/cloud-init-generator") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.change != nil {
				c.change(c.files)
			}
			g := machineWith(t, "busybox", c.files)
			report := g.must(g.run(true, fullSeed))
			if report.Units != c.style || !slices.Equal(report.Off, c.off) || !slices.Equal(report.Masked, c.masked) || report.NoNetcat {
				t.Errorf("%+v", report)
			}
			report = g.must(g.install(Installer{Pin: true, Enable: true}, fullSeed))
			if want := len(c.off) + len(c.masked); len(report.Enabled) != want || len(report.Off)+len(report.Masked) > 0 {
				t.Errorf("mended: %+v", report)
			}
			before := g.tree(true)
			report = g.must(g.install(Installer{Pin: true, Enable: true}, fullSeed))
			if len(report.Enabled)+len(report.Off)+len(report.Masked) > 0 || !slices.Equal(before, g.tree(true)) {
				t.Errorf("again: %+v", report)
			}
		})
	}
}

// The links are those that systemctl makes.
func TestEnabledAsSystemctlDoes(t *testing.T) {
	files := severalUnits()
	delete(files, "etc/systemd/system/cloud-init.target.wants/cloud-init.service")
	g := machineWith(t, "dash", files)
	g.must(g.install(Installer{Enable: true}, fullSeed))
	link := g.path("etc/systemd/system/cloud-init.target.wants/cloud-init.service")
	if to, err := os.Readlink(link); err != nil || to != "/"+units+"cloud-init.service" {
		t.Errorf("%q, %v", to, err)
	}
	if _, err := command.LookPath("systemctl", os.Getenv("PATH")); err != nil {
		t.Log("no systemctl to ask")
		return
	}
	said, err := command.Output(t.Context(), command.Host{}, command.Command{
		Path: "systemctl", Args: []string{"--root=" + g.root, "is-enabled", "cloud-init.service"}, Env: os.Environ(),
	})
	if err != nil || strings.TrimSpace(said) != "enabled" {
		t.Errorf("systemctl says %q, %v", said, err)
	}
}

func TestScriptsOfOtherInits(t *testing.T) {
	g := machineWith(t, "busybox", map[string]string{
		"etc/init.d/cloud-init-local": "", "etc/init.d/cloud-init": "", "etc/init.d/cloud-final": "",
		"etc/runlevels/boot/cloud-init-local": "-> /etc/init.d/cloud-init-local",
		"etc/rc2.d/S03cloud-init":             "-> ../init.d/cloud-init",
	})
	report := g.must(g.run(true, fullSeed))
	if report.Units != "scripts" || !slices.Equal(report.Off, []string{"/etc/init.d/cloud-final"}) {
		t.Errorf("%+v", report)
	}
	if report := machineWithout(t); report.Units != "none" {
		t.Errorf("%+v", report)
	}
}

func machineWithout(t *testing.T) Report {
	g := machineWith(t, "dash", nil)
	return g.must(g.run(true, fullSeed))
}

func TestNetcatOfTheOneProcess(t *testing.T) {
	files := oneUnits()
	delete(files, "bin/nc.openbsd")
	g := machineWith(t, "dash", files)
	if report := g.must(g.run(true, fullSeed)); !report.NoNetcat {
		t.Errorf("%+v", report)
	}
}

func TestDisableFileIsRemovedOnRequest(t *testing.T) {
	g := machineWith(t, "dash", map[string]string{"etc/cloud/cloud-init.disabled": ""})
	if report := g.must(g.run(true, fullSeed)); !report.Disabled {
		t.Errorf("%+v", report)
	}
	report := g.must(g.install(Installer{Pin: true, Enable: true}, fullSeed))
	if _, err := os.Stat(g.path("etc/cloud/cloud-init.disabled")); !errors.Is(err, fs.ErrNotExist) || report.Disabled || len(report.Enabled) != 1 {
		t.Errorf("%v, %+v", err, report)
	}
}

// finding is a file and the fact that is told of it; want "" is none.
type finding struct {
	path, text, want string
}

var findings = []finding{
	{"etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet cloud-init=disabled\"\n", "argument_disabled"},
	{"etc/default/grub", "#GRUB_CMDLINE_LINUX=\"cloud-init=disabled ds=nocloud;s=x\"\n", ""},
	{"boot/grub/grub.cfg", "\tlinux /vmlinuz root=LABEL=x ds=openstack quiet\n", "argument_datasource"},
	{"boot/grub/grub.cfg", "\tlinux /vmlinuz root=LABEL=x ds=nocloud\n", ""},
	{"boot/grub/grub.cfg", "\tlinux /vmlinuz ds=nocloud ro\n\tlinux /old ds=nocloud ro\n", ""},
	{"boot/grub/grub.cfg", "\tlinux /vmlinuz root=LABEL=x 'ds=nocloud;s=http://x/'\n", "argument_datasource"},
	{"boot/grub/grub.cfg", "\tlinux /vmlinuz root=LABEL=x clouds=ec2 foo.ds=1\n", ""},
	{"etc/default/grub.d/50-cloudimg-settings.cfg", "GRUB_CMDLINE_LINUX=ci.ds=Ec2\n", "argument_datasource"},
	{"boot/loader/entries/a b.conf", "options root=x ci.datasource=Ec2\n", "argument_datasource"},
	{"etc/kernel/cmdline", "ds=nocloud", ""},
	{"etc/kernel/cmdline", "cloud-init=disabled", "argument_disabled"},
	{"boot/firmware/cmdline.txt", "console=tty1 ds=nocloud;i=rpi", "argument_datasource"},
	{"etc/cloud/cloud.cfg.d/subiquity-disable-cloudinit-networking.cfg", "network: {config: disabled}\n", "network"},
	{"etc/cloud/cloud.cfg.d/99-installer.cfg", "# network: x\ndatasource:\n  None:\n    metadata: {}\n", ""},
	{"etc/cloud/cloud.cfg.d/a b.cfg", "\"network\":\n  version: 2\n", "network"},
	{"etc/cloud/cloud.cfg", "system_info:\n  network:\n    renderers: [netplan]\n", ""},
	{"etc/cloud/cloud.cfg", "manual_cache_clean: True\n", "cache"},
	{"var/lib/cloud/instance/manual-clean", "", "cache"},
	{"etc/cloud/cloud.cfg", "manual_cache_clean: false\n", ""},
	{"etc/cloud/cloud.cfg.d/x.cfg", "datasource:\n  NoCloud:\n    seedfrom: http://x/\n", "inline"},
	{"etc/cloud/cloud.cfg.d/x.cfg", "datasource: {NoCloud: {user-data: x, meta-data: {}}}\n", "inline"},
	{"etc/cloud/cloud.cfg.d/x.cfg", "datasource:\n  NoCloud:\n    fs_label: null\n#    seedfrom: /x\n", ""},
	{"etc/cloud/cloud.cfg.d/x.cfg", "datasource:\n  Ec2:\n    my-user-data: x\n", ""},
	{"etc/cloud/cloud.cfg.d/x.cfg", "datasource:\n  Ec2:\n    user-data: x\n", ""},
	{"var/lib/cloud/seed/nocloud-net/meta-data", "", "second"},
}

func TestFindings(t *testing.T) {
	for i, f := range findings {
		t.Run(fmt.Sprintf("%d %s", i, f.path), func(t *testing.T) {
			t.Parallel()
			g := machineWith(t, []string{"dash", "busybox", "bash posix"}[i%3], map[string]string{f.path: f.text})
			report := g.must(g.run(true, fullSeed))
			got := map[string][]string{
				"argument_disabled": report.ArgumentDisabled, "argument_datasource": report.ArgumentDatasource,
				"network": report.Network, "cache": report.Cache, "inline": report.Inline, "second": report.Second,
			}
			for name, files := range got {
				switch {
				case name != f.want && len(files) > 0, name == f.want && len(files) != 1:
					t.Errorf("%s: %q", name, files)
				case name == f.want && f.want != "second" && files[0] != "/"+f.path:
					t.Errorf("%s names %q", name, files[0])
				}
			}
			if text, err := os.ReadFile(g.path(f.path)); err != nil || string(text) != f.text {
				t.Errorf("somebody else's file is now %q, %v", text, err)
			}
		})
	}
}

// On request the argument goes out of the files where that is safe, and nothing else does.
func TestArgumentIsTakenOutOnRequest(t *testing.T) {
	eachShell(t, func(g target) {
		g.write("usr/bin/cloud-init", "#!/bin/sh\n", 0o755)
		for path, c := range map[string][2]string{
			"etc/default/grub":             {"# cloud-init=disabled\nA=\"quiet cloud-init=disabled ro\"\nB='cloud-init=disabled'\nC=\"cloud-init=disabled ro\"\n", "# cloud-init=disabled\nA=\"quiet ro\"\nB=''\nC=\"ro\"\n"},
			"etc/default/grub.d/a b.cfg":   {"A=cloud-init=disabled\n", "A=\n"},
			"boot/grub/grub.cfg":           {"\tlinux /a ro cloud-init=disabled\n\tlinux /b cloud-init=disabled cloud-init=disabled ro\n", "\tlinux /a ro\n\tlinux /b ro\n"},
			"boot/loader/entries/one.conf": {"options\tcloud-init=disabled\troot=x\n", "options\troot=x\n"},
			"etc/kernel/cmdline":           {"cloud-init=disabled root=x\n", "root=x\n"},
			"boot/cmdline.txt":             {"cloud-init=disabled", ""},
		} {
			g.write(path, c[0], 0o640)
			defer func() {
				text, err := os.ReadFile(g.path(path))
				info, statErr := os.Stat(g.path(path))
				if err != nil || strings.TrimSuffix(string(text), "\n") != strings.TrimSuffix(c[1], "\n") || statErr != nil || info.Mode() != 0o640 {
					g.t.Errorf("%s: %q, %v, %v", path, text, err, info)
				}
			}()
		}
		left := []string{"/boot/grub2/grub.cfg", "/boot/grub2/grubenv", "/usr/lib/kernel/cmdline"}
		g.write(left[1], "kernelopts=root=x cloud-init=disabled\n####", 0o600)
		g.write(left[2], "root=x xcloud-init=disabled\n", 0o644)
		if err := os.Symlink("../grub/linked.cfg", g.path(left[0])); err != nil {
			g.t.Fatal(err)
		}
		g.write("boot/grub/linked.cfg", "linux /a cloud-init=disabled\n", 0o600)
		if report := g.must(g.run(true, fullSeed)); len(report.ArgumentDisabled) != 9 || len(report.Enabled) > 0 {
			g.t.Errorf("not asked for: %+v", report)
		}
		report := g.must(g.install(Installer{Pin: true, Enable: true}, fullSeed))
		slices.Sort(report.ArgumentDisabled)
		if len(report.Enabled) != 6 || !slices.Contains(report.Enabled, "cloud-init=disabled is no longer in /boot/grub/grub.cfg") || !slices.Equal(report.ArgumentDisabled, left) {
			g.t.Errorf("%+v", report)
		}
		before := g.tree(true)
		if report := g.must(g.install(Installer{Pin: true, Enable: true}, fullSeed)); len(report.Enabled) > 0 || !slices.Equal(before, g.tree(true)) {
			g.t.Errorf("again: %+v", report)
		}
	})
}

func TestListWithoutNoCloud(t *testing.T) {
	g := machineWith(t, "dash", map[string]string{
		"etc/cloud/cloud.cfg": "datasource_list: [ NoCloud, Ec2 ]\n", "etc/cloud/cloud.cfg.d/90_dpkg.cfg": "datasource_list: [ Ec2 ]\n",
	})
	if report := g.must(g.run(false, fullSeed)); report.List != "/etc/cloud/cloud.cfg.d/90_dpkg.cfg" {
		t.Errorf("%+v", report)
	}
	if report := g.must(g.run(true, fullSeed)); report.List != "" || len(report.Overridden) > 0 {
		t.Errorf("%+v", report)
	}
}

func TestCIDATAIsIgnoredOnRequest(t *testing.T) {
	g := machineWith(t, "dash", nil)
	const words = "\ndatasource:\n  NoCloud:\n    fs_label: null\n"
	for pin, want := range map[bool]string{true: Pin + ignoreCIDATA, false: ignoreCIDATA} {
		report := g.must(g.install(Installer{Pin: pin, IgnoreCIDATA: true}, fullSeed))
		if text, err := os.ReadFile(g.path(PinFile)); err != nil || string(text) != want || !strings.HasSuffix(string(text), words) || report.Pin != Installed {
			t.Errorf("pinned %v: %q, %v, %+v", pin, text, err, report)
		}
	}
}

func TestActedOnTheSameInstance(t *testing.T) {
	g := machineWith(t, "busybox", map[string]string{"var/lib/cloud/data/instance-id": "i-1\n"})
	for id, want := range map[string]bool{"i-1": true, "i-2": false} {
		if report := g.must(g.run(true, Seed{InstanceID: id})); report.Acted != want {
			t.Errorf("%s: %+v", id, report)
		}
	}
}

func TestVersionIsFound(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"22.4.2-1+deb12u3": {"var/lib/dpkg/status": "Package: a\nVersion: 1\n\nPackage: cloud-init\nStatus: install ok installed\nVersion: 22.4.2-1+deb12u3\n\nPackage: cloud-init-x\nVersion: 2\n"},
		"24.4-r0":          {"lib/apk/db/installed": "P:busybox\nV:1\n\nC:Q1\nP:cloud-init\nV:24.4-r0\n\n"},
		"25.1.4":           {"usr/lib/python3/dist-packages/cloudinit/version.py": "__VERSION__ = \"25.1.4\"\n_PACKAGED_VERSION = \"@@PACKAGED_VERSION@@\"\n"},
		"23.4-7.el9":       {"usr/lib/python3.9/site-packages/cloudinit/version.py": "__VERSION__ = \"23.4\"\n_PACKAGED_VERSION = \"23.4-7.el9\"\n"},
		"25.3":             {"usr/lib/python3.13/site-packages/cloudinit/version.py": "__VERSION__ = meson_versions.UPSTREAM_VERSION\n", "usr/lib/python3.13/site-packages/cloudinit/meson_versions.py": "UPSTREAM_VERSION = \"25.3\"      # Required\nDOWNSTREAM_VERSION = \"@DOWNSTREAM_VERSION@\"\n"},
		"26.2-3.fc45":      {"usr/lib/python3.14/site-packages/cloudinit/meson_versions.py": "UPSTREAM_VERSION = \"26.2\"\nDOWNSTREAM_VERSION = \"26.2-3.fc45\"  # Optional\n"},
		"":                 {"etc/os-release": "ID=\"x\"\n"},
	} {
		g := machineWith(t, "busybox", files)
		if report := g.must(g.run(true, fullSeed)); report.Version != want {
			t.Errorf("want %q: %+v", want, report)
		}
	}
}

func TestScriptIsWellWritten(t *testing.T) {
	if _, err := command.LookPath("shellcheck", os.Getenv("PATH")); err != nil {
		t.Skip("no shellcheck")
	}
	seed, _ := render(t, fullSeed)
	said, err := command.Output(t.Context(), command.Host{}, command.Command{
		Path: "shellcheck", Args: []string{"-s", "sh", "-S", "warning", "-"}, Env: os.Environ(),
		Stdin: strings.NewReader(string(Installer{Pin: true, Judge: true}.Script(seed))),
	})
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
