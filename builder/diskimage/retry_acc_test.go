// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The question of -on-error=ask.
const question = "or [r] retry step (build may fail even if retry succeeds)? "

// Hooks of an element that counts its runs and fails the first time in each
// phase. What is counted on the host is not in the image, and the other way round.
const (
	countingHook = `phase=$(readlink -f "$0")
phase=${phase%/*}
phase=${phase##*/}
counts=/etc/counts
[ ! -d "$FLAKY" ] || counts=$FLAKY/counts
echo "$phase" >> "$counts"
`
	flakyHook = `phase=$(readlink -f "$0")
phase=${phase%/*}
phase=${phase##*/}
once=/etc/once.$phase
[ ! -d "$FLAKY" ] || once=$FLAKY/once.$phase
if [ ! -e "$once" ]; then
    : > "$once"
    echo "not yet in $phase"
    exit 5
fi
rm "$once"
`
	emptyHook  = `[ -z "$(ls -A "$TARGET_ROOT")" ]` + "\n"
	resolvHook = `echo "nameserver 192.0.2.1" > "$TARGET_ROOT/etc/resolv.conf"` + "\n"
	mountsHook = `for point in /proc /dev /sys /run /tmp/in_target.d; do
    echo "mounted on $point: $(grep -c " $point " /proc/self/mountinfo || true)"
done
`
	// A mount that keeps the disk busy, as a forgotten one does.
	busyHook = `mkdir "$FLAKY/elsewhere"
mount --bind "$TARGET_ROOT" "$FLAKY/elsewhere"
`
	flakyProvisioner = `
  provisioner "shell" {
    inline = [
      "[ -e /etc/provisioned ] || { echo first > /etc/provisioned; echo not yet in provisioners; (sleep 4861 &); exit 6; }",
      "grep -c ' /run ' /proc/self/mountinfo", "cat /etc/resolv.conf", "echo second >> /etc/provisioned",
    ]
  }`
)

// Every step fails once and is tried again when the cause is gone.
func TestAccRetryOfEachStep(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	flaky := filepath.Join(w.dir, "flaky")
	if err := os.Mkdir(flaky, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, phase := range probedPhases {
		w.element("flaky", phase+"/40-counts", countingHook)
		w.element("flaky", phase+"/60-flaky", flakyHook)
	}
	w.element("flaky", "root.d/05-empty", emptyHook)
	w.element("flaky", "root.d/50-resolv", resolvHook)
	w.element("flaky", "finalise.d/70-mounts", mountsHook)
	w.element("flaky", "install.d/70-edited", "exit 8\n")
	more := w.element("flaky", "cleanup.d/70-busy", busyHook)
	template := w.template(`
  elements = ["tiny-os", "flaky", "block-device-gpt"]
  formats  = ["qcow2", "raw"]`, flakyProvisioner)
	// A file is in the way of the very first step.
	inTheWay := filepath.Join(flaky, "locks")
	if err := os.WriteFile(inTheWay, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := atTerminal(t, w.dir, w.env("ELEMENTS_PATH="+more, "FLAKY="+flaky, "DIB_LOCKFILES="+inTheWay), "build", "-on-error=ask", template)
	c.expect("making the workspace: ")
	c.expect(question)
	remove(t, inTheWay)
	c.press("r" + enterKey)
	for _, phase := range []string{
		"root.d", "extra-data.d", "pre-install.d", "install.d", "provisioners", "post-install.d",
		"post-root.d", "block-device.d", "pre-finalise.d", "finalise.d", "cleanup.d",
	} {
		c.expect("not yet in " + phase)
		text := c.expect(question)
		if phase == "install.d" || phase == "finalise.d" {
			checkEntrance(t, entrance(t, text))
		}
		c.press("r" + enterKey)
		if phase == "install.d" {
			// What the user mends is what runs then.
			c.expect(question)
			w.element("flaky", "install.d/70-edited", "echo mended\n")
			c.press("r" + enterKey)
			c.expect("Using the changed install.d/70-edited [flaky]")
			c.expect("mended")
		}
	}
	text := c.expect(question)
	if !strings.Contains(text, "closing the disk") {
		t.Fatalf("the step after the hooks did not fail as planned:\n%s", c.output())
	}
	// What a person would do who reads of the mount.
	enterNamespace, _, _ := strings.Cut(entrance(t, c.output()), " chroot ")
	judge(t, "sh", "-c", enterNamespace+" umount "+filepath.Join(flaky, "elsewhere"))
	// Nor may what happens to the outputs meanwhile go wrong.
	inTheWay = filepath.Join(w.output, "tiny.raw")
	if err := os.WriteFile(inTheWay, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c.press("r" + enterKey)
	c.expect("tiny.raw already exists")
	c.expect(question)
	remove(t, inTheWay)
	c.press("r" + enterKey)
	if status := c.wait(); status != 0 {
		t.Fatalf("status %d:\n%s", status, c.output())
	}
	w.assertClean()
	checkRetried(t, w, flaky, c.output())
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// checkEntrance tries the printed way into the tree of a waiting build.
func checkEntrance(t *testing.T, command string) {
	t.Helper()
	out := enter(t, command, `read -r first < /proc/uptime; echo "proc: ${first%%.*}"; echo lost > /dev/null; cat /etc/hostname; echo "$0"`)
	if !strings.Contains(out, "tiny\n") || !strings.Contains(out, "proc: ") || !strings.Contains(out, "/bin/bash") {
		t.Errorf("%s: the tree is not what one finds there:\n%s", command, out)
	}
}

// checkRetried looks at the image that came out in the end.
func checkRetried(t *testing.T, w workspace, flaky, out string) {
	t.Helper()
	raw := filepath.Join(w.output, "tiny.raw")
	_, parts := partitionsOf(t, raw)
	root := extract(t, raw, parts[1])
	checkFilesystem(t, "ext4", root)
	judge(t, "qemu-img", "compare", raw, filepath.Join(w.output, "tiny.qcow2"))
	inImage := func(request string) string {
		text := judge(t, "debugfs", "-R", request, root)
		_, text, _ = strings.Cut(text, "\n") // debugfs's own greeting
		return text
	}
	for request, want := range map[string]string{
		"cat /etc/counts":      "pre-install.d\ninstall.d\npost-install.d\nfinalise.d\n",
		"cat /etc/provisioned": "first\nsecond\n",
		"cat /etc/resolv.conf": "nameserver 192.0.2.1\n",
	} {
		if got := inImage(request); got != want {
			t.Errorf("%s: got %q, want %q", request, got, want)
		}
	}
	for dir, gone := range map[string]string{"/etc": "resolv.conf.ORIG", "/tmp": "in_target.d", "/usr/local/bin": "dib-run-parts"} {
		if strings.Contains(inImage("ls "+dir), gone) {
			t.Errorf("%s/%s is in the image", dir, gone)
		}
	}
	counts, err := os.ReadFile(filepath.Join(flaky, "counts"))
	if want := "root.d\nroot.d\nextra-data.d\npost-root.d\nblock-device.d\npre-finalise.d\ncleanup.d\n"; err != nil || string(counts) != want {
		t.Errorf("on the host ran %q, %v; want %q", counts, err, want)
	}
	for _, want := range []string{"mounted on /proc: 1\n", "mounted on /dev: 1\n", "mounted on /sys: 1\n",
		"mounted on /run: 0\n", "mounted on /tmp/in_target.d: 1\n", "post-install.d: 1 of 2 hooks left"} {
		if !strings.Contains(out, want) {
			t.Errorf("not shown: %q\n%s", want, out)
		}
	}
}
