// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hostProblem is something that a host lacks, and what is said of it.
type hostProblem struct {
	name string
	// setup is shell text that makes the problem, in a mount namespace that
	// only this packer is in. $WORK and $OUT are the directories of the build.
	setup string
	// attributes and body go into the template.
	attributes, body string
	// env is added to packer's environment, enter to its command line.
	env, enter []string
	// want are parts of the message, each of which must be there.
	want []string
	// fine is set for what is no problem at all.
	fine bool
}

// The element "fill" writes more than the small file systems here hold.
const (
	tinyRaw   = "  elements = [\"tiny-os\", \"fill\"]\n  formats  = [\"raw\"]\n"
	tinyQCOW2 = "  elements = [\"tiny-os\", \"fill\"]\n  formats  = [\"qcow2\"]\n"
	onDisk    = "  tmpfs = \"never\"\n"
	smallWork = "mount -t tmpfs -o size=40m tmpfs $WORK"
	smallOut  = "mount -t tmpfs -o size=24m tmpfs $OUT"

	// littleMemory is a container's limit of 64 MiB.
	littleMemory = "mount -t tmpfs tmpfs /sys/fs/cgroup; cd /sys/fs/cgroup; echo 67108864 > memory.max; echo 0 > memory.current"
	// plainDev is a /dev of plain files, as some containers have it, with one more of them.
	plainDev = "mount -t tmpfs tmpfs /mnt; mkdir /mnt/dev; " +
		"cp -a /dev/null /dev/zero /dev/random /dev/urandom /dev/tty /dev/full /dev/fd %s /mnt/dev; mount --bind /mnt/dev /dev"
)

var fullWork = []string{"work_directory", "full", "free"}

func hostProblems() []hostProblem {
	return []hostProblem{
		{name: "work directory full from the start", setup: "mount -t tmpfs -o size=64k tmpfs $WORK",
			attributes: tinyQCOW2 + onDisk, want: []string{"work_directory", "free"}},
		{name: "work directory full in root.d", setup: smallWork, env: []string{"FILL=root.d"},
			attributes: tinyQCOW2 + onDisk + "  disk_size = \"40M\"\n", want: fullWork},
		{name: "work directory full in a provisioner", setup: smallWork, attributes: tinyQCOW2 + onDisk + "  disk_size = \"40M\"\n",
			body: `provisioner "shell" { inline = ["dd if=/dev/zero of=/fill bs=1M count=60"] }`, want: fullWork},
		{name: "work directory full of an upload", setup: smallWork, attributes: tinyQCOW2 + onDisk + "  disk_size = \"40M\"\n",
			body: "provisioner \"file\" {\n  source = \"@DIR@/big\"\n  destination = \"/fill\"\n}", want: fullWork},
		{name: "work directory full of the disk", setup: smallWork, env: []string{"FILL=root.d", "FILL_MIB=12"},
			attributes: tinyQCOW2 + onDisk + "  disk_size = \"100M\"\n", want: fullWork},
		{name: "work directory without inodes", setup: "mount -t tmpfs -o nr_inodes=60 tmpfs $WORK",
			attributes: tinyQCOW2 + onDisk, want: []string{"work_directory", "inodes"}},
		{name: "memory full", setup: littleMemory, env: []string{"FILL=root.d"},
			attributes: tinyQCOW2 + "  tmpfs = \"always\"\n", want: []string{`tmpfs = "never"`, "full"}},
		{name: "output directory full of qcow2", setup: smallOut, env: []string{"FILL=install.d"},
			attributes: tinyQCOW2 + "  disk_size = \"90M\"\n", want: []string{"output_directory", "full", "free"}},
		{name: "output directory full of raw", setup: smallOut, env: []string{"FILL=install.d"},
			attributes: tinyRaw + "  disk_size = \"90M\"\n", want: []string{"output_directory", "full", "free"}},
		{name: "output directory full of what a late hook writes", setup: "mount -t tmpfs -o size=40m tmpfs $OUT", env: []string{"FILL=finalise.d"},
			attributes: tinyRaw + "  disk_size = \"150M\"\n", want: []string{"output_directory", "full", "free", "raw image"}},
		{name: "output directory full of what a late hook writes to xfs", setup: "mount -t tmpfs -o size=88m tmpfs $OUT", env: []string{"FILL=finalise.d"},
			attributes: tinyRaw + "  root_fs = \"xfs\"\n  disk_size = \"320M\"\n", want: []string{"output_directory", "full", "free", "raw image"}},
		{name: "output directory is read-only", setup: "mount -t tmpfs -o ro tmpfs $OUT",
			attributes: tinyRaw, want: []string{"output_directory", "read-only", "choose"}},
		{name: "output directory is a file", setup: "rmdir $OUT; touch $OUT",
			attributes: tinyRaw, want: []string{"output_directory", "not a directory"}},
		{name: "work directory is a file", setup: "rmdir $WORK; touch $WORK",
			attributes: tinyRaw, want: []string{"work_directory", "not a directory"}},
		{name: "work directory is read-only", setup: "mount -t tmpfs -o ro tmpfs $WORK",
			attributes: tinyRaw + onDisk, want: []string{"work_directory", "read-only", "choose"}},
		{name: "work directory is not there", setup: "rmdir $WORK", attributes: tinyRaw, fine: true},
		{name: "work directory is noexec and in use for the tree", setup: "mount -t tmpfs -o noexec tmpfs $WORK",
			attributes: tinyRaw + onDisk, want: []string{"work_directory", "noexec"}},
		{name: "work directory is nodev", setup: "mount -t tmpfs -o nodev tmpfs $WORK",
			attributes: tinyRaw + onDisk, fine: true},
		{name: "work directory is nosuid", setup: "mount -t tmpfs -o nosuid tmpfs $WORK",
			attributes: tinyRaw + onDisk, fine: true},
		{name: "no loop devices", setup: fmt.Sprintf(plainDev, ""),
			attributes: tinyRaw, want: []string{"loop", "/dev/loop-control"}},
		{name: "loop control alone in a plain /dev", setup: fmt.Sprintf(plainDev, "/dev/loop-control"),
			attributes: tinyRaw, fine: true},
		{name: "no loop devices and no right to make them", setup: fmt.Sprintf(plainDev, "/dev/loop-control"),
			attributes: tinyRaw, enter: []string{"setpriv", "--bounding-set=-mknod", "--inh-caps=-mknod"},
			want: []string{"privileged"}},
		{name: "no capability for namespaces", enter: []string{"setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"},
			attributes: tinyRaw, want: []string{"namespaces", "--privileged"}},
		{name: "a user namespace", enter: []string{"unshare", "--user", "--map-root-user"},
			attributes: tinyRaw, want: []string{"user namespace", "run packer as root"}},
		{name: "a read-only /proc", setup: "mount -o remount,bind,ro /proc", attributes: tinyRaw, fine: true},
		{name: "a /proc that hides processes", setup: "mount -t proc -o hidepid=2 proc /proc", attributes: tinyRaw, fine: true},
	}
}

// TestAccHostProblems builds on hosts that lack something: the message says
// what and what to do, nothing is left, and earlier outputs stay.
func TestAccHostProblems(t *testing.T) {
	needPacker(t)
	for _, p := range hostProblems() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.run(t)
		})
	}
}

// script makes the problem, builds, and lists what is left: the file systems of
// the problem are seen in its own namespace only.
const script = `set -eu
mount --make-rprivate /
eval "$SETUP"
cd "$1"; shift
earlier=
for name in tiny.raw tiny.qcow2; do
    if [ -d "$OUT" ] && [ -w "$OUT" ]; then echo earlier > "$OUT/$name"; earlier="$earlier $OUT/$name"; fi
done
status=0
"$@" || status=$?
for file in $earlier; do
    [ $status = 0 ] || [ "$(cat "$file")" = earlier ] || echo "LEFT no earlier $file"
done
left() { find "$WORK" "$OUT" "$TMPDIR" -mindepth 1 -maxdepth 1 \( -name 'diskimage*' -o -name '.*' -o -name 'mke2fs*' \) ; }
# What supervises a build may still tidy up.
until [ -z "$(left)" ] || [ $((tries = ${tries:-0} + 1)) -gt 300 ]; do sleep 0.2; done
left | sed 's/^/LEFT /'
exit $status
`

func (p hostProblem) run(t *testing.T) {
	w := newWorkspace(t)
	elements := w.element("fill", "root.d/50-fill", `[ "${FILL:-}" != root.d ] || dd if=/dev/urandom of="$TARGET_ROOT/fill" bs=1M count="${FILL_MIB:-60}" status=none`+"\n")
	if err := os.Mkdir(w.output, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, phase := range []string{"install.d", "finalise.d"} {
		w.element("fill", phase+"/50-fill", `[ "${FILL:-}" != `+phase+` ] || dd if=/dev/urandom of=/fill bs=1M count=60 status=none`+"\n")
	}
	if err := os.WriteFile(filepath.Join(w.dir, "big"), make([]byte, 60<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	template := w.template(p.attributes, strings.ReplaceAll(p.body, "@DIR@", w.dir))
	env := w.env(append([]string{"ELEMENTS_PATH=" + elements, "SETUP=" + p.setup, "WORK=" + w.work, "OUT=" + w.output}, p.env...)...)
	args := append([]string{"--mount", "bash", "-c", script, "problem", w.dir}, p.enter...)
	cmd := packerCommand(w.dir, env, append(args, "packer", "build", "-force", template)...)
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path, cmd.Err = unshare, nil
	r := startCommand(t, cmd)
	status, out := r.wait(), r.output()
	if (status == 0) != p.fine {
		t.Errorf("status %d:\n%s", status, out)
	}
	for _, want := range p.want {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "LEFT ") {
			t.Errorf("left: %s", line)
		}
	}
	w.assertClean()
}
