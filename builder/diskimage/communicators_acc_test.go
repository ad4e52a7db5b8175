// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// nobodySees is in the seed and must be nowhere else.
const nobodySees = "s3cret-of-the-seed"

// communicated is the seed of these tests. The places are for more attributes.
const communicated = `
  provisioner "diskimage-nocloud" {
    instance_id    = "i-1"
    hostname       = "web-1"
    network_config = "version: 2\nethernets: {}\n"
    vendor_data    = "#!/bin/sh\n"
    user {
      name     = "ann"
      password = "` + nobodySees + `"
    }
    write_file {
      path        = "/etc/token"
      permissions = "0600"
      content     = "` + nobodySees + `"
    }
%s  }
`

// TestAccCommunicators has packer put one seed into machines that it reaches over
// its communicators, in shells that Debian has: everywhere it is what the chroot of
// our own builder has, a second time changes nothing, and nothing else is left.
func TestAccCommunicators(t *testing.T) {
	needPacker(t)
	t.Parallel()
	chroot := chrootsSeed(t, newWorkspace(t))
	t.Run("docker", func(t *testing.T) {
		t.Parallel()
		overDocker(t, chroot)
	})
	t.Run("ssh", func(t *testing.T) {
		t.Parallel()
		overSSH(t, chroot)
	})
}

// chrootsSeed is what the seed of these tests is in the chroot of our own builder.
func chrootsSeed(t *testing.T, w workspace) string {
	t.Helper()
	status, out := runPacker(t, w.dir, w.env(), "build", w.template(`
  elements = ["tiny-os"]
  formats  = ["raw"]`, fmt.Sprintf(communicated, "")))
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	chroot := seededTree(t, filesOf(t, filepath.Join(w.output, "tiny.raw"), "/etc", "/var"))
	if !strings.Contains(chroot, nocloud.SeedDir[1:]+"/user-data -rw------- 0:0 ") || !strings.Contains(chroot, nocloud.PinFile[1:]+" -rw-r--r-- 0:0 ") {
		t.Fatalf("in the chroot there is\n%s", chroot)
	}
	return chroot
}

// twice are two provisioners, of which the second has nothing to do, for many sources.
func twice(plugins, sources, names, override string) string {
	return fmt.Sprintf("packer {\n  required_plugins {\n%s  }\n}\n%s\nbuild {\n  sources = [%s]\n%s%s}\n", plugins, sources, names,
		fmt.Sprintf(communicated, override), fmt.Sprintf(communicated, override))
}

const ourPlugin = `    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
`

const dockerPlugin = `    docker = {
      version = ">= 1.0.0"
      source  = "github.com/hashicorp/docker"
    }
`

// checkTwice wants both provisioners to have succeeded on a source, and nobody to
// have heard of the secret.
func checkTwice(t *testing.T, out, source string) {
	t.Helper()
	for _, text := range []string{"NoCloud seed in " + nocloud.SeedDir + ": installed", "NoCloud seed in " + nocloud.SeedDir + ": unchanged", "Datasource list pinned to NoCloud by " + nocloud.PinFile + ": unchanged"} {
		if !strings.Contains(out, source+": "+text) {
			t.Errorf("%s does not say %q", source, text)
		}
	}
}

// overDocker runs the real plugin for Docker on a docker of our own.
func overDocker(t *testing.T, chroot string) {
	release := foreign.CloudInitTree(t, "bookworm")
	if release == "" {
		t.Skip("no ds-identify to be had")
	}
	identify, err := os.ReadFile(release + "/usr/lib/cloud-init/ds-identify")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorkspace(t)
	dir := filepath.Join(w.dir, "docker")
	copyFixtures(t, "testdata/machine", dir)
	images := map[string]string{"busybox": "root\n", "debian": "\n", "user": "\n", "refuses": "\n", "off": "\n"}
	for name, user := range images {
		tree := filepath.Join(dir, "images", name)
		if err := os.MkdirAll(tree, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(tree+".user", []byte(user), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	busyboxTree(t, dir+"/images/busybox", nil)
	debianTree(t, dir+"/images/debian", "/bin/sh", nil)
	debianTree(t, dir+"/images/user", "/bin/sh", nil)
	busyboxTree(t, dir+"/images/refuses", map[string]string{"usr/bin/cloud-init": "#!/bin/sh\necho \"Cloud config schema errors: hostname: '" + nobodySees + "' is odd\"\nexit 1\n"})
	busyboxTree(t, dir+"/images/off", map[string]string{"usr/bin/cloud-init": "#!/bin/sh\n", "usr/lib/cloud-init/ds-identify": string(identify), "etc/cloud/ds-identify.cfg": "policy: disabled\n"})
	for _, program := range []string{"refuses/usr/bin/cloud-init", "off/usr/bin/cloud-init"} {
		if err := os.Chmod(filepath.Join(dir, "images", program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	env := w.env("PACKER_PLUGIN_PATH="+provisionerPlugins(t), "PACKER_LOG=1", "PACKER_LOG_PATH="+filepath.Join(w.dir, "log"))
	source := func(name, more string) string {
		return fmt.Sprintf("source \"docker\" %[1]q {\n  image = %[1]q\n  pull = false\n  discard = true\n  docker_path = %q\n%s}\n", name, dir+"/docker", more)
	}
	template := w.write("docker.pkr.hcl", twice(ourPlugin+dockerPlugin,
		source("busybox", "")+source("debian", "")+source("user", "  exec_user = \"ann\"\n"),
		`"source.docker.busybox", "source.docker.debian", "source.docker.user"`,
		"    override = {\n      user = { execute_command = \"sudo -n sh {{ .Path }}\" }\n    }\n"))
	status, out := runPacker(t, w.dir, env, "build", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	for _, name := range []string{"busybox", "debian", "user"} {
		checkTwice(t, out, "docker."+name)
		if got := seededTree(t, filepath.Join(dir, "removed", name)); got != chroot {
			t.Errorf("%s has\n%s\nand the chroot\n%s", name, got, chroot)
		}
	}
	refused := source("refuses", "") + source("off", "")
	status, failed := runPacker(t, w.dir, env, "build", w.write("failing.pkr.hcl", twice(ourPlugin+dockerPlugin, refused, `"source.docker.refuses", "source.docker.off"`, "")))
	for _, text := range []string{"the machine's own `cloud-init schema` refuses the seed, of which nothing was installed",
		"ds-identify, which decides at boot, turns cloud-init off: a policy in /etc/cloud/ds-identify.cfg says so"} {
		if status == 0 || !strings.Contains(failed, text) {
			t.Errorf("status %d, no %q:\n%s", status, text, failed)
		}
	}
	if entries, err := os.ReadDir(dir + "/removed/refuses/var"); err != nil || len(entries) > 0 {
		t.Errorf("refused, and there is %v %v", entries, err)
	}
	out += failed
	for name := range images {
		root := filepath.Join(dir, "removed", name)
		if left, err := os.ReadDir(root + "/tmp"); err != nil || len(left) > 0 {
			t.Errorf("%s: left are %v, %v", name, left, err)
		}
	}
	log, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil || !strings.Contains(string(calls), "exec -i -u ann ") || !strings.Contains(string(calls), "cp - ") {
		t.Errorf("%v, docker was called so:\n%s", err, calls)
	}
	for what, text := range map[string]string{"output": out, "log": string(log), "arguments": string(calls)} {
		if strings.Contains(text, nobodySees) {
			t.Errorf("the secret is in the %s", what)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	w.assertClean()
}

func overSSH(t *testing.T, chroot string) {
	if foreign.Unpacked(t) == "" {
		t.Skip("no sshd to be had")
	}
	if _, err := exec.LookPath("sudo"); err != nil {
		t.Skip(err)
	}
	w := newWorkspace(t)
	key := filepath.Join(w.dir, "key")
	judge(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	machines := map[string]*machine{}
	var sources, names strings.Builder
	var root string
	for _, c := range []struct{ name, user, shell, umask, more, option string }{
		{"root", "root", "/bin/bash", "022", "", ""},
		{"ash", "root", "/etc/ash", "077", "  ssh_file_transfer_method = \"sftp\"\n", ""},
		{"sudo", "ann", "/bin/sh", "000", "", "noexec"},
		{"password", "bea", "/bin/sh", "022", "  ssh_pty = true\n", ""},
	} {
		tree := filepath.Join(w.dir, c.name)
		debianTree(t, tree, c.shell, nil)
		m := startMachine(t, tree, c.option)
		machines[c.name] = m
		connection := fmt.Sprintf("  communicator = \"ssh\"\n  ssh_host = \"127.0.0.1\"\n  ssh_port = %d\n  ssh_username = %q\n  ssh_private_key_file = %q\n%s",
			m.serve(key, c.umask), c.user, key, c.more)
		if c.name == "root" {
			root = connection
		}
		fmt.Fprintf(&sources, "source \"null\" %q {\n%s}\n", c.name, connection)
		fmt.Fprintf(&names, "\"source.null.%s\", ", c.name)
	}
	override := fmt.Sprintf("    override = {\n      sudo     = { execute_command = \"sudo -n sh {{ .Path }}\" }\n      password = { execute_command = %q }\n    }\n",
		`printf '%s\n' '`+strings.ReplaceAll(strings.ReplaceAll(beasPassword, "'", `'\''`), "$", "$")+`' | sudo -S -p '' sh {{ .Path }}`)
	template := w.write("ssh.pkr.hcl", twice(ourPlugin, sources.String(), names.String(), override))
	env := w.env("PACKER_LOG=1", "PACKER_LOG_PATH="+filepath.Join(w.dir, "log"))
	status, out := runPacker(t, w.dir, env, "build", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	for name, m := range machines {
		checkTwice(t, out, "null."+name)
		if got := seededTree(t, m.tree); got != chroot {
			t.Errorf("%s has\n%s\nand the chroot\n%s", name, got, chroot)
		}
		if left := m.temporary(); len(left) > 0 {
			t.Errorf("%s: left are %v", name, left)
		}
	}
	log, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil || strings.Contains(string(log)+out, nobodySees) {
		t.Errorf("the secret is in the log or the output, or there is none: %v", err)
	}
	t.Run("interrupted", func(t *testing.T) { interruptedSSH(t, w, machines["root"], root, chroot) })
	for _, m := range machines {
		m.stop()
	}
	w.assertClean()
}

// interruptedSSH loses the connection while the seed is being installed: what was
// there stays. Then it stops packer, which waits for no provisioner: the script goes
// on when the connection is gone, and removes the upload as nobody hears it.
func interruptedSSH(t *testing.T, w workspace, m *machine, connection, before string) {
	template := func(command string) string {
		return w.write("interrupted.pkr.hcl", fmt.Sprintf("packer {\n  required_plugins {\n%s  }\n}\nsource \"null\" \"root\" {\n%s}\nbuild {\n  sources = [\"source.null.root\"]\n%s}\n",
			ourPlugin, connection, fmt.Sprintf("  provisioner \"diskimage-nocloud\" {\n    hostname        = \"other\"\n    execute_command = %q\n  }\n", command)))
	}
	status, out := runPacker(t, w.dir, w.env(), "build", template("kill -9 $PPID; sleep 600; sh {{ .Path }}"))
	if status == 0 || !strings.Contains(out, "the connection to the machine was lost") {
		t.Errorf("status %d:\n%s", status, out)
	}
	if left := m.temporary(); len(left) > 0 {
		t.Errorf("left are %v:\n%s", left, out)
	}
	r := startPacker(t, w.dir, w.env(), "build", template("echo >/etc/running; while kill -0 $PPID 2>/dev/null; do sleep 0.1; done; sh {{ .Path }}; echo >/etc/ended"))
	eventually(t, "the script runs", func() bool { return isThere(m.tree + "/etc/running") })
	if len(m.temporary()) != 1 {
		t.Errorf("while the script runs there are %v", m.temporary())
	}
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if status := r.wait(); status == 0 {
		t.Errorf("the build succeeded:\n%s", r.output())
	}
	eventually(t, "the script ends", func() bool { return isThere(m.tree + "/etc/ended") })
	if left := m.temporary(); len(left) > 0 {
		t.Errorf("left are %v:\n%s", left, r.output())
	}
	if got := seededTree(t, m.tree); got != before {
		t.Errorf("the machine has\n%s\nand had\n%s", got, before)
	}
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
