// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contractHooks are hooks that do what elements may rely on; what they print
// beginning with "= " is compared.
var contractHooks = map[string]string{
	"root.d/60-mount": `mkdir -p "$TMP_BUILD_DIR/cache" "$TARGET_ROOT"/{cache,lost+found,.dots}
touch "$TMP_BUILD_DIR/cache/kept" "$TARGET_ROOT/.autorelabel"
mount --bind "$TMP_BUILD_DIR/cache" "$TARGET_ROOT/cache"
echo "= root: size ${DIB_IMAGE_SIZE:-none}, install type ${DIB_DEFAULT_INSTALLTYPE:-none}, A ${A:-none}"
`,
	"extra-data.d/50-more": `printf '#!/bin/sh\necho "= appeared at run time"\n' > "$TMP_HOOKS_PATH/install.d/70-more"
chmod +x "$TMP_HOOKS_PATH/install.d/70-more"
echo "export B=appeared" > "$TMP_HOOKS_PATH/environment.d/60-more"
echo "= extra-data: mounted $(ls "$TMP_MOUNT_PATH/cache"), install type $DIB_DEFAULT_INSTALLTYPE"
`,
	"install.d/9-first": `echo "= install first: A $A, B $B, mounted $(ls /cache)"
export A=lost
`,
	"install.d/50-mine": `echo "= install: A $A, static $(cat "${0%/*}/../static/etc/mine"), data $(cat "${0%/*}/../mine-data/table")"
echo "= top $(cat "${0%/*}/../source-repository-mine"), hidden directory $(cat "${0%/*}/../.hidden/file"), tests $(ls -d "${0%/*}"/../tests "${0%/*}"/../__pycache__ 2> /dev/null | wc -l)"
touch "$0.touched" 2> /dev/null || echo "= hooks are read-only"
echo "= PATH $PATH, HOME $HOME, TMPDIR ${TMPDIR:-unset}, release $DIB_RELEASE"
echo "= xtrace in a line is no reason to drop it"
echo "= kernel $(cat /proc/sys/kernel/random/boot_id), its parameters are $(test -w /proc/sys/vm/swappiness && echo writable)"
echo "nonsense" > /etc/fstab
echo "text" > /var/log/a.log
echo "text" > /root/b.log
echo "nameserver 192.0.2.7" > /etc/resolv.conf.ORIG
printf '#!/bin/sh\necho "= packages: $*, A $A"\n' > /usr/local/bin/install-packages
chmod +x /usr/local/bin/install-packages
`,
	"install.d/60-never.sh":   "echo '= a name with a dot runs'\n",
	"post-root.d/50-mine":     "echo \"= post-root: mounted $(ls \"$TMP_MOUNT_PATH/cache\"), target ${TARGET_ROOT:-none}\"\n",
	"block-device.d/50-mine":  "echo \"= block-device: KiB $DIB_IMAGE_SIZE, tree in $(ls -d \"$TMP_BUILD_DIR/built/etc\" | sed \"s|$TMP_BUILD_DIR/||\"), $(ls -d \"$TMP_BUILD_DIR/built/lost+found\" 2> /dev/null | wc -l) lost+found\"\n",
	"pre-finalise.d/50-mine":  "echo \"= pre-finalise: device ${IMAGE_BLOCK_DEVICE%[0-9]*}, not mounted: $(ls \"$TMP_MOUNT_PATH/cache\" | wc -l)\"\n",
	"finalise.d/50-mine":      "echo \"= finalise: not mounted: $(ls /cache | wc -l), fstab $(cat /etc/fstab)\"\n",
	"cleanup.d/50-mine":       "echo \"= cleanup: target ${TARGET_ROOT#\"$TMP_BUILD_DIR/\"}\"\n",
	"environment.d/20-second": "export A=\"$A second\" DIB_IMAGE_SIZE_SEEN=1 DIB_IMAGE_EXTRA_SIZE=4000\n",
	"environment.d/9-third":   "export A=\"$A third\"\n",
	"environment.d/100-first": "export A=first\n",
}

// contractSaid is what they print. A is numbered as bytes go, not as numbers.
var contractSaid = []string{
	"root: size none, install type package, A first second third",
	"extra-data: mounted kept, install type package",
	"install first: A first second third, B appeared, mounted kept",
	"install: A first second third, static mine, data table",
	"top mine, hidden directory hidden, tests 0",
	"hooks are read-only",
	"PATH /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin, HOME /root, TMPDIR unset, release mine",
	"xtrace in a line is no reason to drop it",
	"kernel BOOT, its parameters are writable",
	"appeared at run time",
	"packages: vim curl, A first second third",
	"post-root: mounted kept, target none",
	"block-device: KiB N, tree in built/etc, 0 lost+found",
	"pre-finalise: device /dev/loop, not mounted: 0",
	"finalise: not mounted: 0, fstab LABEL=cloudimg-rootfs / ext4 defaults 0 1",
	"cleanup: target mnt",
}

// TestAccHookContract builds an element that relies on what the element contract
// says of hooks (§2.2-2.7, and in §11 rows 4, 5, 7, 8, 24, 27, 33 and 38), with dib_compat
// and without.
func TestAccHookContract(t *testing.T) {
	needPacker(t)
	t.Parallel()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	hostsKernel := strings.NewReplacer(strings.TrimSpace(string(boot)), "BOOT")
	for _, compat := range []string{"false", "true"} {
		t.Run("dib_compat "+compat, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			more := w.contractElement()
			status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+more, "DIB_RELEASE=mine", "DIB_DEFAULT_INSTALLTYPE=package"), "build", w.template(`
  elements   = ["tiny-os", "mine", "block-device-gpt"]
  packages   = ["vim", "curl"]
  formats    = ["raw"]
  dib_compat = `+compat, ""))
			if status != 0 {
				t.Fatalf("status %d:\n%s", status, out)
			}
			w.assertClean()
			var said []string
			for _, line := range regexp.MustCompile(`(?m)^.*: +    = (.*)$`).FindAllStringSubmatch(out, -1) {
				said = append(said, regexp.MustCompile(`KiB [0-9]+`).ReplaceAllString(hostsKernel.Replace(line[1]), "KiB N"))
			}
			if diff := cmp.Diff(contractSaid, said); diff != "" {
				t.Errorf("%s\n%s", diff, out)
			}
			w.checkContractImage(compat == "true", out)
		})
	}
}

func (w workspace) contractElement() (path string) {
	for hook, script := range contractHooks {
		path = w.element("mine", hook, script)
		if strings.HasPrefix(hook, "environment.d/") {
			if err := os.Chmod(filepath.Join(path, "mine", hook), 0o644); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for file, text := range map[string]string{
		"static/etc/mine": "mine", "mine-data/table": "table", "source-repository-mine": "mine", ".hidden/file": "hidden",
		"tests/x": "x", "__pycache__/x": "x",
	} {
		name := filepath.Join(path, "mine", file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			w.t.Fatal(err)
		}
	}
	return path
}

// checkContractImage looks at what is left of all that.
func (w workspace) checkContractImage(compat bool, out string) {
	w.t.Helper()
	_, parts := partitionsOf(w.t, filepath.Join(w.output, "tiny.raw"))
	root := extract(w.t, filepath.Join(w.output, "tiny.raw"), parts[1])
	inImage := func(request string) string {
		_, text, _ := strings.Cut(judge(w.t, "debugfs", "-R", request, root), "\n")
		return text
	}
	if got := inImage("cat /etc/resolv.conf"); got != "nameserver 192.0.2.7\n" {
		w.t.Errorf("resolv.conf.ORIG did not become resolv.conf: %q", got)
	}
	if got := inImage("cat /var/log/a.log"); got != "" {
		w.t.Errorf("the log has %q", got)
	}
	for dir, gone := range map[string]string{"/root": "b.log", "/tmp": "in_target.d", "/cache": "kept", "/etc": "resolv.conf.ORIG"} {
		if strings.Contains(inImage("ls "+dir), gone) {
			w.t.Errorf("%s/%s is in the image", dir, gone)
		}
	}
	for _, name := range []string{".autorelabel", ".dots"} {
		if there := strings.Contains(inImage("ls /"), name); there == compat {
			w.t.Errorf("/%s is in the image: %t", name, there)
		}
		if told := strings.Contains(out, "dib_compat: /"+name+" is left out"); told != compat {
			w.t.Errorf("/%s is said to be left out: %t", name, told)
		}
	}
}

// Where hooks break the contract, the error has hook, element, path and reason.
func TestAccHooksThatBreakTheContract(t *testing.T) {
	needPacker(t)
	t.Parallel()
	for name, c := range map[string]struct {
		hook, script string
		want         []string
	}{
		"a system without a system": {"root.d/50-nothing", `rm -rf "$TARGET_ROOT"/*; mkdir "$TARGET_ROOT/lost+found" "$TARGET_ROOT/tmp"` + "\n",
			[]string{"no hook of root.d put a root file system into TARGET_ROOT (there are 10-tiny-os of element tiny-os, 50-nothing of element mine)"}},
		"a disk of its own": {"block-device.d/50-disk", "echo IMAGE_BLOCK_DEVICE=/dev/mapper/mine\n",
			[]string{"a hook of block-device.d (50-disk of element mine) made a disk of its own (IMAGE_BLOCK_DEVICE=/dev/mapper/mine)", "DIB_BLOCK_DEVICE_CONFIG"}},
		"unbound variable": {"environment.d/50-wrong.bash", `export X=$NOWHERE_SET` + "\n",
			[]string{`sourcing environment.d/50-wrong.bash of element "mine" for root.d failed with exit status 1 (DIR/environment.d/50-wrong.bash)`, "NOWHERE_SET: unbound variable"}},
		"a status of its own": {"environment.d/50-wrong", "exit 9\n",
			[]string{`sourcing environment.d/50-wrong of element "mine" for root.d failed with exit status 9 (DIR/environment.d/50-wrong)`}},
		"killed": {"install.d/50-killed", "kill -TERM $$\n",
			[]string{`hook install.d/50-killed of element "mine" failed with exit status 143 (DIR/install.d/50-killed)`}},
		"made at run time": {"extra-data.d/50-more", `mkdir -p "$TMP_HOOKS_PATH/pre-install.d"
printf '#!/no/such/shell\n' > "$TMP_HOOKS_PATH/extra-data.d/60-more"
printf '#!/no/such/shell\n' > "$TMP_HOOKS_PATH/pre-install.d/60-more"
chmod +x "$TMP_HOOKS_PATH"/*.d/60-more
`, []string{"hook pre-install.d/60-more failed with exit status 12", "/build/hooks/pre-install.d/60-more)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			more := w.element("mine", c.hook, c.script)
			status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+more), "build", w.template(`
  elements = ["tiny-os", "mine", "block-device-gpt"]`, ""))
			for _, want := range c.want {
				if want = strings.ReplaceAll(want, "DIR", filepath.Join(more, "mine")); status == 0 || !strings.Contains(out, want) {
					t.Errorf("status %d, not shown: %q\n%s", status, want, out)
				}
			}
			w.assertClean()
		})
	}
}
