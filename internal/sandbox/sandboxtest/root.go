// SPDX-License-Identifier: MPL-2.0

// Package sandboxtest makes small root file systems for tests.
package sandboxtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// applets are the programs that a Root has in /bin.
const applets = "sh cat echo sleep env kill setsid id mount umount ls dd head wc tr seq true stat chmod rm ln mv mkdir " +
	"pwd touch grep uname test printf"

// Root makes a root file system around a static busybox in a directory of the
// test. Its /proc, /dev and /sys are empty. The test is skipped without root or
// without busybox.
func Root(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	text, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Skip("needs a static /bin/busybox (package busybox-static):", err)
	}
	root := filepath.Join(t.TempDir(), "tree")
	for _, dir := range []string{"bin", "etc", "tmp", "proc", "dev", "sys", "run/lock", "usr"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "bin/busybox"), text, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, applet := range strings.Fields(applets) {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
