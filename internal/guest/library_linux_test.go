// SPDX-License-Identifier: MPL-2.0

//go:build linux

package guest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Elements source these files from scripts that run with -eu -o pipefail, alone
// or together, and must not be ended, noisy or changed by it.
func TestLibraryCanBeSourced(t *testing.T) {
	dir := library(t)
	for _, script := range []string{
		"source $_LIB/die", "source $_LIB/common-defaults", "source $_LIB/img-defaults",
		"source $_LIB/common-functions", "source $_LIB/img-functions",
		"source $_LIB/img-functions; source $_LIB/common-functions; source $_LIB/die; source $_LIB/img-defaults; source $_LIB/common-defaults",
		"source $_LIB/common-functions; source $_LIB/common-functions",
	} {
		out, status := inBash(t, dir, "cd $HOME; shopt -so > before\n"+script+"\nshopt -so > after; cmp before after; echo still here", "HOME="+t.TempDir())
		if status != 0 || out != "still here\n" {
			t.Errorf("%s: %d %q", script, status, out)
		}
	}
}

// unmount_dir and mount_proc_dev_sys do what they say to real mounts, in a mount
// namespace that ends with the test.
func TestUnmountDirUnmounts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir, tree := library(t), t.TempDir()
	for _, name := range []string{"proc", "dev", "sys", "boot/efi", "with blank"} {
		if err := os.MkdirAll(filepath.Join(tree, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script := `set -eu -o pipefail
sudo() { "$@"; }
count() { grep -c " $TMP_MOUNT_PATH/" /proc/self/mountinfo || true; }
source "$_LIB/common-functions"
mount_proc_dev_sys
[ -d "$TMP_MOUNT_PATH/proc/self" ] && [ -c "$TMP_MOUNT_PATH/dev/null" ] && [ -c "$TMP_MOUNT_PATH/dev/pts/ptmx" ] && [ -d "$TMP_MOUNT_PATH/sys/kernel" ]
grep -q " $TMP_MOUNT_PATH/sys ro," /proc/self/mountinfo
for dir in boot/efi "with blank"; do mount -t tmpfs tmpfs "$TMP_MOUNT_PATH/$dir"; done
mkdir "$TMP_MOUNT_PATH/with blank/deep"
mount -t tmpfs tmpfs "$TMP_MOUNT_PATH/with blank/deep"
echo "mounts: $(count)"
unmount_dir "$TMP_MOUNT_PATH" > /dev/null
echo "left: $(count)"
DIB_MOUNTPOINTS= unmount_dir "$TMP_MOUNT_PATH" > /dev/null
echo "left: $(count)"
mount -t tmpfs tmpfs "$TMP_MOUNT_PATH/dev"
cd "$TMP_MOUNT_PATH/dev"
unmount_dir "$TMP_MOUNT_PATH" | grep -c "is busy"
echo "left: $(count)"
`
	out, errs, status := runProgram(t, []string{"_LIB=" + dir, "TMP_MOUNT_PATH=" + tree, "DIB_MOUNTPOINTS=/|/boot/efi"},
		"unshare", "--mount", "--propagation", "private", "bash", "-c", script)
	if want := "mounts: 7\nleft: 1\nleft: 0\n1\nleft: 0\n"; status != 0 || out != want {
		t.Errorf("%d %q %s", status, out, strings.TrimSpace(errs))
	}
}
