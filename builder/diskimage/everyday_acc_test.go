// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// buildMine builds tiny-os, the test's own element mine and further elements.
func (w workspace) buildMine(attributes, body string, elements ...string) (int, string) {
	w.t.Helper()
	list := `"tiny-os", "mine", "` + strings.Join(elements, `", "`) + `"`
	template := w.template("  elements = ["+list+"]\n"+attributes, body)
	return runPacker(w.t, w.dir, w.env("ELEMENTS_PATH="+filepath.Join(w.dir, "elements")), "build", template)
}

// kernels puts two kernels and their ramdisks into the image.
const kernels = `
touch /etc/debian_version
for version in 6.9.1-1 6.10.2-1; do
    echo "kernel $version" >/boot/vmlinuz-$version
    echo "ramdisk $version" >/boot/initrd.img-$version
done
`

func TestAccBaremetal(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	w.element("mine", "install.d/50-kernels", kernels)
	w.element("mine", "post-install.d/50-choose", "if command -v select-boot-kernel-initrd >/dev/null; then select-boot-kernel-initrd >/etc/chosen; fi\n")
	attributes := "  formats = [\"raw\"]\n"
	status, out := w.buildMine(attributes, "", "baremetal", "select-boot-kernel-initrd", "install-bin")
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	if got := w.outputs(); !slices.Equal(got, []string{"tiny.initrd", "tiny.raw", "tiny.vmlinuz"}) {
		t.Errorf("outputs: %v", got)
	}
	wantContent(t, filepath.Join(w.output, "tiny.vmlinuz"), "kernel 6.10.2-1\n")
	wantContent(t, filepath.Join(w.output, "tiny.initrd"), "ramdisk 6.10.2-1\n")
	wantMode(t, filepath.Join(w.output, "tiny.vmlinuz"), 0o644)
	raw := filepath.Join(w.output, "tiny.raw")
	if got := judge(t, "debugfs", "-R", "cat /etc/chosen", raw); !strings.Contains(got, "vmlinuz-6.10.2-1:initrd.img-6.10.2-1\n") {
		t.Errorf("select-boot-kernel-initrd says %q", got)
	}
	if got := judge(t, "debugfs", "-R", "stat /lib/diskimage-builder", raw); strings.Contains(got, "Inode:") {
		t.Error("the functions of the build are in the image")
	}
	if !strings.Contains(out, "tiny.raw, ") || !strings.Contains(out, "tiny.vmlinuz") {
		t.Errorf("the artifact does not name the kernel:\n%s", out)
	}

	// An earlier kernel is in the way like an earlier image, and a build that
	// fails late changes neither.
	if err := os.Remove(raw); err != nil {
		t.Fatal(err)
	}
	status, out = w.buildMine(attributes, "", "baremetal")
	if status == 0 || !strings.Contains(out, "tiny.vmlinuz") || !strings.Contains(out, "-force") {
		t.Errorf("an earlier kernel: status %d:\n%s", status, out)
	}
	if got := w.outputs(); !slices.Equal(got, []string{"tiny.initrd", "tiny.vmlinuz"}) {
		t.Errorf("outputs after a refused build: %v", got)
	}

	// The second pattern is missing; then nothing matches; then there is no kernel.
	for environment, words := range map[string][]string{
		`DIB_BAREMETAL_KERNEL_PATTERN = "vm*"`:                                               {"element baremetal", "DIB_BAREMETAL_INITRD_PATTERN", "both or neither"},
		`DIB_BAREMETAL_KERNEL_PATTERN = "zImage*", DIB_BAREMETAL_INITRD_PATTERN = "initrd*"`: {"element baremetal", "No suitable kernel", "zImage*"},
	} {
		status, out = w.buildMine(attributes+"  environment = { "+environment+" }\n", "", "baremetal")
		wantRefused(t, status, out, words...)
	}
	w.element("mine", "install.d/50-kernels", "")
	status, out = w.buildMine(attributes, "", "baremetal")
	wantRefused(t, status, out, "element baremetal", "Unable to detect operating system")
	w.assertClean()
}

func wantRefused(t *testing.T, status int, out string, words ...string) {
	t.Helper()
	if status == 0 {
		t.Errorf("the build succeeds, which should say %q", words)
	}
	for _, word := range words {
		if !strings.Contains(out, word) {
			t.Errorf("%q is not said:\n%s", word, out)
		}
	}
}

func TestAccNoFinalImage(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	// Its own disk has served by then; what it made of it is the artifact.
	w.element("mine", "cleanup.d/50-ramdisk", `
findmnt -n "$TARGET_ROOT" >/dev/null
echo kernel >"$IMAGE_NAME.kernel"
echo ramdisk >"$IMAGE_NAME.initramfs"
mkdir "$IMAGE_NAME.d"
echo note >"$IMAGE_NAME.d/note"
`)
	// An image of an earlier build is not in the way of none.
	if err := os.MkdirAll(w.output, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.output, "tiny.raw"), []byte("earlier"), 0o644); err != nil {
		t.Fatal(err)
	}
	const after = `
  post-processor "manifest" {
    output     = "manifest.json"
    strip_path = true
  }
  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "sums"
  }`
	status, out := w.buildMine("  formats = [\"raw\"]\n", after, "no-final-image")
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	if got := w.outputs(); !slices.Equal(got, []string{"tiny.d/note", "tiny.initramfs", "tiny.kernel", "tiny.raw"}) {
		t.Errorf("outputs: %v", got)
	}
	wantContent(t, filepath.Join(w.output, "tiny.raw"), "earlier")
	wantContent(t, filepath.Join(w.output, "tiny.d/note"), "note\n")
	if !strings.Contains(out, "no image is written and formats has no effect: element no-final-image") {
		t.Errorf("the plan does not say that no image is written:\n%s", out)
	}
	text, err := os.ReadFile(filepath.Join(w.dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(text); !strings.Contains(got, `"tiny.kernel"`) || !strings.Contains(got, `"tiny.initramfs"`) || strings.Contains(got, "tiny.raw") {
		t.Errorf("the artifact's files: %s", got)
	}
	// The first of them: sha256sum of "ramdisk\n".
	sum := strings.Fields(judge(t, "sha256sum", filepath.Join(w.output, "tiny.initramfs")))[0]
	if !strings.Contains(string(text), `"sha256:`+sum+`"`) {
		t.Errorf("the artifact's id is not the first file's digest %s: %s", sum, text)
	}

	// Nothing beside it: success without an artifact.
	w.element("mine", "cleanup.d/50-ramdisk", "")
	status, out = w.buildMine("  formats = [\"raw\"]\n", after, "no-final-image")
	if status != 0 || !strings.Contains(out, "hooks put no file beside it") || !strings.Contains(out, "no artifacts were created") {
		t.Errorf("without anything: status %d:\n%s", status, out)
	}
	w.assertClean()
}

func TestAccPartitioningSfdisk(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	w.element("mine", "finalise.d/50-look", `echo "table $DIB_BLOCK_DEVICE devices $IMAGE_BLOCK_DEVICES" >/etc/disk`+"\n")
	for _, tc := range []struct {
		name, script, label, kind string
		want                      []partition
	}{
		{"dos", `2048,131072,L *\n  133120,20480,S\n  ,,V\n 0 0;`, "dos", "mbr", []partition{
			{Start: 2048, Size: 131072, Type: "83", Bootable: true}, {Start: 133120, Size: 20480, Type: "82"}, {Start: 153600, Size: 106496, Type: "8e"},
		}},
		{"gpt", `label: gpt\nstart=4096, type=L, name=system, size=100M\nsize=8M, type=21686148-6449-6E6F-744E-656564454649`, "gpt", "gpt", []partition{
			{Start: 4096, Size: 204800, Type: "0FC63DAF-8483-4772-8E79-3D69D8477DE4", Name: "system"},
			{Start: 208896, Size: 16384, Type: "21686148-6449-6E6F-744E-656564454649", Name: "part2"},
		}},
	} {
		status, out := w.buildMine(fmt.Sprintf("  formats = [\"raw\"]\n  disk_size = \"127M\"\n  environment = { DIB_PARTITIONING_SFDISK_SCHEMA = \"%s\" }\n", tc.script), "", "partitioning-sfdisk")
		if status != 0 {
			t.Fatalf("%s: status %d:\n%s", tc.name, status, out)
		}
		w.assertClean()
		raw := filepath.Join(w.output, "tiny.raw")
		label, got := partitionsOf(t, raw)
		if label != tc.label || !slices.Equal(got, tc.want) {
			t.Errorf("%s: table %s\n got %+v\nwant %+v", tc.name, label, got, tc.want)
		}
		judge(t, "sfdisk", "--verify", raw)
		if tc.label == "gpt" {
			if said := judge(t, "sgdisk", "-v", raw); !strings.Contains(said, "No problems found") {
				t.Errorf("sgdisk: %s", said)
			}
		}
		if !strings.Contains(out, "layout from DIB_PARTITIONING_SFDISK_SCHEMA") || !strings.Contains(out, "partition 2 stays empty") {
			t.Errorf("the plan does not say where the layout is from, and what of it stays empty:\n%s", out)
		}
		root := extract(t, raw, got[0])
		checkFilesystem(t, "ext4", root)
		if said := judge(t, "debugfs", "-R", "cat /etc/disk", root); !strings.Contains(said, "table "+tc.kind+" devices ") {
			t.Errorf("hooks see %q", said)
		}
		if err := os.Remove(raw); err != nil {
			t.Fatal(err)
		}
	}
	for script, words := range map[string][]string{
		`2048,10000,L *\n10248,,L`: {"environment (DIB_PARTITIONING_SFDISK_SCHEMA)", "element partitioning-sfdisk", "line 2", "overlaps partition 1"},
		`mklabel gpt`:              {"environment (DIB_PARTITIONING_SFDISK_SCHEMA)", "element partitioning-sfdisk", "line 1", `\"mklabel\"`},
		`2048,9999999,L`:           {"disk_size", "partition \"root\" does not fit"},
	} {
		status, out := w.buildMine(fmt.Sprintf("  disk_size = \"127M\"\n  environment = { DIB_PARTITIONING_SFDISK_SCHEMA = \"%s\" }\n", script), "", "partitioning-sfdisk")
		words[len(words)-1] = strings.ReplaceAll(words[len(words)-1], `\"`, `"`)
		wantRefused(t, status, out, words...)
	}
	status, out := w.buildMine(`  environment = { DIB_BLOCK_DEVICE_CONFIG = "[{local_loop: {name: image0}}]" }`, "", "partitioning-sfdisk")
	wantRefused(t, status, out, "DIB_BLOCK_DEVICE_CONFIG", "mounts nothing")
	status, out = w.buildMine("", "", "partitioning-sfdisk", "block-device-gpt")
	wantRefused(t, status, out, "partitioning-sfdisk", "block-device-gpt", "block-device")
}

// standIns are programs that hooks call in the tree and tiny-os lacks.
const standIns = `
stand_in() {
    mkdir -p "$(dirname "$TARGET_ROOT$1")"
    { printf '#!/bin/bash\nset -eu\n'; cat; } >"$TARGET_ROOT$1"
    chmod 0755 "$TARGET_ROOT$1"
}
stand_in /usr/local/bin/install-packages <<'END'
echo "$@" >>/etc/packages
END
stand_in /usr/local/bin/systemctl <<'END'
echo "$@" >>/etc/units
END
stand_in /usr/local/bin/python3 <<'END'
[ "$*" = "-m venv /usr/glean" ]
mkdir -p /usr/glean/bin
cp /usr/local/bin/stand-in-for-pip /usr/glean/bin/pip
END
stand_in /usr/local/bin/stand-in-for-pip <<'END'
echo "$@" >>/etc/pip
[ "$1 $2" = "install pbr" ]
if [ -d "$3" ]; then
    cat "$3/glean.txt" >>/etc/pip
fi
cp /usr/local/bin/stand-in-for-glean-install /usr/glean/bin/glean-install
END
stand_in /usr/local/bin/stand-in-for-glean-install <<'END'
echo "arguments: $*" >>/etc/glean
END
mkdir -p "$TARGET_ROOT"/etc/{apt/apt.conf.d,udev/rules.d,systemd/network,network/interfaces.d,dhcp,cloud/cloud.cfg.d,selinux}
ln -s /dev/null "$TARGET_ROOT/etc/systemd/network/99-default.link"
: >"$TARGET_ROOT/etc/udev/rules.d/80-net-setup-link.rules"
echo mine >"$TARGET_ROOT/etc/systemd/network/73-usb-net-by-mac.link"
echo 'auto eth0' >"$TARGET_ROOT/etc/network/interfaces.d/eth0"
echo 'auto ens9' >"$TARGET_ROOT/etc/network/interfaces.d/ens9"
echo 'auto eth0' >"$TARGET_ROOT/etc/network/interfaces"
printf '#timeout 9;\ntimeout 300;\nretry 60;\nsend host-name;\n' >"$TARGET_ROOT/etc/dhcp/dhclient.conf"
printf '# a comment\nSELINUX=enforcing\nSELINUXTYPE=mls\n' >"$TARGET_ROOT/etc/selinux/config"
echo 'demo:x:1000:1000::/home/demo:/bin/bash' >>"$TARGET_ROOT/etc/passwd"
`

// mineOn is the environment of a tree of the given distribution.
func mineOn(distribution string, more string) string {
	return fmt.Sprintf(`
  formats     = ["raw"]
  environment = {
    DISTRO_NAME = %q, DIB_RELEASE = "bookworm", DIB_INIT_SYSTEM = "systemd"
    %s
  }
`, distribution, more)
}

// What the elements leave in a tree, with stand-ins for what they call.
func TestAccEverydayTree(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	home := filepath.Join(w.dir, "home")
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".ssh/authorized_keys"), []byte("ssh-ed25519 AAAA me\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.element("mine", "root.d/20-stand-ins", standIns)
	w.element("mine", "install.d/55-sysctl", `
sysctl-set-value kernel.panic 17 "for the test"
sysctl-set-value kernel.panic 17
sysctl-write-value net.netfilter.nf_conntrack_max 4711
! sysctl-set-value no.such.parameter 1 2>/etc/sysctl-unknown
! sysctl-write-value kernel.panic 18 2>/etc/sysctl-conflict
! sysctl-write-value "kernel panic" 18 2>/etc/sysctl-name
`)
	before, err := os.ReadFile("/proc/sys/kernel/panic")
	if err != nil {
		t.Fatal(err)
	}
	elements := []string{"local-config", "selinux-permissive", "sysctl", "install-bin", "stable-interface-names", "enable-serial-console",
		"dhcp-all-interfaces", "grub2", "cloud-init-growpart", "simple-init"}
	status, out := w.buildMine(mineOn("debian", `HOME = "`+home+`"
    DIB_LOCAL_CONFIG_USERNAME = "demo", DIB_DHCP_TIMEOUT = "45", DIB_CLOUD_INIT_GROWPART_DEVICES = "['/', /dev/vda3]"
    http_proxy = "http://proxy.invalid:3128/", no_proxy = "one.invalid,two.invalid"
    DIB_SIMPLE_INIT_NO_DHCP_FALLBACK = "1"`), "", elements...)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	raw := filepath.Join(w.output, "tiny.raw")
	image := filesOf(t, raw, "/etc", "/home", "/usr/lib/systemd", "/usr/local", "/usr/glean")
	checkEverydayTree(t, image)
	if after, err := os.ReadFile("/proc/sys/kernel/panic"); err != nil || string(after) != string(before) {
		t.Errorf("kernel.panic of this host was %q and is %q (%v)", before, after, err)
	}
	if got := judge(t, "debugfs", "-R", "stat /home/demo/.ssh/authorized_keys", raw); !strings.Contains(got, "Mode:  0600") || !strings.Contains(got, "User:  1000") {
		t.Errorf("the keys do not belong to the user:\n%s", got)
	}
}

func checkEverydayTree(t *testing.T, image string) {
	t.Helper()
	etc := image + "/etc/"
	wantContent(t, image+"/home/demo/.ssh/authorized_keys", "ssh-ed25519 AAAA me\n")
	wantContent(t, etc+"apt/apt.conf.d/02-use-http-proxy", "Acquire::http::Proxy \"http://proxy.invalid:3128/\";\n")
	wantContent(t, etc+"apt/apt.conf.d/02-no-proxy",
		"Acquire::http::Proxy::one.invalid \"DIRECT\";\nAcquire::http::Proxy::two.invalid \"DIRECT\";\nAcquire::http::Proxy::192.0.2.1 \"DIRECT\";\n")
	wantContent(t, etc+"selinux/config", "# a comment\nSELINUXTYPE=mls\nSELINUX=permissive\n")
	wantContent(t, etc+"sysctl.d/kernel.panic.conf", "# for the test\nkernel.panic = 17\n")
	wantContent(t, etc+"sysctl.d/net.netfilter.nf_conntrack_max.conf", "# Written by element sysctl.\nnet.netfilter.nf_conntrack_max = 4711\n")
	wantSaid(t, etc+"sysctl-unknown", "element sysctl", "no.such.parameter", "sysctl-write-value")
	wantSaid(t, etc+"sysctl-conflict", "element sysctl", "'18'", "kernel.panic = 17")
	wantSaid(t, etc+"sysctl-name", "element sysctl", "'kernel panic'")
	for _, gone := range []string{"systemd/network/99-default.link", "udev/rules.d/80-net-setup-link.rules", "network/interfaces.d/eth0", "network/interfaces.d/ens9"} {
		if _, err := os.Lstat(etc + gone); err == nil {
			t.Errorf("/etc/%s is still there", gone)
		}
	}
	wantContent(t, etc+"systemd/network/73-usb-net-by-mac.link", "mine\n")
	wantSaid(t, etc+"udev/rules.d/99-serial-console.rules", "serial-getty@$name.service")
	wantSaid(t, etc+"udev/rules.d/99-dhcp-all-interfaces.rules", "dhcp-interface@$name.service")
	wantSaid(t, image+"/usr/lib/systemd/system/dhcp-interface@.service", "TimeoutStartSec=120")
	wantSaid(t, image+"/usr/local/sbin/dhcp-all-interfaces.sh", "\ntimeout=45\n")
	wantMode(t, image+"/usr/local/sbin/dhcp-all-interfaces.sh", 0o755)
	wantContent(t, etc+"dhcp/dhclient.conf", "#timeout 9;\nsend host-name;\ntimeout 45; # element dhcp-all-interfaces\n")
	wantContent(t, etc+"network/interfaces", "auto lo\niface lo inet loopback\n\nsource /etc/network/interfaces.d/*\n\n")
	wantContent(t, etc+"cloud/cloud.cfg.d/55-growpart.cfg", "#cloud-config\ngrowpart:\n  mode: auto\n  devices: ['/','/dev/vda3']\n  ignore_growroot_disabled: false\n")
	judge(t, "cloud-init", "schema", "--config-file", etc+"cloud/cloud.cfg.d/55-growpart.cfg")
	wantContent(t, etc+"pip", "install pbr glean\n")
	wantContent(t, etc+"glean", "arguments: --no-dhcp-fallback\n")
	wantContent(t, etc+"modules", "8021q\n")
	if link, err := os.Readlink(image + "/usr/local/bin/glean-install"); err != nil || link != "/usr/glean/bin/glean-install" {
		t.Errorf("glean-install leads to %q (%v)", link, err)
	}
	for _, name := range []string{"cloud-guest-utils", "grub-efi-amd64-signed", "grub-pc-bin", "ifupdown", "isc-dhcp-client", "ndisc6", "net-tools", "python3-venv", "shim-signed"} {
		wantSaid(t, etc+"packages", name)
	}
	if text, _ := os.ReadFile(etc + "packages"); strings.Contains(string(text), "biosdevname") {
		t.Error("biosdevname, which Debian has not, is installed")
	}
}

// wantSaid wants words in a file.
func wantSaid(t *testing.T, path string, words ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	for _, word := range words {
		if !strings.Contains(string(text), word) {
			t.Errorf("%q is not in %s: %s", word, path, text)
		}
	}
}

// Installed from a repository of git, and refused with what is wrong.
func TestAccEverydayRefusals(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	w.element("mine", "root.d/20-stand-ins", standIns)
	repository := filepath.Join(w.dir, "glean.git")
	judge(t, "git", "init", "-q", "-b", "main", repository)
	if err := os.WriteFile(filepath.Join(repository, "glean.txt"), []byte("from the repository\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	judge(t, "git", "-C", repository, "add", ".")
	judge(t, "git", "-C", repository, "-c", "user.name=t", "-c", "user.email=t@invalid", "commit", "-qm", "one")
	cache := fmt.Sprintf(`DIB_IMAGE_CACHE = %q`, filepath.Join(w.dir, "cache"))
	status, out := w.buildMine(mineOn("debian", fmt.Sprintf(`DIB_INSTALLTYPE_simple_init = "repo", DIB_REPOLOCATION_glean = %q, DIB_REPOREF_glean = "main", %s`,
		repository, cache)), "", "simple-init")
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	image := filesOf(t, filepath.Join(w.output, "tiny.raw"), "/etc")
	wantContent(t, image+"/etc/pip", "install pbr /tmp/glean.git\nfrom the repository\n")
	if err := os.RemoveAll(w.output); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		element, environment string
		words                []string
	}{
		{"simple-init", `DIB_INSTALLTYPE_simple_init = "repo"`, []string{"element simple-init", "DIB_REPOLOCATION_glean is not set"}},
		{"simple-init", `DIB_INSTALLTYPE_simple_init = "pip"`, []string{"element simple-init", "DIB_INSTALLTYPE_simple_init is 'pip'"}},
		{"local-config", `HOME = "/nonexistent"`, []string{"element local-config", "/nonexistent/.ssh/authorized_keys is missing", "DIB_LOCAL_CONFIG_USERNAME"}},
		{"dhcp-all-interfaces", `DIB_DHCP_TIMEOUT = "5m"`, []string{"element dhcp-all-interfaces", "DIB_DHCP_TIMEOUT is '5m'"}},
		{"enable-serial-console", `DIB_BOOTLOADER_SERIAL_CONSOLE = "115200"`, []string{"element enable-serial-console", "DIB_BOOTLOADER_SERIAL_CONSOLE is '115200'"}},
		{"stable-interface-names", `DIB_BOOTLOADER_DEFAULT_CMDLINE = "quiet net.ifnames=0"`, []string{"element stable-interface-names", "DIB_BOOTLOADER_DEFAULT_CMDLINE has net.ifnames=0"}},
		{"cloud-init-growpart", ``, []string{"element cloud-init-growpart", "DIB_CLOUD_INIT_GROWPART_DEVICES is not set"}},
		{"cloud-init-growpart", `DIB_CLOUD_INIT_GROWPART_DEVICES = "[vda3]"`, []string{"element cloud-init-growpart", "DIB_CLOUD_INIT_GROWPART_DEVICES: 'vda3'"}},
	} {
		status, out := w.buildMine(mineOn("debian", strings.TrimPrefix(tc.environment+", "+cache, ", ")), "", tc.element)
		wantRefused(t, status, out, tc.words...)
	}
	w.assertClean()
}
