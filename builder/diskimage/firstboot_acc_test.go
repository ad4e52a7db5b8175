// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/qemu"
)

// firstBootProbe is an element whose scripts of first-boot.d say that they run,
// and make root's password what nobody knew when the image was made.
type firstBootProbe struct{ elements, note, password string }

func newFirstBootProbe(t *testing.T, w workspace) firstBootProbe {
	p := firstBootProbe{note: nonce(t), password: nonce(t)}
	for name, script := range map[string]string{
		"9-first":  `echo "` + p.note + ` ran 9: $HOME, $(id -un), ${DIB_RELEASE:-clean}, $(ls /tmp/in_target.d 2>&1 | tail -n 1)"`,
		"10-fails": "echo '" + p.note + " ran 10'; exit 3",
		"11-enter": "echo 'root:" + p.password + "' | chpasswd; echo '" + p.note + " ran 11'",
	} {
		p.elements = w.element("first-boot-probe", "first-boot.d/"+name, script+"\n")
	}
	// A hook may make one, too.
	w.element("first-boot-probe", "extra-data.d/50-more", `printf '#!/bin/sh\necho "`+p.note+` ran 100"\n' > "$TMP_HOOKS_PATH/first-boot.d/100-more"
chmod +x "$TMP_HOOKS_PATH/first-boot.d/100-more"
`)
	return p
}

// check looks for the scripts in the image and, with DISKIMAGE_FIRST_BOOT=1, sees
// them run: two boots more, which take minutes on a busy machine.
func (p firstBootProbe) check(t *testing.T, image, root string) {
	list := judge(t, "debugfs", "-R", "cat /usr/lib/diskimage/first-boot.list", root)
	if !strings.HasSuffix(list, "9-first\n10-fails\n11-enter\n100-more\n") {
		t.Errorf("not the scripts in their order: %q", list)
	}
	link := judge(t, "debugfs", "-R", "stat /etc/systemd/system/multi-user.target.wants/diskimage-first-boot.service", root)
	if !strings.Contains(link, "/etc/systemd/system/diskimage-first-boot.service") {
		t.Errorf("the unit is not enabled: %s", link)
	}
	if os.Getenv("DISKIMAGE_FIRST_BOOT") != "" {
		p.boots(t, image, root)
	}
}

// boots boots the image twice on one disk. All is over before the login prompt.
func (p firstBootProbe) boots(t *testing.T, image, root string) {
	kernel, initrd := kernelOf(t, root)
	ctx, cancel := context.WithTimeout(t.Context(), bootDeadline)
	defer cancel()
	m, err := qemu.Start(ctx, command.Host{}, qemu.Spec{
		Image: image, Format: "raw", Kernel: kernel, Initrd: initrd, Isolated: true, Network: true,
		// A busy host takes its time to show the guest's serial port.
		Append: "root=LABEL=cloudimg-rootfs ro console=ttyS0 systemd.default_device_timeout_sec=600",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	said := p.logIn(t, ctx, m, `journalctl -u diskimage-first-boot -o cat | sed "s/^/journal: /"; echo "state: $(systemctl is-failed diskimage-first-boot)"`)
	console, session, _ := strings.Cut(said, "login:")
	if !strings.Contains(console, p.note+" ran 9") {
		t.Errorf("nothing on the console before the login prompt:\n%s", said)
	}
	rest := session
	for _, want := range []string{
		"journal: first-boot.d: running 9-first", p.note + " ran 9: /root, root, clean, ls: cannot access", "running 10-fails", p.note + " ran 10",
		"10-fails failed with exit status 3", "running 11-enter", p.note + " ran 11", "running 100-more", p.note + " ran 100", "state: failed",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("not in the journal, or not in this order: %q\n%s", want, said)
		}
		rest = after
	}
	m.Mark()
	if err := m.Send("reboot\n"); err != nil {
		t.Fatal(err)
	}
	begin := len(m.Console())
	p.logIn(t, ctx, m, `echo "unit $(systemctl is-enabled diskimage-first-boot) $(systemctl is-active diskimage-first-boot)"; LC_ALL=C ls /var/lib/diskimage/first-boot | tr "\n" " "`)
	again := m.Console()[begin:]
	if strings.Contains(again, p.note) || strings.Contains(again, "first-boot.d: running") {
		t.Errorf("scripts ran again:\n%s", again)
	}
	for _, want := range []string{"unit disabled inactive", "10-fails 100-more 11-enter 9-first"} {
		if !strings.Contains(again, want) {
			t.Errorf("not there: %q\n%s", want, again)
		}
	}
}

// logIn logs in with the password that a script of first-boot.d gave to root,
// runs commands there and returns the console so far.
func (p firstBootProbe) logIn(t *testing.T, ctx context.Context, m *qemu.Machine, script string) string {
	t.Helper()
	for _, turn := range []struct{ wait, send string }{
		{"login: ", "root"}, {"Password: ", p.password}, {":~# ", script + "; echo ended=$((40 + 2))"},
	} {
		if _, err := m.WaitFor(ctx, qemu.Text(turn.wait)); err != nil {
			t.Fatal(err)
		}
		if err := m.Send(turn.send + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.WaitFor(ctx, qemu.Text("ended=42")); err != nil {
		t.Fatal(err)
	}
	return m.Console()
}

// An image without systemd would never run its scripts.
func TestAccFirstBootNeedsSystemd(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	more := w.element("late", "first-boot.d/50-late", "true\n")
	status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+more), "build", w.template(`elements = ["tiny-os", "late"]`, ""))
	for _, want := range []string{"the scripts of first-boot.d (50-late of element late) would never run", "systemd", "first-boot.d     image   hooks: 1"} {
		if status == 0 || !strings.Contains(out, want) {
			t.Errorf("status %d, not shown: %q\n%s", status, want, out)
		}
	}
	w.assertClean()
}
