// SPDX-License-Identifier: MPL-2.0

package generalise_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/generalise"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/repeat"
)

func link(t *testing.T, target, path string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.Symlink(target, path))
}

// No link leads an operation anywhere: not out of the tree, not about in it. What
// is named and is a link goes itself.
func TestLinksAreNotFollowed(t *testing.T) {
	needRoot(t)
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outside, root := t.TempDir(), t.TempDir()
			write(t, outside+"/secret", "secret\n")
			write(t, outside+"/deep/.bash_history", "secret\n")
			write(t, outside+"/ifcfg-eth0", "HWADDR=1\n")
			write(t, root+"/srv/kept/inside.log", "kept\n")
			write(t, root+"/etc/passwd", "a:x:1:1::/home/out:/bin/sh\nb:x:1:1::"+outside+"/deep:/bin/sh\nc:x:2:2::/home/../../../../../../../"+outside+"/deep:/bin/sh\n")
			// Directories that are reached through links.
			for _, dir := range []string{"/var/crash", "/var/log/journal", "/var/lib/cloud/sem", "/tmp", "/var/tmp", "/etc/ssh", "/var/lib/systemd", "/root/.local/share/fish", "/home/out", "/etc/sysconfig/network-scripts"} {
				link(t, outside, root+dir)
			}
			link(t, "../../srv/kept", root+"/var/lib/bluetooth")
			// Entries that are links.
			link(t, outside+"/secret", root+"/var/log/app.log")
			link(t, outside+"/secret", root+"/var/log/app.log.1")
			link(t, outside, root+"/var/log/app")
			link(t, outside+"/secret", root+"/var/log/wtmp")
			link(t, outside+"/secret", root+"/etc/machine-id")
			link(t, outside+"/secret", root+"/etc/resolv.conf")
			link(t, outside+"/secret", root+"/etc/fstab")
			link(t, outside+"/ifcfg-eth0", root+"/etc/sysconfig/network/ifcfg-eth0")
			link(t, outside+"/secret", root+"/etc/iscsi/initiatorname.iscsi")
			gone := []string{"/root/.bash_history", "/var/cache/apt/archives/a.deb", "/etc/shadow-", "/etc/x~", "/var/spool/cron/crontabs/a", "/var/lib/cloud/data/x", "/var/log/cloud-init.log"}
			for i, file := range gone {
				link(t, []string{outside, outside + "/secret", "/nonexistent"}[i%3], root+file)
			}
			want := snapshot(t, root)
			for _, file := range gone {
				delete(want, file)
			}
			before := snapshot(t, outside)
			report := mustRun(t, shell, generalise.Request{Operations: choose(t, "all"), Root: root})
			if diff := cmp.Diff(before, snapshot(t, outside)); diff != "" {
				t.Errorf("outside of the tree:\n%s", diff)
			}
			if diff := cmp.Diff(want, snapshot(t, root)); diff != "" {
				t.Errorf("in the tree (-want +got):\n%s", diff)
			}
			for _, dir := range []string{"crash-data /var/crash", "bluetooth /var/lib/bluetooth", "tmp-files /tmp", "ssh-host-keys /etc/ssh"} {
				if !slices.Contains(report.Kept, dir+": a symbolic link leads there") {
					t.Errorf("it is not said that %s stays: %q", dir, report.Kept)
				}
			}
		})
	}
}

// The script runs in the machine's root, as on a machine: what is mounted and its
// own upload stay, and a running machine has what it needs.
func TestWhatStays(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	for _, file := range []string{"/tmp/mounted here/file", "/tmp/above/mounted/file", "/tmp/upload/generalise.sh", "/tmp/other", "/tmp/mounted", "/var/log/mounted.log", "/var/log/volume/app.log", "/var/log/app.log",
		"/tmp/systemd-private-1/tmp/file", "/tmp/.X11-unix/X0", "/tmp/[a-z]*"} {
		write(t, root+file, "x\n")
	}
	write(t, root+"/etc/resolv.conf", "nameserver 192.0.2.1\n")
	write(t, root+"/run/utmp", "somebody\n")
	mounts := filepath.Join(t.TempDir(), "mounts")
	escaped := strings.ReplaceAll(root, " ", `\040`)
	write(t, mounts, fmt.Sprintf("x %[1]s/tmp/mounted\\040here ext4 rw 0 0\nx %[1]s/tmp/above/mounted ext4 rw 0 0\nx %[1]s/var/log/mounted.log ext4 rw 0 0\nx %[1]s/var/log/volume ext4 rw 0 0\n", escaped))
	request := generalise.Request{Operations: choose(t, "tmp-files", "logs", "resolv-conf", "utmp"), Root: root, Keep: "/tmp/upload"}
	script := bytes.ReplaceAll(request.Script(), []byte("/proc/self/mounts"), []byte(mounts))
	live := bytes.Replace(script, []byte("\nlive=\n"), []byte("\nlive=yes\n"), 1)
	want := snapshot(t, root)
	for _, step := range []struct {
		script []byte
		gone   []string
		empty  []string
	}{
		{live, []string{"/tmp/other", "/tmp/mounted"}, []string{"/var/log/app.log"}},
		{script, []string{"/tmp/systemd-private-1", "/tmp/.X11-unix", "/tmp/[a-z]*"}, []string{"/etc/resolv.conf", "/run/utmp"}},
	} {
		out, err := run(t, "sh", step.script)
		if err != nil || !strings.Contains(out, "generalise.kept=tmp-files /tmp/mounted here: something is mounted there\n") {
			t.Errorf("%v\n%s", err, out)
		}
		for _, gone := range step.gone {
			maps.DeleteFunc(want, func(k, _ string) bool { return k == gone || strings.HasPrefix(k, gone+"/") })
		}
		for _, empty := range step.empty {
			want[empty] = "-rw-r----- "
		}
		if diff := cmp.Diff(want, snapshot(t, root)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// A builder's own name servers are not the image's.
func TestLentResolverStays(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	write(t, root+"/etc/resolv.conf", "nameserver 192.0.2.1\n")
	link(t, "../run/systemd/resolve/stub-resolv.conf", root+"/etc/resolv.conf.ORIG")
	if report := mustRun(t, "sh", generalise.Request{Operations: choose(t, "resolv-conf"), Root: root}); report.Total() != 0 {
		t.Errorf("it did %v", report.Counts)
	}
}

// machine-id: what stays, whatever is chosen.
func TestMachineID(t *testing.T) {
	needRoot(t)
	const id = "0123456789abcdef0123456789abcdef\n"
	for _, c := range []struct{ before, operation, after string }{
		{id, "machine-id", ""}, {strings.TrimSpace(id), "machine-id", ""}, {"", "machine-id", ""}, {"uninitialized\n", "machine-id", "uninitialized\n"},
		{id, "first-boot", "uninitialized\n"}, {"", "first-boot", "uninitialized\n"}, {"uninitialized\n", "first-boot", "uninitialized\n"},
	} {
		root := t.TempDir()
		write(t, root+"/etc/machine-id", c.before)
		mustRun(t, "sh", generalise.Request{Operations: choose(t, c.operation), Root: root})
		if got, err := os.ReadFile(root + "/etc/machine-id"); err != nil || string(got) != c.after {
			t.Errorf("%s of %q: %q, %v; want %q", c.operation, c.before, got, err, c.after)
		}
	}
	root := t.TempDir()
	write(t, root+"/var/lib/dbus/machine-id", id)
	mustRun(t, "sh", generalise.Request{Operations: choose(t, "machine-id", "first-boot"), Root: root})
	if left := snapshot(t, root); len(left) != 4 {
		t.Errorf("without systemd D-Bus's id has to go, and none to come: %v", left)
	}
}

// What the builder repeats speaks to people, and registers nothing.
func TestRepeatedScript(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	write(t, root+"/etc/ssh/ssh_host_rsa_key", "x\n")
	write(t, root+"/var/crash/a", "x\n")
	link(t, "/nonexistent", root+"/var/tmp")
	request := generalise.Request{Operations: choose(t, "default"), Root: root, DryRun: true, Self: "/nonexistent"}
	for _, step := range []struct {
		dry  bool
		says string
	}{
		{true, "would remove /etc/ssh/ssh_host_rsa_key (ssh-host-keys)\nwould remove /var/crash/a (crash-data)\n/var/tmp stays: a symbolic link leads there\nwould be generalised: ssh-host-keys 1, crash-data 1"},
		{false, "/var/tmp stays: a symbolic link leads there\ngeneralised: ssh-host-keys 1, crash-data 1"},
		{false, "/var/tmp stays: a symbolic link leads there"},
	} {
		request.DryRun = step.dry
		if out, err := run(t, "sh", request.Script(), "DISKIMAGE_REPEAT=yes"); err != nil || out != step.says {
			t.Errorf("%v, said %q; want %q", err, out, step.says)
		}
	}
}

var registeredName = regexp.MustCompile(`(?m)^registered=([a-z0-9-]+)$`)

// What differs in its operations runs by itself; the same replaces itself, wherever
// it was uploaded.
func TestEachChoiceIsRegisteredByItself(t *testing.T) {
	seen := map[string]string{}
	for name, r := range map[string]generalise.Request{
		"default":     {Operations: choose(t, "default")},
		"dry":         {Operations: choose(t, "default"), DryRun: true},
		"without one": {Operations: choose(t, "-logs")},
		"logs":        {Operations: choose(t, "logs")},
	} {
		r.Keep, r.Self = "/tmp/one", "/tmp/one/x"
		found := registeredName.FindSubmatch(r.Script())
		r.Keep, r.Self = "/tmp/two", "/tmp/two/x"
		again := registeredName.FindSubmatch(r.Script())
		if found == nil || again == nil || !bytes.Equal(found[1], again[1]) || !strings.HasPrefix(string(found[1]), repeat.Generalise) {
			t.Fatalf("%s: %q and %q", name, found, again)
		}
		if other := seen[string(found[1])]; other != "" {
			t.Errorf("%s has the name of %s", name, other)
		}
		seen[string(found[1])] = name
	}
}

func TestFailuresAreTold(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	write(t, root+"/var/crash/a", "x\n")
	request := generalise.Request{Operations: choose(t, "crash-data"), Root: root}
	bin := t.TempDir()
	write(t, bin+"/rm", "#!/bin/sh\n[ $# -le 2 ] || { echo 'Read-only file system' >&2; exit 1; }\n")
	must(t, os.Chmod(bin+"/rm", 0o755))
	out, err := run(t, "sh", request.Script(), "PATH="+bin+":"+os.Getenv("PATH"))
	if err == nil || !strings.Contains(err.Error(), "crash-data: rm could not remove all that it had to in /var/crash") || !strings.Contains(err.Error(), "Read-only") {
		t.Errorf("%v, %s", err, out)
	}
	if _, err := generalise.ParseReport(out); err == nil {
		t.Error("a report that is not complete was taken")
	}
}
