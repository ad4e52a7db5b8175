// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"strings"
	"testing"
)

// firstBootProbe is an element whose scripts of first-boot.d say that they run.
type firstBootProbe struct{ elements, note string }

func newFirstBootProbe(t *testing.T, w workspace) firstBootProbe {
	p := firstBootProbe{note: nonce(t)}
	for name, script := range map[string]string{
		"9-first":  `echo "` + p.note + ` ran 9: $HOME, $(id -un), ${DIB_RELEASE:-clean}, $(ls /tmp/in_target.d 2>&1 | tail -n 1)"`,
		"10-fails": "echo '" + p.note + " ran 10'; exit 3",
		"11-third": `echo "` + p.note + ` ran 11 beside $(cat /proc/[0-9]*/comm 2>/dev/null | grep -cx agetty) logins"`,
	} {
		p.elements = w.element("first-boot-probe", "first-boot.d/"+name, script+"\n")
	}
	// A hook may make one, too.
	w.element("first-boot-probe", "extra-data.d/50-more", `printf '#!/bin/sh\necho "`+p.note+` ran 100"\n' > "$TMP_HOOKS_PATH/first-boot.d/100-more"
chmod +x "$TMP_HOOKS_PATH/first-boot.d/100-more"
`)
	return p
}

// check looks for the scripts in the image's root file system.
func (p firstBootProbe) check(t *testing.T, root string) {
	t.Helper()
	list := judge(t, "debugfs", "-R", "cat /usr/lib/diskimage/first-boot.list", root)
	if !strings.HasSuffix(list, "9-first\n10-fails\n11-third\n100-more\n") {
		t.Errorf("not the scripts in their order: %q", list)
	}
	link := judge(t, "debugfs", "-R", "stat /etc/systemd/system/multi-user.target.wants/diskimage-first-boot.service", root)
	if !strings.Contains(link, "/etc/systemd/system/diskimage-first-boot.service") {
		t.Errorf("the unit is not enabled: %s", link)
	}
}

// first looks at what ran before the login of the first boot.
func (p firstBootProbe) first(t *testing.T, c *conversation) {
	t.Helper()
	c.ask(`journalctl -u diskimage-first-boot -o cat | sed "s/^/journal: /"; echo "state: $(systemctl is-failed diskimage-first-boot)"`, `^state: failed`)
	said := c.console()
	rest := said
	for _, want := range []string{
		"journal: first-boot.d: running 9-first", p.note + " ran 9: /root, root, clean, ls: cannot access", "running 10-fails", p.note + " ran 10",
		"10-fails failed with exit status 3", "running 11-third", p.note + " ran 11 beside 0 logins", "running 100-more", p.note + " ran 100",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("not in the journal, or not in this order: %q\n%s", want, said)
		}
		rest = after
	}
}

// second looks at the second boot, before which the power failed.
func (p firstBootProbe) second(t *testing.T, c *conversation) {
	t.Helper()
	c.ask(`echo "unit: $(systemctl is-enabled diskimage-first-boot) $(systemctl is-active diskimage-first-boot)"`, `^unit: disabled inactive`)
	c.ask(`echo "marks: $(LC_ALL=C ls /var/lib/diskimage/first-boot | tr "\n" " ")"`, `^marks: 10-fails 100-more 11-third 9-first `)
	c.ask(`echo "runs: $(journalctl -b -o cat | grep -c 'first-boot.d: running')"`, `^runs: 0`)
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
