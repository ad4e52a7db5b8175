// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

const (
	mib = 1 << 20
	// patience is for what should happen soon, on a machine that is busy.
	patience = 5 * time.Minute
)

// TestMain runs the tests in a mount namespace of their own, so that no mount
// can stay behind.
func TestMain(m *testing.M) {
	const marker = "DISK_TEST_NAMESPACE"
	if os.Geteuid() == 0 && os.Getenv(marker) == "" {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), marker+"=1"))
		}
		fmt.Fprintln(os.Stderr, "no mount namespace for the tests:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loop devices and mounts need root")
	}
}

// newSpec is a Spec with an empty tree; leftovers looks at its outcome.
func newSpec(t *testing.T, doc string, bytes int64) Spec {
	t.Helper()
	needRoot(t)
	l, err := layout.Parse([]byte(doc), layout.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	placed, err := l.Place(bytes)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	spec := Spec{
		Path: filepath.Join(dir, "disk.raw"), Placed: placed, Tree: filepath.Join(dir, "tree"),
		MountPoint: filepath.Join(dir, "mnt"), Seed: []byte(t.Name()), Runner: command.Host{}, patience: patience,
	}
	for _, d := range []string{spec.Tree, spec.MountPoint} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { leftovers(t, dir) })
	return spec
}

// eventually waits for what others bring about: the kernel, or programs that
// were started elsewhere and hold our open files until they are on their own.
func eventually(t *testing.T, done func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for err := done(); err != nil; err = done() {
		if time.Now().After(deadline) {
			t.Errorf("for %v: %v", patience, err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// leftovers fails the test if a mount or loop device of the directory stays.
func leftovers(t *testing.T, dir string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), dir+"/") {
		t.Errorf("mounts left below %s (%v)", dir, err)
	}
	eventually(t, func() error {
		backing, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
		for _, f := range backing {
			if text, _ := os.ReadFile(f); strings.HasPrefix(string(text), dir+"/") {
				return fmt.Errorf("left attached: %s on %s", text, f)
			}
		}
		return nil
	})
}

// create makes a disk and closes it at the end of the test if the test did not.
func create(t *testing.T, spec Spec) *Disk {
	t.Helper()
	d, err := Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return d
}

func cleanClose(t *testing.T, d *Disk) {
	t.Helper()
	if err := d.CleanClose(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range d.Devices() {
		if whole := wholeDevice.FindString(filepath.Base(path)); whole != filepath.Base(path) {
			partitionGone(t, whole, filepath.Base(path))
		}
	}
}

var wholeDevice = regexp.MustCompile(`^loop\d+`)

// partitionGone fails the test if a partition outlives its loop device. Another
// test, or another program, may have been given a device of the same number by
// now: then it has a backing file.
func partitionGone(t *testing.T, whole, name string) {
	t.Helper()
	eventually(t, func() error {
		_, err := os.Stat("/sys/class/block/" + name)
		_, attached := os.Stat("/sys/class/block/" + whole + "/loop/backing_file")
		if err != nil || attached == nil {
			return nil
		}
		// It may have been that other user's, who was just about to let it go.
		return fmt.Errorf("/dev/%s is still there", name)
	})
}

// extract copies a partition out of the raw file, for programs that know no offset.
func extract(t *testing.T, d *Disk, name string) string {
	t.Helper()
	e := d.spec.Placed.Extent(name)
	out := filepath.Join(filepath.Dir(d.spec.Path), name+".part")
	foreign.Part(t, d.spec.Path, out, e.Start, e.Bytes)
	return out
}

// remounted mounts a partition read-only, by code other than Create's, and
// passes the mount point.
func remounted(t *testing.T, d *Disk, name, fsType string, look func(dir string)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "again")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	part, options := extract(t, d, name), "ro,loop"
	if fsType == "xfs" {
		options += ",nouuid" // as often as this test runs on this host now
	}
	foreign.Judge(t, "mount", "-t", fsType, "-o", options, part, dir)
	look(dir)
	// A program that another test starts has the files of this one open until
	// it is executed.
	eventually(t, func() error { return unix.Unmount(dir, unix.UMOUNT_NOFOLLOW) })
}

// oddTree fills a directory with everything a file system can hold.
func oddTree(t *testing.T, dir string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	file := func(name, text string, mode os.FileMode) {
		must(os.MkdirAll(filepath.Dir(in(name)), 0o755))
		must(os.WriteFile(in(name), []byte(text), 0o600))
		must(os.Chmod(in(name), mode))
	}
	for i := range 200 {
		file(fmt.Sprintf("usr/share/doc/p%02d/f%03d", i%20, i), strings.Repeat("text ", i*7), 0o644)
	}
	file("usr/bin/su", "#!", 0o755)
	must(os.Lchown(in("usr/bin/su"), 3, 4))
	must(unix.Chmod(in("usr/bin/su"), 0o6755))
	must(unix.Lsetxattr(in("usr/bin/su"), "trusted.test", []byte("t\x00x"), 0))
	file("usr/bin/ping", "ping", 0o755)
	capability := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	must(unix.Lsetxattr(in("usr/bin/ping"), "security.capability", capability, 0))
	must(unix.Lsetxattr(in("usr/bin/ping"), "user.note", []byte("kept"), 0))
	acl := []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 4, 0, 9, 0, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255,
		16, 0, 5, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255}
	file("srv/acl", "acl", 0o750)
	must(unix.Lsetxattr(in("srv/acl"), "system.posix_acl_access", acl, 0))
	file("srv/a b\n\"ü'", "strange name", 0o640)
	file("srv/"+strings.Repeat("n", 255), "long name", 0o400)
	must(os.Link(in("usr/bin/ping"), in("srv/ping-again")))
	must(os.Symlink("../usr/bin/ping", in("srv/link")))
	must(os.Symlink(strings.Repeat("/long", 30), in("srv/long-link")))
	must(os.Lchown(in("srv/link"), 7, 8))
	must(unix.Mknod(in("srv/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	must(unix.Mknod(in("srv/block"), unix.S_IFBLK|0o660, int(unix.Mkdev(259, 70000))))
	must(unix.Mkfifo(in("srv/fifo"), 0o622))
	must(unix.Mknod(in("srv/socket"), unix.S_IFSOCK|0o755, 0))
	must(os.Mkdir(in("tmp"), 0o755))
	must(unix.Chmod(in("tmp"), 0o1777))
	must(os.MkdirAll(in("boot/efi/EFI"), 0o755))
	must(os.WriteFile(in(".autorelabel"), nil, 0o644))
	sparse, err := os.Create(in("srv/sparse"))
	must(err)
	_, err = sparse.WriteAt([]byte("middle"), 20*mib)
	must(err)
	must(sparse.Truncate(40 * mib))
	must(sparse.Close())
	stamp(t, dir)
}

// stamp gives every entry a time of its own, with fractions, and the root an
// owner and mode of its own.
func stamp(t *testing.T, dir string) {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range slices.Backward(paths) {
		at := unix.NsecToTimespec(1600000000e9 + int64(i)*1_000_000_007)
		if i == 5 {
			at.Sec = 2600000000 // after 2038
		}
		if err := setTimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o751); err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(dir, 11, 12); err != nil {
		t.Fatal(err)
	}
}

// digest describes every entry of a tree in full. Contents below skip are left out.
func digest(t *testing.T, dir string, skip ...string) []string {
	t.Helper()
	var lines []string
	first := map[uint64]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if rel == "lost+found" {
			return fs.SkipDir
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		line := fmt.Sprintf("%q mode=%o owner=%d:%d rdev=%d time=%d.%09d", rel, st.Mode, st.Uid, st.Gid, st.Rdev, st.Mtim.Sec, st.Mtim.Nsec)
		switch {
		case e.Type().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" size=%d links=%d sha=%x sparse=%v", st.Size, st.Nlink, sha256.Sum256(data), st.Blocks*512 < st.Size)
		case e.Type()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			line += " -> " + target
		}
		if st.Nlink > 1 && !e.IsDir() {
			if first[st.Ino] == "" {
				first[st.Ino] = rel
			}
			line += " same=" + first[st.Ino]
		}
		names, err := listXattrs(path)
		if err != nil {
			return err
		}
		slices.Sort(names)
		for _, name := range names {
			value, err := getXattr(path, name)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %s=%x", name, value)
		}
		lines = append(lines, line)
		if slices.Contains(skip, rel) {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// stopping is a Runner that cancels the build when a program starts.
type stopping struct {
	program string
	cancel  context.CancelFunc
	seen    bytes.Buffer
}

func (s *stopping) Run(ctx context.Context, c command.Command) error {
	fmt.Fprintln(&s.seen, c.Path)
	if c.Path == s.program {
		s.cancel()
	}
	return command.Host{}.Run(ctx, c)
}

func timeOf(t *testing.T, path string) unix.Timespec {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Mtim
}
