// SPDX-License-Identifier: MPL-2.0

package workdir

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func create(t *testing.T, parent string) *Dir {
	t.Helper()
	d, err := Create(parent, "work-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o400); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestCreateAndRemove(t *testing.T) {
	d := create(t, t.TempDir())
	info, err := os.Stat(d.Path())
	if err != nil || info.Mode().Perm() != 0o700 || !strings.HasPrefix(info.Name(), "work-") {
		t.Fatalf("%v %v", info, err)
	}
	outside := t.TempDir()
	write(t, filepath.Join(outside, "file"))
	write(t, filepath.Join(d.Path(), "a/b/c"))
	if err := os.Symlink(outside, filepath.Join(d.Path(), "a/link")); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(); err != nil || exists(d.Path()) {
		t.Fatalf("still there: %v", err)
	}
	if !exists(filepath.Join(outside, "file")) {
		t.Error("a symbolic link was followed")
	}
	if err := d.Remove(); err != nil {
		t.Errorf("second Remove: %v", err)
	}
}

func TestCreateRefusesPaths(t *testing.T) {
	for _, prefix := range []string{"", "a/b", "../x"} {
		if d, err := Create(t.TempDir(), prefix); err == nil {
			t.Errorf("%q made %s", prefix, d.Path())
		}
	}
}

func TestSweepRemovesOnlyWhatIsAbandoned(t *testing.T) {
	parent := t.TempDir()
	held, kept, dead := create(t, parent), create(t, parent), create(t, parent)
	if err := kept.Keep("asked for with -on-error=abort"); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Dir{kept, dead} {
		if err := d.release(); err != nil { // as the kernel does at a process's end
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dead.Path(), "tree/etc/hostname"))
	write(t, filepath.Join(parent, "work-12345678/foreign")) // no lock: not ours
	write(t, filepath.Join(parent, "work-abcdefgh/lock"))    // a lock of somebody else
	write(t, filepath.Join(parent, "work-abcdefgh/data"))
	write(t, filepath.Join(parent, "work-short/lock"))
	removed, err := Sweep(parent, "work-")
	if err != nil || !slices.Equal(removed, []string{dead.Path()}) {
		t.Fatalf("removed %q, %v", removed, err)
	}
	for _, path := range []string{
		held.Path(), kept.Path(), filepath.Join(parent, "work-12345678/foreign"),
		filepath.Join(parent, "work-abcdefgh/data"), filepath.Join(parent, "work-short/lock"),
	} {
		if !exists(path) {
			t.Errorf("%s was swept", path)
		}
	}
	if reason, ok := Kept(kept.Path()); !ok || reason != "asked for with -on-error=abort" {
		t.Errorf("kept: %q %v", reason, ok)
	}
}

func TestSweepFinishesACutShortRemoval(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "work-abcdefgh")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if removed, err := Sweep(parent, "work-"); err != nil || exists(dir) {
		t.Errorf("an empty one stays: %q %v", removed, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if removed, err := Sweep(parent, "work-"); err != nil || len(removed) != 1 {
		t.Errorf("one with only an unwritten lock stays: %q %v", removed, err)
	}
}

func TestSweepWithoutParent(t *testing.T) {
	if removed, err := Sweep(filepath.Join(t.TempDir(), "none"), "work-"); err != nil || removed != nil {
		t.Errorf("%q %v", removed, err)
	}
}

func TestSweepFollowsNoLinks(t *testing.T) {
	parent, other := t.TempDir(), t.TempDir()
	d := create(t, other)
	if err := d.release(); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(d.Path(), filepath.Join(parent, "work-abcdefgh")); err != nil {
		t.Fatal(err)
	}
	if removed, err := Sweep(parent, "work-"); err != nil || len(removed) > 0 || !exists(d.Path()) {
		t.Errorf("%q %v", removed, err)
	}
}

func TestCreateAndSweepAtTheSameTime(t *testing.T) {
	parent := t.TempDir()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				if removed, err := Sweep(parent, "work-"); err != nil {
					t.Errorf("swept %q: %v", removed, err)
				}
			}
		}
	}()
	for range 300 {
		d, err := Create(parent, "work-")
		if err != nil {
			t.Fatal(err)
		}
		if !exists(filepath.Join(d.Path(), "lock")) {
			t.Fatal("swept while held")
		}
		if err := d.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-done
}

func TestCloseKeepsWhatIsKept(t *testing.T) {
	d, gone := create(t, t.TempDir()), create(t, t.TempDir())
	if err := d.Keep("why"); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Dir{d, gone} {
		if err := d.Close(); err != nil || d.LockFile() != nil {
			t.Error("Close", err)
		}
	}
	if !exists(d.Path()) || exists(gone.Path()) {
		t.Error("Close removed the wrong one")
	}
}

func TestParseMountinfo(t *testing.T) {
	mounts, err := parseMountinfo(`27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
32 27 0:28 /sub /a\040b/c\134d rw,relatime shared:5 master:1 - tmpfs none\011 rw,mode=755
`)
	want := []Mount{
		{27, 1, "254:0", "/", "/", "ext4", "/dev/vda"},
		{32, 27, "0:28", "/sub", `/a b/c\d`, "tmpfs", "none\t"},
	}
	if err != nil || !slices.Equal(mounts, want) {
		t.Errorf("%+v %v", mounts, err)
	}
	for _, bad := range []string{"garbage", "x y 0:1 / / rw - a b c", "1 2 0:1 / / rw"} {
		if _, err := parseMountinfo(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	m := Mount{Point: "/a/bc"}
	if m.Below("/a/b") || !m.Below("/a") || !m.Below("/a/bc") || !m.Below("/") {
		t.Error("Below")
	}
}
