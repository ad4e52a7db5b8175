// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// write makes a file below dir with what it needs.
func write(t *testing.T, dir, name, content string, mode fs.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, []byte(content), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

// installed makes a tree and puts the scripts of first-boot.d into it. Files with
// a number in front are executable.
func installed(t *testing.T, scripts map[string]string) (b *Build, err error) {
	t.Helper()
	b = buildWith(t, &recorder{}, "")
	for name, content := range scripts {
		mode := fs.FileMode(0o640)
		if name[0] >= '0' && name[0] <= '9' {
			mode = 0o775
		}
		write(t, b.dirs.hooks, "first-boot.d/"+name, content, mode)
	}
	write(t, b.dirs.mount, "usr/lib/systemd/systemd", "", 0o755)
	if err := errors.Join(b.installFirstBoot(), b.installFirstBoot()); err != nil { // a second attempt is no error
		return b, err
	}
	return b, nil
}

// contents lists the files of a tree with their modes, links with their targets.
func contents(t *testing.T, tree string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(tree, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		line := strings.TrimPrefix(path, tree) + " " + info.Mode().String()
		if target, err := os.Readlink(path); err == nil {
			line += " " + target
		}
		found = append(found, line)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func TestFirstBootLeavesNothingWithoutScripts(t *testing.T) {
	for _, scripts := range []map[string]string{nil, {"data": "x"}} {
		b, err := installed(t, scripts)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"/usr/lib/systemd/systemd -rwxr-xr-x"}, contents(t, b.dirs.mount)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestFirstBootInTheImage(t *testing.T) {
	b := buildWith(t, &recorder{}, "")
	write(t, b.dirs.hooks, "first-boot.d/data", "x", 0o640)
	write(t, b.dirs.hooks, "first-boot.d/9-private", "x", 0o700)
	write(t, b.dirs.hooks, "first-boot.d/dir/deep", "x", 0o666)
	write(t, b.dirs.hooks, "bin/tool", "x", 0o755)
	for name, target := range map[string]string{"10-tool": "../bin/tool", "away": "/etc/passwd", "nowhere": "none"} {
		if err := os.Symlink(target, filepath.Join(b.dirs.hooks, "first-boot.d", name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, b.dirs.mount, "lib/systemd/systemd", "", 0o755)
	if err := b.installFirstBoot(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/etc/systemd/system/diskimage-first-boot.service -rw-r--r--",
		"/etc/systemd/system/multi-user.target.wants/diskimage-first-boot.service Lrwxrwxrwx /etc/systemd/system/diskimage-first-boot.service",
		"/lib/systemd/systemd -rwxr-xr-x",
		"/usr/lib/diskimage/first-boot -rwxr-xr-x",
		"/usr/lib/diskimage/first-boot.d/10-tool -rwxr-xr-x",
		"/usr/lib/diskimage/first-boot.d/9-private -rwx------",
		"/usr/lib/diskimage/first-boot.d/away Lrwxrwxrwx /etc/passwd",
		"/usr/lib/diskimage/first-boot.d/data -rw-r-----",
		"/usr/lib/diskimage/first-boot.d/dir/deep -rw-r--r--",
		"/usr/lib/diskimage/first-boot.d/nowhere Lrwxrwxrwx none",
		"/usr/lib/diskimage/first-boot.list -rw-r--r--",
	}
	if diff := cmp.Diff(want, contents(t, b.dirs.mount)); diff != "" {
		t.Error(diff)
	}
	list, err := os.ReadFile(filepath.Join(b.dirs.mount, "usr/lib/diskimage/first-boot.list"))
	if err != nil || string(list) != "9-private\n10-tool\n" {
		t.Errorf("%q %v", list, err)
	}
}

func TestFirstBootNeedsSystemd(t *testing.T) {
	b := buildWith(t, &recorder{}, "")
	write(t, b.dirs.hooks, "first-boot.d/10-x", "x", 0o755)
	if err := os.MkdirAll(b.dirs.mount, 0o755); err != nil {
		t.Fatal(err)
	}
	err := b.installFirstBoot()
	if err == nil || !strings.Contains(err.Error(), "first-boot.d (10-x)") || !strings.Contains(err.Error(), "systemd") {
		t.Errorf("got %v", err)
	}
}

// boot runs what the unit starts, with the tree's paths, and returns what it says.
func (b *Build) boot(t *testing.T) (said string, status int) {
	t.Helper()
	var out strings.Builder
	program := filepath.Join(b.dirs.mount, "usr/lib/diskimage/first-boot")
	err := command.Host{}.Run(t.Context(), command.Command{
		Path: "sh", Args: []string{program}, Env: []string{"PATH=/usr/bin:/bin", "DISKIMAGE_ROOT=" + b.dirs.mount},
		Stdin: strings.NewReader("not for scripts"), Stdout: &out, Stderr: &out,
	})
	var exit *command.ExitError
	if errors.As(err, &exit) {
		status = exit.Status
	} else if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), b.dirs.mount, ""), status
}

func (b *Build) enabledFirstBoot() bool {
	_, err := os.Lstat(filepath.Join(b.dirs.mount, wantsDir, firstBootUnit))
	return err == nil
}

func TestFirstBootRunsEachScriptOnce(t *testing.T) {
	b, err := installed(t, map[string]string{
		"9-first": "#!/bin/sh\ncat\ncat \"$(dirname \"$0\")/data\"; echo ${DISKIMAGE_ROOT:-clean}\n", "data": "beside\n",
		"10-fails": "#!/bin/sh\necho failing; exit 3\n", "11-last": "#!/bin/sh\ntrue 2> /dev/null >&3 && echo leak; echo last\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	if !b.enabledFirstBoot() {
		t.Error("the unit is not enabled")
	}
	want := `first-boot.d: running 9-first
beside
clean
first-boot.d: running 10-fails
failing
first-boot.d: 10-fails failed with exit status 3; to run it again, remove /var/lib/diskimage/first-boot/10-fails and start diskimage-first-boot.service
first-boot.d: running 11-last
last
`
	if said, status := b.boot(t); status != 1 || said != want {
		t.Errorf("%d: %s", status, cmp.Diff(want, said))
	}
	if b.enabledFirstBoot() {
		t.Error("the unit is still enabled")
	}
	if said, status := b.boot(t); status != 0 || said != "" {
		t.Errorf("the second time: %d %q", status, said)
	}
	if err := os.Remove(filepath.Join(b.dirs.mount, "var/lib/diskimage/first-boot/11-last")); err != nil {
		t.Fatal(err)
	}
	if said, status := b.boot(t); status != 0 || said != "first-boot.d: running 11-last\nlast\n" {
		t.Errorf("after its mark was removed: %d %q", status, said)
	}
}

// A machine that is reset in the middle goes on behind the script that did it.
func TestFirstBootGoesOn(t *testing.T) {
	b, err := installed(t, map[string]string{"1-resets": "#!/bin/sh\nkill -9 $PPID\n", "2-next": "#!/bin/sh\necho next\n"})
	if err != nil {
		t.Fatal(err)
	}
	if said, status := b.boot(t); status != 128+9 || strings.Contains(said, "next") || !b.enabledFirstBoot() {
		t.Errorf("%d %q", status, said)
	}
	if said, status := b.boot(t); status != 0 || said != "first-boot.d: running 2-next\nnext\n" || b.enabledFirstBoot() {
		t.Errorf("%d %q", status, said)
	}
}

func TestFirstBootWithoutRoomForMarks(t *testing.T) {
	b, err := installed(t, map[string]string{"1-x": "#!/bin/sh\necho ran\n"})
	if err != nil {
		t.Fatal(err)
	}
	// A link to nowhere cannot be written by anybody, not even root.
	marks := filepath.Join(b.dirs.mount, "var/lib/diskimage/first-boot")
	if err := errors.Join(os.MkdirAll(marks, 0o755), os.Symlink("/nowhere/at/all", filepath.Join(marks, "1-x"))); err != nil {
		t.Fatal(err)
	}
	if said, status := b.boot(t); status != 1 || strings.Contains(said, "ran\n") || !strings.Contains(said, "cannot be written") || !b.enabledFirstBoot() {
		t.Errorf("%d %q", status, said)
	}
}

func TestFirstBootProgramInShellcheck(t *testing.T) {
	if _, err := os.Stat("/usr/bin/shellcheck"); err != nil {
		t.Skip("no shellcheck here")
	}
	out, err := command.Output(t.Context(), command.Host{}, command.Command{Path: "shellcheck", Args: []string{"firstboot/run"}})
	if err != nil {
		t.Error(out, err)
	}
}
