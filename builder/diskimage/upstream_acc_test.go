// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// upstreamPackage is where Debian's package python3-diskimage-builder has
// diskimage-builder: its elements are compared with, never copied.
const upstreamPackage = "/usr/lib/python3/dist-packages/diskimage_builder"

var upstreamElements = filepath.Join(upstreamPackage, "elements")

// needDiskimageBuilder skips a test that compares with diskimage-builder itself.
func needDiskimageBuilder(t *testing.T) {
	t.Helper()
	needPacker(t)
	for _, program := range []string{"disk-image-create", "sudo", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("Debian's packages python3-diskimage-builder, sudo and util-linux are needed: %v", err)
		}
	}
	if _, err := os.Stat(upstreamElements); err != nil {
		t.Skipf("Debian's package python3-diskimage-builder is needed: %v", err)
	}
}

// diskImageCreate is a run of diskimage-builder. It has mounts and process
// numbers of its own, so that nothing of it outlives the test.
func (w workspace) diskImageCreate(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command("unshare", append([]string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		"disk-image-create"}, args...)...)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), env...)
	return cmd
}
