// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// inRoot runs a script in a small root directory of its own, with this host's /usr, in
// which the hooks of the elements lie where they do in a build, beside the given files;
// more names elements beside those of the infrastructure. What the script prints comes back.
func inRoot(t *testing.T, files map[string]string, env []string, script string, more ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a root directory of its own needs root")
	}
	root := t.TempDir()
	mustRun(t, "mkdir", "-p", root+"/tmp/in_target.d")
	content := map[string]string{"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/group": "root:x:0:\n"}
	for name, text := range files {
		content["tmp/in_target.d/"+name] = text
	}
	for name, text := range content {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, element := range append([]string{"install-bin", "install-static", "dib-init-system", "bootloader"}, more...) {
		for _, phase := range []string{"bin", "static", "pre-install.d", "install.d", "post-install.d", "finalise.d"} {
			if _, err := os.Stat(element + "/" + phase); err == nil {
				mustRun(t, "cp", "-a", element+"/"+phase, root+"/tmp/in_target.d/")
			}
		}
	}
	const enter = `set -eu
cd "$1"; mkdir -p usr dev proc; ln -s usr/bin usr/sbin usr/lib usr/lib64 .
mount --rbind /usr usr; mount --rbind /dev dev; mount --rbind /proc proc
mount -t tmpfs tmpfs usr/local/bin; mount -t tmpfs tmpfs usr/lib/systemd
exec chroot . /bin/bash -euc "$2"`
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "bash", "-c", enter, "bash", root, script)
	cmd.Env = append([]string{"PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin", "LC_ALL=C"}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func mustRun(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

func TestCommandsOfElementsAreInstalled(t *testing.T) {
	got := inRoot(t, map[string]string{"bin/one": "x", "bin/two": "x"}, nil,
		`/tmp/in_target.d/pre-install.d/01-install-bin; find /usr/local/bin -type f -printf '%m %U:%G %f\n' | sort`)
	if got != "755 0:0 one\n755 0:0 two\n" {
		t.Error(got)
	}
	// An empty directory is no failure, unlike diskimage-builder's.
	inRoot(t, map[string]string{"bin/sub/x": ""}, nil, `/tmp/in_target.d/pre-install.d/01-install-bin`)
}

func TestStaticFilesAreInstalled(t *testing.T) {
	got := inRoot(t, map[string]string{
		"static/etc/new": "1", "static/etc/there": "new", "static/etc/run": "", "static/etc/skip~": "", "static/etc/lib.so": "", "static/etc/.git/x": "", "static/lib/systemd/below": "",
	}, nil, `chmod 755 /tmp/in_target.d/static/etc/run; chown -R 7:7 /tmp/in_target.d/static; ln -s new /tmp/in_target.d/static/etc/link
mkdir -m 700 /etc/kept; mkdir -p /tmp/in_target.d/static/etc/kept; echo old >/etc/there; 
/tmp/in_target.d/install.d/10-install-static-files
cat /etc/there; echo; echo; find /etc /lib/systemd -not -name passwd -not -name group -printf '%y %m %U %p %l\n' | LC_ALL=C sort`)
	want := `new

d 1777 0 /lib/systemd 
d 700 0 /etc/kept 
d 755 0 /etc 
f 644 0 /etc/new 
f 644 0 /etc/there 
f 644 0 /lib/systemd/below 
f 755 0 /etc/run 
l 777 0 /etc/link new
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestInitScriptsOfEverySystem: each lands where its system looks; openrc is told.
func TestInitScriptsOfEverySystem(t *testing.T) {
	files := map[string]string{"bin/rc-update": "#!/bin/sh\necho rc-update \"$@\"\n"}
	for _, system := range []string{"systemd", "openrc", "sysv", "upstart"} {
		files["init-scripts/"+system+"/mine"] = system
	}
	for system, want := range map[string]string{
		"systemd": "/usr/lib/systemd/system/mine\n", "openrc": "/etc/init.d/mine\nrc-update add mine default\n",
		"sysv": "/etc/init.d/mine\n", "upstart": "/etc/init/mine\n",
	} {
		got := inRoot(t, files, []string{"DIB_INIT_SYSTEM=" + system}, `cd /tmp/in_target.d
pre-install.d/01-install-bin; pre-install.d/04-dib-init-system
install.d/20-install-init-scripts; find /etc/init* /usr/lib/systemd -name mine 2>/dev/null || true; post-install.d/10-enable-init-scripts
[ "$(dib-init-system)" = "$DIB_INIT_SYSTEM" ]`)
		if got != want {
			t.Errorf("%s: %q, want %q", system, got, want)
		}
	}
	for value, want := range map[string]string{
		"DIB_INIT_SYSTEM=":      "DIB_INIT_SYSTEM is not set: the operating system element must export it in environment.d\n",
		"DIB_INIT_SYSTEM=runit": "DIB_INIT_SYSTEM is 'runit': must be systemd, openrc, sysv or upstart\n",
	} {
		out, err := bash(t, []string{value}, `. ./dib-init-system/environment.d/99-dib-init-system 2>&1`)
		if err == nil || out != want {
			t.Errorf("%s: %v %q", value, err, out)
		}
	}
}

// TestAnotherBootLoaderIsRespected: who leaves /tmp/grub/install has done the work.
func TestAnotherBootLoaderIsRespected(t *testing.T) {
	env := []string{"DIB_BLOCK_DEVICE=nonsense"}
	const hook = `/tmp/in_target.d/finalise.d/50-bootloader`
	if got := inRoot(t, nil, env, `mkdir -p /tmp/grub; touch /tmp/grub/install; `+hook); got != "" {
		t.Error(got)
	}
	if got := inRoot(t, nil, env, hook+` 2>&1 && exit 9; true`); !strings.Contains(got, "IMAGE_BLOCK_DEVICE") {
		t.Error(got)
	}
}

func TestManifestsHideSecrets(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("manifests belong to root")
	}
	dir := t.TempDir()
	mustRun(t, "mkdir", "-p", dir+"/mnt/etc/dib-manifests")
	mustRun(t, "sh", "-c", "echo x >"+dir+"/mnt/etc/dib-manifests/dib-manifest-other; chown 7:7 "+dir+"/mnt/etc/dib-manifests/dib-manifest-other")
	env := []string{
		"TMP_MOUNT_PATH=" + dir + "/mnt", "DIB_MANIFEST_IMAGE_DIR=/etc/dib-manifests", "DIB_MANIFEST_SAVE_DIR=" + dir + "/save/", "DIB_ARGS=one two",
		"DIB_ENV=declare -x DIB_RELEASE=\"bookworm\"\ndeclare -x DIB_DEV_USER_PASSWORD=\"hide\nhide\"\ndeclare -x DIB_X_TOKEN=\"hide\"\ndeclare -x REG_SAT_KEY=\"hide\"\n" +
			"declare -x DIB_REPOLOCATION_a=\"https://me:hide@host.test/a\"\ndeclare -x DIB_LINES=\"one\ntwo\"",
	}
	for range 2 { // a second time, as when a step is retried
		if _, err := bash(t, env, "./manifests/cleanup.d/01-copy-manifests-dir"); err != nil {
			t.Fatal(err)
		}
	}
	want := "declare -x DIB_RELEASE=\"bookworm\"\ndeclare -x DIB_DEV_USER_PASSWORD=\"<redacted>\"\ndeclare -x DIB_X_TOKEN=\"<redacted>\"\ndeclare -x REG_SAT_KEY=\"<redacted>\"\n" +
		"declare -x DIB_REPOLOCATION_a=\"https://<redacted>@host.test/a\"\ndeclare -x DIB_LINES=\"one\ntwo\"\n"
	for _, place := range []string{"/mnt/etc/dib-manifests", "/save/dib-manifests"} {
		if got, err := os.ReadFile(dir + place + "/dib_environment"); err != nil || string(got) != want {
			t.Errorf("%s: %v %s", place, err, got)
		}
	}
	out, err := exec.Command("find", dir+"/mnt/etc/dib-manifests", "-type", "f", "-printf", "%m %U:%G\n").Output()
	if err != nil || string(out) != strings.Repeat("600 0:0\n", 3) {
		t.Errorf("%v %s", err, out)
	}
	if err := os.RemoveAll(dir + "/mnt/etc/dib-manifests"); err != nil {
		t.Fatal(err)
	}
	if out, err := bash(t, env, "./manifests/cleanup.d/01-copy-manifests-dir 2>&1"); err == nil || !strings.Contains(out, "manifest directory /etc/dib-manifests is missing from the image") {
		t.Errorf("%v %s", err, out)
	}
}

// TestBuildsTakeTurnsAtTheAptCache: apt allows one user of a cache. A build that can
// download does so; one that cannot waits.
func TestBuildsTakeTurnsAtTheAptCache(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting the cache needs root")
	}
	dir := t.TempDir()
	mustRun(t, "mkdir", "-p", dir+"/root/var/cache/apt/archives", dir+"/cache/apt")
	hook := func(env ...string) *exec.Cmd {
		// The hook's keeper of the lock ends with its PID namespace.
		cmd := exec.Command("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "bash", "-euc",
			`dpkg/root.d/50-shared-apt-cache; if mountpoint -q "$TARGET_ROOT/var/cache/apt/archives"; then echo mounted; touch "$TARGET_ROOT/var/cache/apt/archives/x"; fi`)
		cmd.Env = append([]string{"PATH=/usr/bin:/usr/sbin:/bin:/sbin", "TARGET_ROOT=" + dir + "/root", "TMP_BUILD_DIR=" + dir + "/build", "DIB_IMAGE_CACHE=" + dir + "/cache", "DISTRO_NAME=debian"}, env...)
		return cmd
	}
	output := func(env ...string) string {
		t.Helper()
		out, err := hook(env...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v: %s", env, err, out)
		}
		return string(out)
	}
	if got := output(); got != "mounted\n" {
		t.Error(got)
	}
	if _, err := os.Stat(dir + "/cache/apt/debian/x"); err != nil {
		t.Error(err)
	}
	if got := output("DIB_APT_LOCAL_CACHE=0"); got != "" {
		t.Error(got)
	}
	lock, err := os.OpenFile(dir+"/cache/apt/debian.lock", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if got := output(); got != "another build uses "+dir+"/cache/apt/debian: this one downloads its packages itself\nmounted\n" {
		t.Error(got)
	}
	if _, err := os.Stat(dir + "/build/apt-archives/x"); err != nil {
		t.Error(err)
	}
	waiting := hook("DIB_OFFLINE=1")
	pipe, err := waiting.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(pipe)
	if line, err := lines.ReadString('\n'); err != nil || !strings.HasSuffix(line, "and DIB_OFFLINE is set: waiting until it has ended\n") {
		t.Errorf("%q %v", line, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_UN); err != nil {
		t.Error(err)
	}
	rest, err := io.ReadAll(lines)
	if err := errors.Join(err, waiting.Wait()); err != nil || string(rest) != "mounted\n" {
		t.Errorf("%q %v", rest, err)
	}
}
