// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// debianFamily is a template for real systems: elements, environment and further
// attributes come as HCL.
func (w workspace) debianFamily(elements, environment, attributes, body string) string {
	w.t.Helper()
	text := fmt.Sprintf(`
packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
  }
}
source "diskimage" "family" {
  elements         = [%s]
  environment      = {%s}
  work_directory   = %q
  output_directory = %q
  image_name       = "family"
  formats          = ["raw"]
%s
}
build {
  sources = ["source.diskimage.family"]
%s
}
`, elements, environment, w.work, w.output, attributes, body)
	path := filepath.Join(w.dir, "family.pkr.hcl")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// hostMirror is the archive that this host has Debian bookworm from.
func hostMirror(t *testing.T) string {
	t.Helper()
	out := judge(t, "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm", "Component: main")
	first, _, _ := strings.Cut(out, "\n")
	if first == "" {
		t.Skip("apt of this host knows no archive of Debian bookworm")
	}
	return strings.TrimRight(first, "/")
}

// file writes a file of the workspace and returns its path.
func (w workspace) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// Element debian with the elements that bring apt's files. The image has a seed as
// well, and boots with it and with others. (The boots are not parallel: they would
// wait for all other tests, and be the suite's last and longest.)
func TestAccDebianBookworm(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	seed := newSeeded(t, "seed.pkr.hcl", "web", "Europe/Prague")
	seed.typists, seed.locked = map[string]string{"worker": everydayPassword}, "guest"
	buildBookworm(t, w, seed)
	raw := w.output + "/family.raw"
	image := filesOf(t, raw, "/etc", "/home", "/usr/bin", "/usr/sbin", "/var/lib/dpkg")
	checkDebian(t, image, "12.")
	checkAptFiles(t, image)
	checkGeneralised(t, image)
	t.Run("seed", func(t *testing.T) {
		bootSeeded(t, seed, rawDisk{path: raw}, [][3]string{
			{"user of the image", "id -u debian; su debian -c 'sudo -n id -u'", "1000\n0"},
			{"name servers", "grep -c '^    dns-nameservers 10.0.2.3$' /etc/network/interfaces.d/50-cloud-init", "2"},
		}, nil)
	})
	t.Run("clones", func(t *testing.T) {
		bootClones(t, seed, rawDisk{path: raw})
	})
}

// The same of the next release, with settings of an element's for the bootstrap, a
// seed of attributes and one more on a partition.
func TestAccDebianTrixie(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	seed := newSeeded(t, "structured.pkr.hcl", "db", "Asia/Tokyo")
	seed.typists, seed.locked = map[string]string{"worker": everydayPassword, "typist": typistPassword}, "locked"
	d := buildTrixie(t, w, seed)
	t.Run("seed", func(t *testing.T) {
		bootSeeded(t, seed, d, append([][3]string{
			{"name servers", "resolvectl dns lan0 | cut -d: -f2-; resolvectl domain lan0 | cut -d: -f2-", "10.0.2.3\n lan.test"},
			{"recoverable errors", `cloud-init status --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["recoverable_errors"])'`, "{}"},
		}, structured...), func(ctx context.Context, guest login) { tryOut(t, ctx, guest) })
	})
	t.Run("partition", func(t *testing.T) {
		bootPartition(t, seed, d)
	})
}

// generalised makes a template of the image, in which the boots still look for
// what an installer left.
const generalised = `ignore_cidata         = true
    generalise_operations = ["default", "-installer-cloud-config"]`

// checkGeneralised wants that nothing is left of the machine that the image was.
func checkGeneralised(t *testing.T, image string) {
	t.Helper()
	wantContent(t, image+"/etc/machine-id", "")
	for _, pattern := range []string{"etc/ssh/ssh_host_*", "etc/shadow-", "var/lib/dpkg/*-old"} {
		if left, err := filepath.Glob(filepath.Join(image, pattern)); err != nil || len(left) > 0 {
			t.Errorf("left in a generalised image: %q %v", left, err)
		}
	}
}

// buildBookworm builds with a package that only DIB_APT_SOURCES has, a setting
// that only DIB_APT_CONF makes, and a seed.
func buildBookworm(t *testing.T, w workspace, seed seeded) {
	t.Helper()
	sources := w.file("sources.list", "# of the test\ndeb "+hostMirror(t)+" bookworm contrib\n")
	conf := w.file("apt.conf", "DPkg::Post-Invoke { \"date > /etc/apt-conf-was-read\"; };\n")
	status, out := runPacker(t, w.dir, w.env(), "build", w.debianFamily(
		`"debian", "cloud-init-nocloud", "apt-sources", "apt-conf", "apt-preferences"`,
		fmt.Sprintf(`DIB_RELEASE = "bookworm", DIB_DEBIAN_KERNEL = "linux-image-cloud-amd64", DIB_APT_SOURCES = %q, DIB_APT_CONF = %q`, sources, conf),
		`packages = ["b43-fwcutter"]`, strings.Replace(seed.provisioners(t), "ignore_cidata = true", generalised, 1)))
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	for _, told := range []string{
		"repeat/nocloud-proof", "repeat/nocloud-generalise",
		"apt-preferences: DIB_DPKG_MANIFEST is not set",
		"apt-sources: /etc/apt/sources.list.d/default.list is used as well",
	} {
		if !strings.Contains(out, told) {
			t.Errorf("the build does not say %q", told)
		}
	}
}

// buildTrixie builds with bootstrap settings of an element's and two seeds: one in the image and one
// on a partition.
func buildTrixie(t *testing.T, w workspace, seed seeded) rawDisk {
	t.Helper()
	settings := w.element("settings", "root.d/05-settings", `echo 'echo "settings of $DISTRO_NAME $DIB_RELEASE"' > "$TARGET_ROOT/.extra_settings"`+"\n")
	status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+settings), "build", w.debianFamily(
		`"debian", "devuser", "element-manifest", "source-repositories", "svc-map", "settings", "block-device-gpt"`,
		`DIB_RELEASE = "trixie", DIB_DEBIAN_KERNEL = "linux-image-cloud-amd64", DIB_DEV_USER_AUTHORIZED_KEYS = "/dev/null",
		DIB_APT_LOCAL_CACHE = "0", DIB_DISABLE_APT_CLEANUP = "1"`, seed.partitionSeed(), seed.provisioners(t)))
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	raw := w.output + "/family.raw"
	_, partitions := partitionsOf(t, raw)
	if len(partitions) != 3 {
		t.Fatalf("partitions %+v", partitions)
	}
	d := rawDisk{raw, partitions[2].Start * 512}
	image := filesOf(t, d.root(), "/etc", "/home", "/usr/bin", "/usr/sbin", "/var/lib/dpkg", "/var/cache/apt")
	checkDebian(t, image, "13.")
	if !strings.Contains(out, "settings of debian trixie") {
		t.Error("the bootstrap did not read .extra_settings")
	}
	if top := judge(t, "debugfs", "-R", "ls -p /", d.root()); !strings.Contains(top, "/etc/") || strings.Contains(top, "extra_settings") {
		t.Errorf("what is in the top directory: %s", top)
	}
	if kept, err := filepath.Glob(image + "/var/cache/apt/archives/openssh-server_*.deb"); err != nil || len(kept) != 1 {
		t.Errorf("DIB_DISABLE_APT_CLEANUP keeps %q (%v)", kept, err)
	}
	wantLine(t, image+"/etc/passwd", "devuser:x:")
	wantLine(t, image+"/etc/dib-manifests/dib-element-manifest", "cache-url\n")
	wantUnit(t, image, "multi-user.target.wants/systemd-networkd.service", true)
	return d
}

// checkDebian wants what element debian leaves in every release.
func checkDebian(t *testing.T, image, version string) {
	t.Helper()
	wantLine(t, image+"/etc/passwd", "debian:x:1000:1000:")
	shadow, err := os.ReadFile(image + "/etc/shadow")
	if err != nil || !regexp.MustCompile(`(?m)^debian:[!*]:`).Match(shadow) {
		t.Errorf("user debian has a password (%v):\n%s", err, shadow)
	}
	wantContent(t, image+"/etc/sudoers.d/debian-cloud-init", "debian ALL=(ALL) NOPASSWD:ALL\n")
	wantMode(t, image+"/etc/sudoers.d/debian-cloud-init", 0o440)
	wantLine(t, image+"/etc/debian_version", version)
	wantLine(t, image+"/etc/apt/sources.list.d/default.list", "deb ")
	wantUnit(t, image, "multi-user.target.wants/ssh.service", true)
	for _, program := range []string{"bin/less", "bin/curl", "bin/rsync", "bin/file", "bin/dialog", "bin/growpart", "bin/cloud-init", "sbin/sshd", "bin/netstat"} {
		if _, err := os.Lstat(filepath.Join(image, "usr", program)); err != nil {
			t.Error(err)
		}
	}
	if left, err := filepath.Glob(image + "/etc/ssh/ssh_host_*"); err != nil || len(left) > 0 {
		t.Errorf("host keys are in the image: %v %v", left, err)
	}
}

func checkAptFiles(t *testing.T, image string) {
	t.Helper()
	wantLine(t, image+"/etc/apt/sources.list", "# of the test\ndeb ")
	wantMode(t, image+"/etc/apt/sources.list", 0o644)
	wantLine(t, image+"/etc/apt/apt.conf", "DPkg::Post-Invoke")
	if _, err := os.Stat(image + "/etc/apt-conf-was-read"); err != nil {
		t.Errorf("apt did not read the file of apt-conf: %v", err)
	}
	wantLine(t, image+"/var/lib/dpkg/status", "Package: b43-fwcutter\n")
	if _, err := os.Stat(image + "/etc/apt/preferences"); !os.IsNotExist(err) {
		t.Errorf("there are pins without a manifest: %v", err)
	}
}
