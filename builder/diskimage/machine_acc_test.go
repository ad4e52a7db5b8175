// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// machine is a tree with namespaces around it, and no more: what communicators of
// other builders reach without a kernel of its own.
type machine struct {
	t    *testing.T
	tree string
	pid  string // of its first process, as the host sees it
	stop func() // ends every process of it, once
}

// seededTree lists what the provisioner makes in a tree, with owners and contents.
func seededTree(t *testing.T, root string) string {
	t.Helper()
	var lines []string
	for _, dir := range []string{"etc/cloud", "var/lib/cloud"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			name, _ := filepath.Rel(root, path)
			owner := info.Sys().(*syscall.Stat_t)
			line := fmt.Sprintf("%s %v %d:%d", name, info.Mode(), owner.Uid, owner.Gid)
			if info.Mode().IsRegular() {
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				sum := sha256.Sum256(text)
				line += " " + hex.EncodeToString(sum[:])
			}
			lines = append(lines, line)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	return strings.Join(lines, "\n")
}

// makeTree makes directories and files. A name with a slash at its end is a
// directory; a text that begins with "->" is a link.
func makeTree(t *testing.T, tree string, files map[string]string) {
	t.Helper()
	for _, dir := range []string{"dev", "etc", "opt", "proc", "root", "run", "sys", "var"} {
		files[dir+"/"] = ""
	}
	for name, text := range files {
		path := filepath.Join(tree, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if link, is := strings.CutPrefix(text, "->"); is && err == nil {
			err = os.Symlink(link, path)
		} else if strings.HasSuffix(name, "/") && err == nil {
			err = os.MkdirAll(path, 0o755)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tmp := filepath.Join(tree, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(tmp, fs.ModeSticky|0o777); err != nil {
		t.Fatal(err)
	}
}

// busyboxTree has no program but busybox.
func busyboxTree(t *testing.T, tree string, more map[string]string) {
	t.Helper()
	files := map[string]string{"bin/": "", "etc/passwd": "root:x:0:0::/root:/bin/sh\n"}
	for name, text := range more {
		files[name] = text
	}
	makeTree(t, tree, files)
	judge(t, "cp", "/bin/busybox", tree+"/bin/busybox")
	judge(t, "chroot", tree, "/bin/busybox", "--install", "-s", "/bin")
}

// The password of bea, and what it is in /etc/shadow.
const beasPassword = "bea's $password"

// debianTree has the host's programs, and accounts: root; ann, who may do all by
// sudo; and bea, whom sudo asks for a password.
func debianTree(t *testing.T, tree, rootsShell string, more map[string]string) {
	t.Helper()
	hash := strings.TrimSpace(judge(t, "openssl", "passwd", "-6", beasPassword))
	files := map[string]string{
		"usr/":           "",
		"etc/passwd":     "root:x:0:0::/root:" + rootsShell + "\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\nann:x:1000:1000::/home/ann:/bin/bash\nbea:x:1001:1001::/home/bea:/opt/bin/mksh\n",
		"etc/group":      "root:x:0:\nnogroup:x:65534:\nann:x:1000:\nbea:x:1001:\n",
		"etc/shadow":     "root:*:1::::::\nsshd:*:1::::::\nann:*:1::::::\nbea:" + hash + ":1::::::\n",
		"etc/sudoers":    "root ALL=(ALL) ALL\nann ALL=(ALL) NOPASSWD: ALL\nbea ALL=(ALL) ALL\n",
		"etc/pam.d/sudo": "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n",
		"etc/hosts":      "127.0.0.1 localhost machine\n", "etc/nsswitch.conf": "hosts: files\n",
		"etc/ash": "->/usr/bin/busybox", "home/ann/": "", "home/bea/": "",
		"etc/ssh/sshd_config": "HostKey /etc/ssh/host\nAuthorizedKeysFile /etc/ssh/keys\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n",
	}
	for _, name := range []string{"bin", "lib", "lib64", "sbin"} {
		if to, err := os.Readlink("/" + name); err == nil {
			files[name] = "->" + to
		}
	}
	for name, text := range more {
		files[name] = text
	}
	makeTree(t, tree, files)
	for name, mode := range map[string]fs.FileMode{"etc/sudoers": 0o440, "etc/shadow": 0o640, "root": 0o700} {
		if err := os.Chmod(filepath.Join(tree, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	judge(t, "chown", "1000:1000", tree+"/home/ann")
	judge(t, "chown", "1001:1001", tree+"/home/bea")
}

// startMachine starts a tree; it ends with the test.
func startMachine(t *testing.T, tree string, options ...string) *machine {
	t.Helper()
	cmd := exec.Command("testdata/machine/start", append([]string{tree}, options...)...)
	cmd.Env = append(os.Environ(), "MACHINE_OPT="+foreign.Unpacked(t))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, tree: tree, pid: strings.TrimSpace(string(out))}
	m.stop = sync.OnceFunc(func() {
		if err := exec.Command("kill", "-9", m.pid).Run(); err != nil {
			t.Errorf("stopping the machine %s: %v", tree, err)
		}
	})
	t.Cleanup(m.stop)
	return m
}

// temporary is what is in the machine's /tmp.
func (m *machine) temporary() (names []string) {
	entries, err := os.ReadDir("/proc/" + m.pid + "/root/tmp")
	if err != nil {
		m.t.Error(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// serve has the machine's sshd answer on a port of the host, which it returns.
// Whoever has the key that is made for it in the file may come in. The umask is
// that of what is run.
func (m *machine) serve(key, umask string) (port int) {
	m.t.Helper()
	public, err := os.ReadFile(key + ".pub")
	if err == nil {
		err = os.WriteFile(m.tree+"/etc/ssh/keys", public, 0o644)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	judge(m.t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", m.tree+"/etc/ssh/host")
	libraries, err := filepath.Glob(foreign.Unpacked(m.t) + "/*/*-linux-gnu")
	if err != nil {
		m.t.Fatal(err)
	}
	more, _ := filepath.Glob(foreign.Unpacked(m.t) + "/usr/lib/*-linux-gnu")
	var path []string
	for _, dir := range slices.Concat(libraries, more) {
		path = append(path, strings.Replace(dir, foreign.Unpacked(m.t), "/opt", 1))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { listener.Close() })
	log, err := os.Create(m.tree + ".sshd.log")
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { log.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			file, err := connection.(*net.TCPConn).File()
			connection.Close()
			if err != nil {
				return
			}
			cmd := exec.Command("nsenter", "-t", m.pid, "-m", "-p", "-i", "-u", "-r", "-w", "/bin/sh", "-c", "umask "+umask+"; exec /opt/usr/sbin/sshd -i -e -f /etc/ssh/sshd_config")
			cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH=" + strings.Join(path, ":")}
			cmd.Stdin, cmd.Stdout, cmd.Stderr = file, file, log
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if cmd.Start() == nil {
				go cmd.Wait()
			}
			file.Close()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}
