// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/repeat"
)

const registering = repeat.Function + `set -eu
echo "echo replaced >> /etc/repeated" > /tmp/script
diskimage_repeat first /tmp/script
diskimage_repeat second /tmp/script
cat > /tmp/script << 'EOF'
set -eu
test ! -e /etc/mine
echo mine > /etc/mine
printf 'first %s %s %s\n' "$DISKIMAGE_REPEAT" "$#" "$PWD" >> /etc/repeated
read -r uptime < /proc/uptime
while read -r _ _ _ _ point rest; do
    case $point in /run|/) rest=${rest#*- }; echo "$point ${rest%% *}" >> /etc/repeated ;; esac
done < /proc/self/mountinfo
test ! -e /run/diskimage
echo mine > /run/mine
echo mine > /dev/shm/mine
EOF
diskimage_repeat first /tmp/script
cat > /tmp/script << 'EOF'
test -e /etc/mended || { echo not mended; exit 7; }
echo second >> /etc/repeated
EOF
diskimage_repeat second /tmp/script
echo mine > /etc/mine
`

// What provisioners register runs at the end, in order, each once however often
// the step is tried, and leaves nothing of itself in the image.
func TestAccRepeat(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	more := w.element("undoes", "cleanup.d/80-undo", `rm "$TARGET_ROOT/etc/mine"`+"\n")
	script := w.write("register.sh", registering)
	c := atTerminal(t, w.dir, w.env("ELEMENTS_PATH="+more, "TINY_OS_PROGRAMS=mv"), "build", "-on-error=ask", w.template(`
  elements = ["tiny-os", "undoes", "block-device-gpt"]
  formats  = ["raw"]`, `
  provisioner "shell" { script = "`+script+`" }`))
	for _, text := range []string{
		"repeat           chroot  what provisioners ask for",
		"cleanup.d/80-undo [undoes]",
		"repeat: 2 scripts of provisioners",
		"repeat/first",
		"repeat/second",
		"repeating second, which a provisioner registered: exit status 7; its last lines were:",
	} {
		c.expect(text)
	}
	c.expect(question)
	enter(t, entrance(t, c.output()), "echo > /etc/mended")
	c.press("r" + enterKey)
	c.expect("repeat: 2 scripts of provisioners, 1 left")
	if status := c.wait(); status != 0 {
		t.Fatalf("status %d:\n%s", status, c.output())
	}
	w.assertClean()
	raw := filepath.Join(w.output, "tiny.raw")
	_, parts := partitionsOf(t, raw)
	root := extract(t, raw, parts[1])
	checkFilesystem(t, "ext4", root)
	for request, want := range map[string]string{
		"cat /etc/repeated": "first yes 0 /\n/ ext4\n/run tmpfs\nsecond\n",
		"cat /etc/mine":     "mine\n",
	} {
		if _, got, _ := strings.Cut(judge(t, "debugfs", "-R", request, root), "\n"); got != want {
			t.Errorf("%s: got %q, want %q\n%s", request, got, want, c.output())
		}
	}
	for _, dir := range []string{"/run", "/dev"} {
		if text := judge(t, "debugfs", "-R", "ls "+dir, root); strings.Contains(text, "diskimage") || strings.Contains(text, "mine") || strings.Contains(text, "shm") {
			t.Errorf("left in %s: %s", dir, text)
		}
	}
}

// What cannot be taken fails the build: somebody counts on it.
func TestAccRepeatRefused(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	status, out := runPacker(t, w.dir, w.env(), "build", w.template(`
  elements = ["tiny-os"]`, `
  provisioner "shell" { inline = ["echo : > `+repeat.Dir+`/mine"] }`))
	if status == 0 || !strings.Contains(out, repeat.Dir+"/mine was put there without being registered") {
		t.Errorf("status %d:\n%s", status, out)
	}
	w.assertClean()
}
