// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// library writes a library and returns its directory.
func library(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "lib")
	for range 2 { // a second time is no error
		if err := WriteLibrary(dir, "/opt/plugin"); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWriteLibrary(t *testing.T) {
	dir := library(t)
	for _, name := range HostCommands() {
		if target, err := os.Readlink(filepath.Join(dir, name)); err != nil || target != "/opt/plugin" {
			t.Errorf("%s: %q %v", name, target, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, sudoName)); err == nil {
		t.Error("the library holds a sudo")
	}
	if err := LinkSudo(dir, "/opt/plugin"); err != nil {
		t.Error(err)
	}
	if target, err := os.Readlink(filepath.Join(dir, sudoName)); err != nil || target != "/opt/plugin" {
		t.Errorf("%q %v", target, err)
	}
}

// inBash runs a script that finds the library in $_LIB, as strictly as hooks do.
func inBash(t *testing.T, dir, script string, env ...string) (string, int) {
	t.Helper()
	out, errs, status := runProgram(t, append(env, "_LIB="+dir), "bash", "-c", "set -eu -o pipefail\n"+script)
	return out + errs, status
}

func TestDie(t *testing.T) {
	dir := library(t)
	cases := []struct {
		script, out string
		status      int
	}{
		{`source $_LIB/die; (exit 4) || die "it  broke" now`, "it  broke now\n", 4},
		{`source $_LIB/die; if true; then die x; fi`, "x\n", 1},
		{`source $_LIB/die; bash -c "false || die exported"`, "exported\n", 1},
	}
	for _, tc := range cases {
		if out, status := inBash(t, dir, tc.script); out != tc.out || status != tc.status {
			t.Errorf("%s: %d %q", tc.script, status, out)
		}
	}
}

func TestDefaults(t *testing.T) {
	dir := library(t)
	out, status := inBash(t, dir, `source $_LIB/img-defaults; bash -c 'echo $ARCH,$FS_TYPE,$IMAGE_NAME,$IMAGE_TYPE,$DIB_MIN_TMPFS,$DIB_NO_TMPFS,$DIB_OFFLINE,$DIB_CHECKSUM,$PATH'`,
		"ARCH=riscv", "FS_TYPE=xfs", "PATH=/usr/bin:/bin:/usr/sbin")
	if want := "riscv,xfs,image,qcow2,2,0,,0,/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/sbin\n"; status != 0 || out != want {
		t.Errorf("%d %q", status, out)
	}
	if out, status := inBash(t, dir, `source $_LIB/common-defaults; echo $ARCH`); status != 0 || strings.TrimSpace(out) == "" {
		t.Errorf("%d %q", status, out)
	}
}

func TestCommonFunctions(t *testing.T) {
	dir := library(t)
	out, status := inBash(t, dir, `source $_LIB/common-functions; mount_dev_pts_options`)
	if status != 0 || !strings.HasPrefix(out, "-o ") || !strings.Contains(out, "mode=") {
		t.Errorf("%d %q", status, out)
	}
	fake := "sudo() { echo \"$*\"; }\n"
	out, status = inBash(t, dir, `source $_LIB/common-functions; TMP_MOUNT_PATH=/m; mount_dev_pts_options() { echo "-o gid=5"; }; `+fake+`mount_proc_dev_sys`)
	want := "mount -t proc proc /m/proc\nmount --bind /dev /m/dev\nmount -t devpts -o gid=5 devpts /m/dev/pts\nmount -t sysfs -o ro sysfs /m/sys\n"
	if status != 0 || out != want {
		t.Errorf("%d %q", status, out)
	}
	mounts := `_dib_mounts_below() { printf '%s\n' "$1/proc" "$1/dev" "$1/dev/pts" "$1/boot/efi" "$1/a b"; }` + "\n"
	base := t.TempDir()
	out, status = inBash(t, dir, `source $_LIB/common-functions; `+mounts+fake+`unmount_dir `+base, "DIB_MOUNTPOINTS=/|/boot/efi")
	want = "umount B/proc\numount B/dev/pts\numount B/dev\nunmount_dir: leaving B/boot/efi to the build\numount B/a b\n"
	if status != 0 || strings.ReplaceAll(out, base, "B") != want {
		t.Errorf("%d %q", status, out)
	}
	if out, status = inBash(t, dir, `source $_LIB/common-functions; unmount_dir /no/such/dir`); status != 0 || !strings.Contains(out, "not a directory") {
		t.Errorf("%d %q", status, out)
	}
	if out, status = inBash(t, dir, `source $_LIB/common-functions; _dib_mounts_below ""`); status != 0 || !strings.Contains(out, "/proc\n") {
		t.Errorf("%d %q", status, out)
	}
}

func TestSelectBootKernelInitrd(t *testing.T) {
	dir := library(t)
	cases := []struct {
		name, env, want string
		status          int
		files           []string
	}{
		{"debian", "", "vmlinuz-6.1.0-10-amd64 initrd.img-6.1.0-10-amd64 6.1.0-10-amd64", 0,
			[]string{"etc/debian_version", "boot/vmlinuz-6.1.0-9-amd64", "boot/initrd.img-6.1.0-9-amd64", "boot/vmlinuz-6.1.0-10-amd64", "boot/initrd.img-6.1.0-10-amd64"}},
		{"ubuntu prefers generic", "", "vmlinuz-5-generic initrd.img-5-generic 5-generic", 0,
			[]string{"etc/debian_version", "boot/vmlinuz-6-virtual", "boot/initrd.img-6-virtual", "boot/vmlinuz-5-generic", "boot/initrd.img-5-generic"}},
		{"fedora", "", "vmlinuz-6.2 initramfs-6.2.img 6.2", 0,
			[]string{"etc/redhat-release", "boot/vmlinuz-6.2", "boot/vmlinuz-6.3-debug", "boot/vmlinuz-0-rescue", "boot/initramfs-6.2.img"}},
		{"gentoo", "", "vmlinuz-6 initramfs-6.img 6", 0, []string{"etc/gentoo-release", "boot/vmlinuz-6", "boot/initramfs-6.img"}},
		{"opensuse", "DISTRO_NAME=opensuse", "vmlinuz initrd ", 0, []string{"boot/vmlinuz", "boot/initrd"}},
		{"patterns", "DIB_BAREMETAL_KERNEL_PATTERN=k-* DIB_BAREMETAL_INITRD_PATTERN=i-*", "k-2 i-2 2", 0, []string{"boot/k-1", "boot/k-2", "boot/i-2", "boot/i-1"}},
		{"unknown", "", "Unable to detect operating system", 1, []string{"boot/vmlinuz-6"}},
		{"no kernel", "", "No suitable kernel found", 1, []string{"etc/debian_version", "boot/initrd.img-6"}},
		{"no ramdisk", "", "Can't find an initial ramdisk for the kernel vmlinuz-6", 1, []string{"etc/redhat-release", "boot/vmlinuz-6"}},
	}
	for _, tc := range cases {
		root := t.TempDir()
		for _, name := range tc.files {
			files(t, root, map[string]string{name: ""})
		}
		out, status := inBash(t, dir, `source $_LIB/img-functions; select_boot_kernel_initrd `+root+`; [ "$BOOTDIR" = `+root+`/boot ]; echo "$KERNEL $RAMDISK $KERNEL_VERSION"`,
			strings.Fields(tc.env)...)
		if status != tc.status || !strings.Contains(out, tc.want) {
			t.Errorf("%s: %d %q", tc.name, status, out)
		}
	}
}

func TestShellcheck(t *testing.T) {
	if _, err := os.Stat("/usr/bin/shellcheck"); err != nil {
		t.Skip("no shellcheck here")
	}
	scripts, err := filepath.Glob("lib/*")
	if err != nil {
		t.Fatal(err)
	}
	if out, errs, status := runProgram(t, nil, "shellcheck", append(scripts, "runparts.bash")...); status != 0 {
		t.Error(out, errs)
	}
}
