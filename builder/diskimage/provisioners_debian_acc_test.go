// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAccDebianProvisioners builds example/ansible.pkr.hcl with more
// provisioners behind its own: one Debian for all of them.
func TestAccDebianProvisioners(t *testing.T) {
	needPacker(t)
	t.Parallel()
	if out, err := exec.Command("ansible-doc", "--type", "connection", "community.general.chroot").CombinedOutput(); err != nil {
		t.Skipf("Debian's package ansible is needed: %v\n%s", err, out)
	}
	w := newWorkspace(t)
	template := debianTemplate(t, w.dir)
	settings := filepath.Join(w.dir, "ansible.cfg")
	if err := os.WriteFile(settings, []byte("[defaults]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	probe := newFirstBootProbe(t, w)
	env := w.env("ELEMENTS_PATH="+probe.elements, "PACKER_PLUGIN_PATH="+provisionerPlugins(t), "ANSIBLE_CONFIG="+settings,
		"DIB_DEBIAN_KERNEL=linux-image-cloud-amd64", // a quarter of the usual one; nothing is booted
		"ANSIBLE_HOME="+filepath.Join(w.tmp(), "ansible"), "ANSIBLE_NOCOWS=1",
		"ANSIBLE_TIMEOUT=120", // of a connection; the host may be busy
		// The proxy of this old version of the plugin has a key that ssh distrusts.
		"ANSIBLE_SSH_EXTRA_ARGS=-o HostKeyAlgorithms=+ssh-rsa")
	example, err := filepath.Abs("../../example/ansible.pkr.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if status, out := runPacker(t, w.dir, env, "validate", example); status != 0 {
		t.Errorf("%s alone: status %d:\n%s", example, status, out)
	}
	status, out := runPacker(t, w.dir, env, "build", "-var", "output_directory="+w.output, "-var",
		`packages=["python3", "python3-apt", "sudo", "ansible-core", "puppet-agent"]`, template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	root := checkTable(t, filepath.Join(w.output, "ansible.raw"), "gpt", 3, 2)
	checkFilesystem(t, "ext4", root)
	image := filesOf(t, root, "/etc", "/home", "/root", "/srv", "/tmp", "/usr/local", "/usr/sbin", "/var/www")
	t.Run("first boot", func(t *testing.T) { probe.check(t, root) })
	fetched := filepath.Join(w.dir, "fetched")
	t.Run("example", func(t *testing.T) { checkAnsibleExample(t, image) })
	t.Run("ansible", func(t *testing.T) {
		checkAnsible(t, image, fetched)
		// rdump drops such bits.
		if stat := judge(t, "debugfs", "-R", "stat /srv/ansible/deep/er", root); !strings.Contains(stat, "Mode:  02775") {
			t.Errorf("set-group-id is lost:\n%s", stat)
		}
	})
	t.Run("ansible in a chroot", func(t *testing.T) { checkAnsibleChroot(t, image, fetched) })
	t.Run("ansible-local", func(t *testing.T) {
		wantContent(t, image+"/etc/local-first", "beside the playbook\n")
		wantContent(t, image+"/etc/local-shell", "two words /root root\n")
		wantContent(t, image+"/etc/local-second", "second on Debian\n")
	})
	t.Run("puppet-masterless", func(t *testing.T) {
		wantContent(t, image+"/etc/puppet-facts", "Debian light blue diskimage\n")
		wantMode(t, image+"/etc/puppet-facts", 0o640)
		wantContent(t, image+"/etc/puppet-module", "a module on bookworm\n")
		wantContent(t, image+"/etc/puppet-exec", "root\n")
		wantLine(t, image+"/etc/passwd", "dora:x:")
		wantMode(t, image+"/home/dora", fs.ModeDir|0o700)
		wantUnit(t, image, "multi-user.target.wants/systemd-networkd.service", true)
	})
	t.Run("shell with sudo", func(t *testing.T) { wantContent(t, image+"/etc/by-sudo", "0\n") })
	t.Run("nothing stays", func(t *testing.T) {
		for _, pattern := range []string{"/tmp/*", "/tmp/.a*", "/root/.ansible*", "/usr/sbin/policy-rc.d", "/usr/sbin/*.REAL"} {
			if left, err := filepath.Glob(image + pattern); err != nil || len(left) > 0 {
				t.Errorf("left in the image: %v %v", left, err)
			}
		}
	})
}

// debianTemplate puts the example, its files and what the tests add together
// and returns the template.
func debianTemplate(t *testing.T, dir string) string {
	t.Helper()
	copyFixtures(t, "../../example/ansible", filepath.Join(dir, "ansible"))
	copyFixtures(t, "testdata/provisioners/debian", filepath.Join(dir, "debian"))
	packed := filepath.Join(t.TempDir(), "sub")
	if err := os.Mkdir(packed, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(packed, "file"), []byte("unpacked\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	judge(t, "tar", "-C", filepath.Dir(packed), "-czf", filepath.Join(dir, "debian/playbook/files/archive.tar.gz"), "sub")
	example, err := os.ReadFile("../../example/ansible.pkr.hcl")
	if err != nil {
		t.Fatal(err)
	}
	more, err := os.ReadFile("testdata/provisioners/debian/provisioners.hcl")
	if err != nil {
		t.Fatal(err)
	}
	// The build block is the last of the example.
	text, whole := strings.CutSuffix(strings.TrimRight(string(example), "\n"), "\n}")
	if !whole {
		t.Fatal("the example does not end with its build block")
	}
	const elements = `["debian-minimal", "vm", "block-device-efi"`
	if strings.Count(text, elements) != 1 {
		t.Fatalf("the example does not have the elements %s]", elements)
	}
	text = strings.Replace(text, elements, elements+`, "first-boot-probe"`, 1)
	path := filepath.Join(dir, "ansible.pkr.hcl")
	if err := os.WriteFile(path, []byte(text+"\n"+string(more)+"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// provisionerPlugins makes a plugin directory with this plugin and those of
// .ci/plugins. It is this test's own: one old plugin changes the protocol for all.
func provisionerPlugins(t *testing.T) string {
	t.Helper()
	build := exec.Command(".ci/plugins")
	build.Dir = "../.."
	build.Stderr = os.Stderr
	out, err := build.Output()
	if err != nil {
		t.Fatalf(".ci/plugins: %v", err)
	}
	dir := t.TempDir()
	copyFixtures(t, strings.TrimSpace(string(out)), dir)
	const own = "github.com/seed-736dd801"
	copyFixtures(t, filepath.Join(os.Getenv("PACKER_PLUGIN_PATH"), own), filepath.Join(dir, own))
	return dir
}

func checkAnsibleExample(t *testing.T, image string) {
	wantContent(t, image+"/var/www/html/index.html", "<h1>Built by diskimage on Debian bookworm</h1>\n")
	wantUnit(t, image, "multi-user.target.wants/nginx.service", true)
	wantContent(t, image+"/etc/sysctl.d/90-hardening.conf", "kernel.dmesg_restrict = 1\nkernel.kptr_restrict = 2\n")
	wantLine(t, image+"/etc/shadow", "root:!")
	wantLine(t, image+"/etc/login.defs", "UMASK 077")
}

// awkward is what a variable of the playbook holds.
const awkward = "it's \"$HOME\" & `id` | $(id) \\ ü"

func checkAnsible(t *testing.T, image, fetched string) {
	for name, want := range map[string]string{
		"/etc/ansible-shell":    "it's /root\nand $HOME\na b c \n",
		"/etc/ansible-awkward":  awkward,
		"/etc/ansible-stdin":    "from\nstdin\n",
		"/etc/ansible-raw":      "raw 2\n",
		"/etc/ansible-script":   "an argument\n",
		"/etc/ansible-content":  awkward + "\n",
		"/etc/ansible-template": "1 alice of Debian\n2 bob of Debian\n",
		"/etc/ansible-async":    "later\n",
		"/etc/ansible-summary":  "Debian x86_64 0751 2\n",
		"/etc/ansible-handler":  "handled\n",
		"/etc/motd":             "hello from motd\n",
		"/home/alice/who":       "alice\n",
		"/srv/ansible/sub/file": "unpacked\n",
		"/srv/megabyte":         strings.Repeat("sixteen bytes..\n", 65536),
	} {
		wantContent(t, image+name, want)
	}
	for name, want := range map[string]fs.FileMode{
		"/usr/local/bin/program": 0o751,
		"/etc/ansible-content":   0o640,
		"/etc/ansible-always":    0o600,
		"/srv/ansible/sub/file":  0o640,
	} {
		wantMode(t, image+name, want)
	}
	wantLine(t, image+"/etc/hosts", "192.0.2.1 example.test")
	wantLine(t, image+"/etc/profile.d/ansible.sh", "export EDITOR=ed")
	wantLine(t, image+"/etc/group", "makers:x:4242:alice,bob")
	wantLine(t, image+"/etc/cron.d/nightly", "@daily root /usr/local/bin/program > /dev/null")
	if link, err := os.Readlink(image + "/srv/ansible/link"); link != "/srv/ansible/deep" {
		t.Errorf("the link points to %q (%v)", link, err)
	}
	if program, err := os.ReadFile(image + "/usr/local/bin/program"); err != nil {
		t.Error(err)
	} else {
		wantContent(t, fetched+"/program", string(program))
	}
}

func checkAnsibleChroot(t *testing.T, image, fetched string) {
	wantContent(t, image+"/etc/chroot-content", "it's $HOME\n")
	wantMode(t, image+"/etc/chroot-content", 0o640)
	wantContent(t, image+"/etc/chroot-shell", "a b c ")
	wantContent(t, image+"/home/carol/who", "carol\n")
	wantContent(t, fetched+"/chroot-content", "it's $HOME\n")
	wantUnit(t, image, "multi-user.target.wants/cron.service", false)
	wantUnit(t, image, "default.target.wants/e2scrub_reap.service", false)
	if _, err := os.Stat(image + "/usr/sbin/cron"); !os.IsNotExist(err) {
		t.Errorf("cron was not removed: %v", err)
	}
}

// wantLine wants a line that begins with prefix.
func wantLine(t *testing.T, path, prefix string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains("\n"+string(text), "\n"+prefix) {
		t.Errorf("%s has no line %q (%v):\n%s", path, prefix, err, text)
	}
}

// wantUnit wants a systemd unit enabled or not.
func wantUnit(t *testing.T, image, link string, enabled bool) {
	t.Helper()
	_, err := os.Lstat(filepath.Join(image, "etc/systemd/system", link))
	if enabled != (err == nil) {
		t.Errorf("%s: enabled should be %t (%v)", link, enabled, err)
	}
}
