// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/media"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/qemu"
)

// seeded is a Debian with a seed in it, as TestAccDebianBookworm and TestAccDebianTrixie build them.
type seeded struct {
	template, hostname, zone, instanceID string
	key, public                          string
	binary                               string            // a file that the seed may bring along
	typists                              map[string]string // who can log in by which password
	locked                               string            // who cannot, with everydayPassword
}

// typistPassword is what the template says in clear, everydayPassword what everydayHash was made of.
const typistPassword, everydayPassword = "Sesame-to-be-typed", "everyday"

// newSeeded has a template in testdata/nocloud.
func newSeeded(t *testing.T, template, hostname, zone string) seeded {
	t.Helper()
	dir := t.TempDir()
	s := seeded{template: template, hostname: hostname, zone: zone, instanceID: "iid-" + nonce(t),
		key: filepath.Join(dir, "key"), binary: filepath.Join(dir, "binary")}
	if err := os.WriteFile(s.binary, []byte("\x00\x01\x02\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	judge(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", s.key)
	public, err := os.ReadFile(s.key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	s.public = strings.TrimSpace(string(public))
	return s
}

// provisioners are those of the template.
func (s seeded) provisioners(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/nocloud/" + s.template)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("INSTANCE_ID", s.instanceID, "HOSTNAME", s.hostname, "TIMEZONE", s.zone,
		"PUBLIC_KEY", s.public, "PASSWORD_HASH", everydayHash, "PLAIN_PASSWORD", typistPassword, "BINARY_FILE", s.binary).Replace(string(text))
}

// grownDisk is the size of a seeded guest's disk if that has partitions, which then grow.
const grownDisk = 8 << 30

// rawDisk is a raw image, and where in it the root file system begins.
type rawDisk struct {
	path   string
	offset int64
}

// root is the root file system as debugfs takes it.
func (d rawDisk) root() string {
	if d.offset == 0 {
		return d.path
	}
	return fmt.Sprintf("%s?offset=%d", d.path, d.offset)
}

// slowMachine are words for the kernel: an emulated machine on a busy host needs more
// than the 90 seconds that systemd gives its units.
const slowMachine = "systemd.default_timeout_start_sec=1200"

// spec boots an image by its own kernel, without a boot loader.
func (d rawDisk) spec(t *testing.T) qemu.Spec {
	t.Helper()
	kernel, initrd := kernelOf(t, d.root())
	return qemu.Spec{Image: d.path, Format: "raw", Kernel: kernel, Initrd: initrd, ForwardSSH: true, Isolated: true,
		Append: "root=LABEL=cloudimg-rootfs ro console=ttyS0 " + slowMachine}
}

// carriedOut is what both releases make of the seed: the question, and all of the answer.
func (s seeded) carriedOut() [][3]string {
	return [][3]string{
		{"hostname", "hostname; hostname -f", s.hostname + "\n" + s.hostname + ".lan.test"},
		{"time zone", "readlink -f /etc/localtime", "/usr/share/zoneinfo/" + s.zone},
		{"groups", "id -nG admin", "admin deploy"},
		{"sudo", "su admin -c 'sudo -n id -un'", "root"},
		{"user without a password", "getent passwd guest | cut -d: -f5; passwd -S guest | cut -d' ' -f2", "A guest\nL"},
		{"user with a password", "getent shadow worker | cut -d: -f2", everydayHash},
		{"deferred file", "stat -c '%a %U:%G' /etc/app.conf; cat -A /etc/app.conf", "640 root:deploy\na = 1$\nb = \"tab:^Iend\"$"},
		{"binary file", "stat -c '%a %U:%G' /etc/binary; od -An -tx1 /etc/binary", "400 root:root\n 00 01 02 ff"},
		{"runcmd", "cat /var/tmp/runcmd", "one\ntwo words\nthree"},
		{"mount", "findmnt -no FSTYPE,OPTIONS /srv/scratch | grep -o -e '^tmpfs' -e size=1024k -e mode=700", "tmpfs\nsize=1024k\nmode=700"},
		{"addresses", "ip -o -4 address show scope global | awk '{print $2, $4}'", "lan0 10.0.2.15/24\nlan0 192.0.2.10/24"},
		{"default route", "ip -4 route show default | grep -o 'default via 10.0.2.2 dev lan0'", "default via 10.0.2.2 dev lan0"},
		{"private seed", "cd /var/lib/cloud/seed && stat -c '%a %U:%G %n' nocloud nocloud/[!v]*",
			"700 root:root nocloud\n600 root:root nocloud/meta-data\n600 root:root nocloud/network-config\n600 root:root nocloud/user-data"},
		// Neither the seed nor what cloud-init copies of it shows the hash to others.
		{"readable secrets", "find /etc /run/cloud-init /var/lib/cloud /var/log -type f -perm /o+r -exec grep -lF '" + everydayHash + "' {} + 2>/dev/null; true", ""},
		{"leftover of an installer", "cat /etc/cloud/cloud.cfg.d/99-installer.cfg", "datasource_list: [ Ec2 ]"},
	}
}

// bootID is a file that tells one boot of a machine from another.
const bootID = "/proc/sys/kernel/random/boot_id"

// unchanged are questions whose answers are the same after a second boot.
var unchanged = [][2]string{
	{"semaphores", "cd /var/lib/cloud && find sem instance/sem -type f -printf '%p %s %T@\\n' | LC_ALL=C sort"},
	{"etc", "find /etc -type f -exec sha256sum {} + | LC_ALL=C sort -k 2"},
}

// bootSeeded boots twice and asks each time what became of the seed; then may come
// something else to do with the guest. A volume labelled CIDATA is attached, which the seed
// says is to be passed over.
func bootSeeded(t *testing.T, s seeded, d rawDisk, more [][3]string, then func(context.Context, login)) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*bootDeadline)
	defer cancel()
	intruder := nocloud.Seed{Hostname: "intruder", InstanceID: "iid-intruder"}
	spec := d.spec(t)
	if d.offset > 0 {
		spec.DiskSize = grownDisk
	}
	spec.Media = []string{carrier(t, intruder, media.ISO)}
	m := startGuest(t, ctx, spec)
	guest := login{"admin", s.key, m.SSHAddress()}
	want := append(s.carriedOut(), more...)
	questions := slices.Concat(identityQuestions, unchanged, [][2]string{
		{"schema", "cloud-init schema --system"},
		{"boots", "wc -l < /var/tmp/bootcmd; wc -l < /var/tmp/per-boot"},
	})
	for _, w := range want {
		questions = append(questions, [2]string{w[0], w[1]})
	}
	check := func(boots string) map[string]string {
		answers := guest.facts(t, ctx, questions)
		checkStatus(t, answers, nocloud.SeedDir, s.instanceID)
		for _, w := range append(want, [3]string{"boots", "", boots}) {
			if answers[w[0]] != w[2] {
				t.Errorf("%s: %q, want %q", w[0], answers[w[0]], w[2])
			}
		}
		if said := answers["schema"]; !strings.Contains(said, "Valid") || regexp.MustCompile(`(?i)error|invalid`).MatchString(said) {
			t.Errorf("cloud-init schema --system: %s", said)
		}
		return answers
	}
	first := check("1\n1")
	s.checkPasswords(t, ctx, guest.address)
	guest.reboot(t, ctx, m, "systemctl reboot --force")
	second := check("2\n2")
	for _, name := range []string{"semaphores", "etc", "machine-id", "host keys", "instance-id"} {
		sameLines(t, name, first[name], second[name])
	}
	if then != nil {
		then(ctx, guest)
	}
}

// sameLines tells which lines are in one text only.
func sameLines(t *testing.T, name, before, after string) {
	t.Helper()
	lines := map[string]int{}
	for _, l := range strings.Split(before, "\n") {
		lines["- "+l]++
	}
	for _, l := range strings.Split(after, "\n") {
		if lines["- "+l]--; lines["- "+l] < 0 {
			lines["+ "+l]++
		}
	}
	maps.DeleteFunc(lines, func(_ string, n int) bool { return n <= 0 })
	if len(lines) > 0 {
		t.Errorf("%s changed with the second boot:\n%s", name, strings.Join(slices.Sorted(maps.Keys(lines)), "\n"))
	}
}
