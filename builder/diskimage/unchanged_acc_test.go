// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/qemu"
)

// unchangedSet is what issue and docs/compatibility.md name.
var unchangedSet = []string{"debian-minimal", "cloud-init-nocloud", "devuser", "dhcp-all-interfaces"}

const devPassword = "not-a-secret"

// buildDeadline is generous: two builds run at a time, and the host is shared.
const buildDeadline = 40 * time.Minute

// TestAccUnchangedElements builds diskimage-builder's own elements with
// diskimage-builder and with this plugin, compares the images, and boots what
// the plugin makes of them with a boot loader.
func TestAccUnchangedElements(t *testing.T) {
	needDiskimageBuilder(t)
	t.Parallel()
	w := newWorkspace(t)
	env := w.unchangedEnvironment()
	// Named alike: the name is in the manifests.
	theirs := filepath.Join(w.dir, "theirs", "plain")
	if err := os.Mkdir(filepath.Dir(theirs), 0o755); err != nil {
		t.Fatal(err)
	}
	dib := startCommand(t, w.diskImageCreate(append(env, "DIB_IMAGE_CACHE="+filepath.Join(w.dir, "their-cache")),
		append([]string{"-t", "raw", "-o", theirs}, unchangedSet...)...))
	plain := w.buildUnchanged(env, "plain", "", unchangedSet...)
	note := nonce(t)
	bootable := w.buildUnchanged(env, "bootable", note, append(unchangedSet, "vm", "block-device-efi")...)
	t.Run("boots", func(t *testing.T) {
		for name, firmware := range map[string]qemu.Firmware{"SeaBIOS": qemu.BIOS, "OVMF": qemu.UEFI} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				logIn(t, qemu.Spec{Image: bootable, Format: "raw", Firmware: firmware}, note)
			})
		}
	})
	if status := dib.waitWithin(buildDeadline); status != 0 {
		t.Fatalf("diskimage-builder: status %d:\n%s", status, dib.output())
	}
	compareImages(t, mountedImage(t, theirs+".raw"), mountedImage(t, plain))
}

// unchangedEnvironment is the environment of both builders.
func (w workspace) unchangedEnvironment() []string {
	w.t.Helper()
	mirror := os.Getenv("DIB_DISTRIBUTION_MIRROR")
	if mirror == "" {
		mirror = hostMirror(w.t)
	}
	// diskimage-builder 3.13 makes a wrong security line for bookworm by itself.
	return w.env("DIB_DISTRIBUTION_MIRROR="+mirror, "DIB_RELEASE=bookworm",
		fmt.Sprintf("DIB_APT_SOURCES_CONF=default:deb %[1]s bookworm main\nupdates:deb %[1]s bookworm-updates main", mirror),
		"DIB_DEV_USER_USERNAME=tester", "DIB_DEV_USER_PASSWORD="+devPassword, "DIB_DEV_USER_PWDLESS_SUDO=yes")
}

// withoutPython is a PATH with all programs of this host but Python.
func (w workspace) withoutPython() string {
	w.t.Helper()
	dir := filepath.Join(w.dir, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	for place := range strings.SplitSeq(os.Getenv("PATH")+":/usr/sbin:/usr/bin:/sbin:/bin", ":") {
		programs, _ := filepath.Glob(place + "/*")
		for _, program := range programs {
			name := filepath.Base(program)
			if strings.HasPrefix(name, "py") {
				continue
			}
			if err := os.Symlink(program, filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
				w.t.Fatal(err)
			}
		}
	}
	// What the builder adds to a PATH has none either.
	for _, place := range []string{dir, "/sbin", "/usr/sbin", "/usr/local/sbin"} {
		if found, _ := filepath.Glob(place + "/python*"); len(found) > 0 {
			w.t.Fatalf("Python is on the PATH of hooks: %q", found)
		}
	}
	return dir
}

// buildUnchanged builds from diskimage-builder's element tree; a note is left
// in the image by a provisioner.
func (w workspace) buildUnchanged(env []string, name, note string, elements ...string) (image string) {
	w.t.Helper()
	provisioner := ""
	if note != "" {
		// On a busy host an emulated machine needs more than the 90 seconds that
		// systemd gives a device to appear, and the 60 that login gives a user.
		provisioner = fmt.Sprintf(`provisioner "shell" {
    inline = [
      "echo %s > /etc/note",
      "mkdir -p /etc/systemd/system.conf.d",
      "printf '[Manager]\\nDefaultDeviceTimeoutSec=20min\\n' > /etc/systemd/system.conf.d/slow.conf",
      "sed -i 's/^LOGIN_TIMEOUT.*/LOGIN_TIMEOUT 1200/' /etc/login.defs",
    ]
  }`, note)
	}
	template := filepath.Join(w.dir, name+".pkr.hcl")
	text := fmt.Sprintf(`
source "diskimage" %[1]q {
  elements              = ["%[2]s"]
  element_paths         = [%[3]q]
  formats               = ["raw"]
  image_name            = %[1]q
  output_directory      = %[4]q
  work_directory        = %[5]q
  image_cache_directory = %[6]q
}
build {
  sources = ["source.diskimage.%[1]s"]
  %[7]s
}
`, name, strings.Join(elements, `", "`), upstreamElements, w.output, w.work, filepath.Join(w.dir, "our-cache"), provisioner)
	if err := os.WriteFile(template, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	r := startPacker(w.t, w.dir, append(env, "PATH="+w.withoutPython()), "build", template)
	if status := r.waitWithin(buildDeadline); status != 0 {
		w.t.Fatalf("%s: status %d:\n%s", name, status, r.output())
	}
	return filepath.Join(w.output, name+".raw")
}

// logIn boots an image, logs in as the user of element devuser and reads the note.
func logIn(t *testing.T, spec qemu.Spec, note string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*bootDeadline)
	defer cancel()
	m, err := qemu.Start(ctx, command.Host{}, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	for _, step := range []struct {
		want *regexp.Regexp
		send string
	}{
		// The kernel may speak in the same line as a prompt, or as an answer.
		{regexp.MustCompile(`debian login:`), "tester\n"},
		{regexp.MustCompile(`Password:`), devPassword + "\n"},
		{regexp.MustCompile(`permitted by applicable law`), "cat /etc/note\n"},
		{regexp.MustCompile(note), "sudo id -u | sed s/^/uid=/\n"},
		{regexp.MustCompile(`uid=0`), ""},
	} {
		if _, err := m.WaitFor(ctx, qemu.Pattern(step.want), qemu.Text("Login incorrect"), qemu.Text("Kernel panic")); err != nil {
			t.Fatal(err)
		}
		if step.send != "" {
			if err := m.Send(step.send); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// compareImages wants two file systems to be equal but for what
// docs/compatibility.md lists.
func compareImages(t *testing.T, theirs, ours string) {
	t.Helper()
	comparePackages(t, theirs, ours)
	for _, file := range []string{"etc/fstab", "etc/passwd", "etc/group"} {
		equalFile(t, theirs, ours, file)
	}
	if text := equalFile(t, theirs, ours, "etc/fstab"); !strings.HasPrefix(text, "LABEL=cloudimg-rootfs / ext4 ") {
		t.Errorf("fstab: %s", text)
	}
	equalFile(t, theirs, ours, "etc/shadow-")
	if text := equalFile(t, theirs, ours, "etc/shadow"); !strings.Contains(text, "\ntester:<hash>:") {
		t.Errorf("no password of devuser in etc/shadow: %s", text)
	}
	compareServices(t, theirs, ours)
	compareInitramfs(t, theirs, ours)
	compareNodes(t, nodes(t, theirs), nodes(t, ours))
}

func comparePackages(t *testing.T, theirs, ours string) {
	t.Helper()
	want, got := packagesOf(t, theirs), packagesOf(t, ours)
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 200 {
		t.Errorf("%d packages (-theirs +ours):\n%s", len(want), diff)
	}
}

func packagesOf(t *testing.T, root string) []string {
	t.Helper()
	out := judge(t, "dpkg-query", "--admindir", filepath.Join(root, "var/lib/dpkg"), "-W", "-f", "${Package} ${Version} ${Status}\n")
	return strings.Split(strings.TrimSpace(out), "\n")
}

// normalShadow is the text of a file of passwords without their hashes, whose salts
// are random, and without the day on which they were set.
func normalShadow(text string) string {
	text = regexp.MustCompile(`(?m)^([^:]+):\$[^:]*:`).ReplaceAllString(text, "$1:<hash>:")
	return regexp.MustCompile(`(?m)^([^:]+:[^:]*):\d+:`).ReplaceAllString(text, "$1:<day>:")
}

// equalFile returns a file's text, which both images must have.
func equalFile(t *testing.T, theirs, ours, file string) string {
	t.Helper()
	var texts []string
	for _, root := range []string{theirs, ours} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Error(err)
		}
		if strings.HasPrefix(filepath.Base(file), "shadow") {
			text = []byte(normalShadow(string(text)))
		}
		texts = append(texts, string(text))
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		t.Errorf("%s (-theirs +ours):\n%s", file, diff)
	}
	return texts[1]
}

// compareServices compares what systemd starts.
func compareServices(t *testing.T, theirs, ours string) {
	t.Helper()
	var lists [][]string
	for _, root := range []string{theirs, ours} {
		var list []string
		links, err := filepath.Glob(filepath.Join(root, "etc/systemd/system/*.wants/*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			target, err := os.Readlink(link)
			if err != nil {
				t.Error(err)
			}
			list = append(list, strings.TrimPrefix(link, root)+" -> "+target)
		}
		lists = append(lists, list)
	}
	if diff := cmp.Diff(lists[0], lists[1]); diff != "" || len(lists[0]) < 10 {
		t.Errorf("%d enabled units (-theirs +ours):\n%s", len(lists[0]), diff)
	}
}

func compareInitramfs(t *testing.T, theirs, ours string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(theirs, "boot/initrd.img-*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("initramfs: %q %v", found, err)
	}
	want, got := initramfs(t, found[0]), initramfs(t, filepath.Join(ours, "boot", filepath.Base(found[0])))
	const random = "etc/initiatorname.iscsi"
	delete(want, random)
	delete(got, random)
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 500 {
		t.Errorf("initramfs of %d files (-theirs +ours):\n%s", len(want), diff)
	}
}

// compareNodes compares all files. Each difference that is allowed must be there.
func compareNodes(t *testing.T, want, got map[string]node) {
	t.Helper()
	allowed := documentedDifferences(t)
	// Its days may differ, at midnight; equalFile has compared the rest.
	backup := got["/etc/shadow-"]
	backup.Digest = want["/etc/shadow-"].Digest
	got["/etc/shadow-"] = backup
	for pattern, what := range allowed {
		for name := range want {
			if matched, _ := path.Match(pattern, name); !matched {
				continue
			}
			delete(allowed, pattern)
			before, after := want[name], got[name]
			switch what {
			case "absent":
				if _, there := got[name]; there {
					t.Errorf("%s is there", name)
				}
				after = before
			case "mode, content":
				after.Mode = before.Mode
				fallthrough
			case "content":
				if before.Digest == after.Digest {
					t.Errorf("%s is equal: docs/compatibility.md is out of date", name)
				}
				after.Digest = before.Digest
			}
			got[name] = after
		}
	}
	if len(allowed) > 0 {
		t.Errorf("in docs/compatibility.md, but in no image: %v", allowed)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 10000 {
		t.Errorf("%d files (-theirs +ours):\n%s", len(want), diff)
	}
}

// documentedDifferences are the rows of the table in docs/compatibility.md by
// file name pattern.
func documentedDifferences(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## What differs in the image\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| [^|]+ \\|$").FindAllStringSubmatch(section, -1) {
		rows[row[1]] = row[2]
		if row[2] != "absent" && row[2] != "content" && row[2] != "mode, content" {
			t.Errorf("docs/compatibility.md: what is %q?", row[2])
		}
	}
	if !found || len(rows) < 5 {
		t.Fatalf("docs/compatibility.md lists %d differences", len(rows))
	}
	return rows
}
