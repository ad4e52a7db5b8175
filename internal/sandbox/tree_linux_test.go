// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox/sandboxtest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/workdir"
)

// newTree is a tree with a busybox in it. At the end nothing may be mounted in it
// or run in it any more.
func newTree(t *testing.T) *Tree {
	t.Helper()
	root := sandboxtest.Root(t)
	tree := NewTree(root, command.Host{})
	t.Cleanup(func() {
		if err := tree.Unmount(context.Background()); err != nil {
			t.Error("at the end:", err)
		}
		if mounts, err := workdir.MountsBelow(root); err != nil || len(mounts) > 0 {
			t.Errorf("left mounted: %v %v", mounts, err)
		}
	})
	return tree
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sh runs a script that must succeed and returns its output.
func sh(t *testing.T, tree *Tree, script string) string {
	t.Helper()
	var out, errs bytes.Buffer
	status, err := tree.Guest(nil).Run(t.Context(), script, nil, &out, &errs)
	if err != nil || status != 0 {
		t.Errorf("%s: status %d, %v\n%s%s", script, status, err, out.String(), errs.String())
	}
	return strings.TrimSpace(out.String())
}

func mounted(t *testing.T, tree *Tree) (points []string) {
	t.Helper()
	mounts, err := workdir.MountsBelow(tree.Root())
	must(t, err)
	for _, m := range mounts {
		points = append(points, strings.TrimPrefix(m.Point, tree.Root()))
	}
	return points
}

func TestMountKernel(t *testing.T) {
	tree := newTree(t)
	must(t, os.Remove(filepath.Join(tree.Root(), "sys"))) // a missing one is made
	must(t, tree.MountKernel(t.Context()))
	want := []string{"/proc", "/dev", "/dev/pts", "/sys", "/sys/firmware"}
	if got := mounted(t, tree); !slices.Equal(got, want) {
		t.Errorf("mounted: %q", got)
	}
	checks := map[string]string{
		"ls /dev | tr '\\n' ' '": "fd full null ptmx pts random stderr stdin stdout tty urandom zero",
		"ls /sys/firmware":       "",
		"while read -r a b c d p o x; do case $p in */sys) echo ${o%%,*};; esac; done < /proc/self/mountinfo": "ro",
		"echo x > /dev/null; head -c 3 /dev/zero | wc -c":                                                     "3",
		"stat -c '%a %t %T' /dev/null /dev/tty | tr '\\n' ' '":                                                "666 1 3 666 5 0",
		"stat -c %a /dev":                       "755",
		"cat /proc/1/comm >/dev/null && echo y": "y",
		"echo to-fd > /dev/stdout":              "to-fd",
	}
	for script, want := range checks {
		if got := sh(t, tree, script); got != want {
			t.Errorf("%s: %q, not %q", script, got, want)
		}
	}
	if _, err := os.ReadFile("/sys/kernel/uevent_seqnum"); err != nil {
		t.Error("the host's /sys:", err)
	}
	var st unix.Statfs_t
	must(t, unix.Statfs("/sys", &st))
	if st.Flags&unix.ST_RDONLY != 0 {
		t.Error("the host's /sys became read-only")
	}
	must(t, tree.Unmount(t.Context()))
	if got := mounted(t, tree); len(got) > 0 {
		t.Errorf("still mounted: %q", got)
	}
	if left, _ := filepath.Glob(tree.Root() + "/dev/*"); len(left) > 0 {
		t.Errorf("left in the tree's own /dev: %q", left)
	}
}

func TestMountKernelStaysInTheTree(t *testing.T) {
	tree := newTree(t)
	outside := t.TempDir()
	for name, link := range map[string]string{"dev": outside, "proc": "../../../../.." + outside, "sys": "/etc"} {
		must(t, os.Remove(filepath.Join(tree.Root(), name)))
		must(t, os.Symlink(link, filepath.Join(tree.Root(), name)))
	}
	must(t, tree.MountKernel(t.Context()))
	below, err := workdir.MountsBelow(outside)
	if err != nil || len(below) > 0 {
		t.Errorf("mounted outside: %v %v", below, err)
	}
	for _, point := range mounted(t, tree) {
		if !strings.HasPrefix(point, outside) && !strings.HasPrefix(point, "/etc") {
			t.Errorf("mounted on %s", point)
		}
	}
	if _, err := os.Stat("/etc/passwd"); err != nil {
		t.Error("the host's /etc is hidden:", err)
	}
}

func TestMountKernelUndoesItselfOnFailure(t *testing.T) {
	tree := newTree(t)
	must(t, os.Remove(filepath.Join(tree.Root(), "sys")))
	must(t, os.WriteFile(filepath.Join(tree.Root(), "sys"), nil, 0o644))
	if err := tree.MountKernel(t.Context()); err == nil || !strings.Contains(err.Error(), "/sys") {
		t.Errorf("got %v", err)
	}
	if got := mounted(t, tree); len(got) > 0 {
		t.Errorf("still mounted: %q", got)
	}
}

func TestMountVolatile(t *testing.T) {
	tree := newTree(t)
	must(t, os.WriteFile(filepath.Join(tree.Root(), "run/file"), []byte("kept"), 0o644))
	must(t, os.Chmod(filepath.Join(tree.Root(), "run/lock"), 0o777|os.ModeSticky))
	must(t, os.Symlink("lock", filepath.Join(tree.Root(), "run/link")))
	must(t, tree.MountKernel(t.Context()))
	must(t, tree.MountVolatile(t.Context()))
	got := sh(t, tree, "stat -c %a /run /dev/shm /run/lock | tr '\\n' ' '; echo x > /run/new; echo x > /dev/shm/new; touch /run/link/l; (sleep 500 > /run/held &)")
	if got != "755 1777 1777" {
		t.Errorf("modes %s", got)
	}
	must(t, tree.UnmountVolatile(t.Context()))
	must(t, tree.UnmountVolatile(t.Context()))
	if got := sh(t, tree, "cat /run/file; ls /run/lock; ls /run | tr '\\n' ' '"); got != "keptfile link lock" {
		t.Errorf("/run is not as it was: %q", got)
	}
	if _, err := os.Stat(filepath.Join(tree.Root(), "dev/shm")); err == nil {
		t.Error("/dev/shm stays")
	}
}

func TestAddDevice(t *testing.T) {
	tree := newTree(t)
	if err := tree.AddDevice("/dev/null"); err == nil {
		t.Error("a node was made in the image")
	}
	must(t, tree.MountKernel(t.Context()))
	for _, name := range []string{"/dev/kmsg", "/dev/kmsg", "/dev/net/tun", "/dev/loop-control"} {
		if _, err := os.Stat(name); err != nil {
			continue
		}
		if err := tree.AddDevice(name); err != nil {
			t.Error(err)
		}
		var there, here unix.Stat_t
		must(t, unix.Stat(name, &here))
		if err := unix.Stat(filepath.Join(tree.Root(), name), &there); err != nil || there.Rdev != here.Rdev || there.Mode&unix.S_IFMT != here.Mode&unix.S_IFMT {
			t.Errorf("%s: %+v %v", name, there, err)
		}
	}
	for _, name := range []string{"/etc/passwd", "/dev/../etc/passwd", "/dev/pts", "/dev/no-such"} {
		if err := tree.AddDevice(name); err == nil {
			t.Errorf("%s was added", name)
		}
	}
}

func TestBind(t *testing.T) {
	tree := newTree(t)
	source := t.TempDir()
	must(t, os.WriteFile(filepath.Join(source, "file"), []byte("here"), 0o644))
	outside := t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(tree.Root(), "leads-out")))
	must(t, os.Symlink("missing", filepath.Join(tree.Root(), "etc/dangling")))
	targets := map[string]string{ // source to target
		source:                        "/tmp/in_target.d/hooks",
		source + "/":                  "/leads-out/x",
		filepath.Join(source, "file"): "/usr/local/helper",
		source + "//file":             "/etc/dangling",
	}
	for from, to := range targets {
		must(t, tree.Bind(t.Context(), from, to, true))
	}
	if got := sh(t, tree, "cat /tmp/in_target.d/hooks/file /leads-out/x/file /usr/local/helper /etc/missing"); got != "herehereherehere" {
		t.Errorf("got %q", got)
	}
	if got := sh(t, tree, "touch /tmp/in_target.d/hooks/x 2>/dev/null || echo ro; echo x 2>/dev/null >/usr/local/helper || echo ro"); got != "ro\nro" {
		t.Errorf("written to: %q", got)
	}
	must(t, tree.Unbind(t.Context(), "/tmp/in_target.d/hooks"))
	for _, gone := range []string{"tmp/in_target.d"} {
		if _, err := os.Lstat(filepath.Join(tree.Root(), gone)); err == nil {
			t.Errorf("%s stays after Unbind", gone)
		}
	}
	must(t, tree.Bind(t.Context(), source, "/tmp/rw", false))
	sh(t, tree, "echo x > /tmp/rw/new")
	must(t, tree.Unmount(t.Context()))
	for _, gone := range []string{"usr/local", "etc/missing", "tmp/rw", strings.TrimPrefix(outside, "/")} {
		if _, err := os.Lstat(filepath.Join(tree.Root(), gone)); err == nil {
			t.Errorf("%s stays after Unmount", gone)
		}
	}
	if _, err := os.Lstat(filepath.Join(source, "new")); err != nil {
		t.Error("a writable bind is not")
	}
	if left, _ := filepath.Glob(outside + "/*"); len(left) > 0 {
		t.Errorf("made outside: %q", left)
	}
	if err := tree.Bind(t.Context(), "/no/such", "/tmp/x", false); err == nil {
		t.Error("bound what is not there")
	}
}

func TestUnmountTakesAllButWhatIsKept(t *testing.T) {
	tree := newTree(t)
	must(t, os.MkdirAll(filepath.Join(tree.Root(), "boot"), 0o755))
	must(t, unix.Mount("tmpfs", filepath.Join(tree.Root(), "boot"), "tmpfs", 0, ""))
	must(t, tree.MountKernel(t.Context()))
	// As hooks do: a cache, a second /proc on the first, one inside another,
	// one that hides another.
	sh(t, tree, "mkdir -p '/tmp/a b/c' && mount -t tmpfs none /tmp && mkdir -p '/tmp/a b' && mount -t tmpfs none '/tmp/a b' && mount -t proc none /proc && mount -t tmpfs none /tmp")
	tree.Keep("/boot")
	must(t, tree.Unmount(t.Context()))
	if got := mounted(t, tree); !slices.Equal(got, []string{"/boot"}) {
		t.Errorf("mounted: %q", got)
	}
	must(t, unix.Unmount(filepath.Join(tree.Root(), "boot"), 0))
}

func TestUnmountIncludesARootThatIsNotKept(t *testing.T) {
	tree := newTree(t)
	over := NewTree(tree.Root(), command.Host{})
	must(t, unix.Mount("tmpfs", over.Root(), "tmpfs", 0, ""))
	must(t, over.Bind(t.Context(), t.TempDir(), "/x/y", false))
	must(t, over.Unmount(t.Context()))
	if got := mounted(t, over); len(got) > 0 {
		t.Errorf("mounted: %q", got)
	}
}

func TestUnmountKillsWhatRunsThere(t *testing.T) {
	tree := newTree(t)
	must(t, tree.MountKernel(t.Context()))
	must(t, tree.MountVolatile(t.Context()))
	sh(t, tree, "(setsid sh -c 'cd /run; while :; do sleep 1; done' >/dev/null 2>&1 &); (sleep 600 </dev/null >/run/out 2>&1 &)")
	outside := exec.Command("sleep", "600")
	outside.Dir = filepath.Join(tree.Root(), "run")
	must(t, outside.Start())
	done := make(chan error, 1)
	go func() { done <- outside.Wait() }()
	bystander := exec.Command("sleep", "600")
	must(t, bystander.Start())
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	must(t, tree.Unmount(t.Context()))
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("a process with its working directory in the tree lives")
	}
	if lookUp(bystander.Process.Pid).start == "" {
		t.Error("a process outside was killed")
	}
}

func TestUnmountNamesWhatStaysBusy(t *testing.T) {
	tree := newTree(t)
	must(t, tree.MountKernel(t.Context()))
	held, err := os.Open(filepath.Join(tree.Root(), "dev/null")) // ourselves are spared
	must(t, err)
	err = tree.Unmount(t.Context())
	must(t, held.Close())
	if !errors.Is(err, unix.EBUSY) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{filepath.Join(tree.Root(), "dev"), "an open file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}
