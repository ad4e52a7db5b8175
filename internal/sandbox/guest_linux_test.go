// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// Streams, daemons, concurrency and KillAll are in the communicator's tests,
// builder/diskimage.

func TestRunText(t *testing.T) {
	tree := newTree(t)
	old := unix.Umask(0o077) // must not matter
	defer unix.Umask(old)
	long := strings.Repeat("# a comment of some length\n", 200<<10/27+1)
	cases := []struct {
		name, script, out string
		status            int
	}{
		{"quotes", `X='a"b'; echo "$X" 'it'"'"'s' $(echo sub) ` + "`echo tick` \"!\"", `a"b it's sub tick !`, 0},
		{"newlines", "echo a\necho b\n", "a\nb", 0},
		{"UTF-8", "echo 'grüße ✓'", "grüße ✓", 0},
		{"empty", "", "", 0},
		{"only a comment", "#!/bin/bash", "", 0},
		{"here document", "cat <<E\nx$((1+1))\nE\nexit 4", "x2", 4},
		{"place", "pwd; umask; echo $#", "/\n0022\n0", 0},
		{"false", "false", "", 1},
		{"status", "exit 255", "", 255},
		{"not found", "no-such-program 2>/dev/null", "", 127},
		{"not executable", "/etc 2>/dev/null", "", 126},
		{"signal", "kill -9 $$", "", 137},
		{"syntax error", "if 2>/dev/null", "", 2},
		{"line numbers", "a=$LINENO\n\necho $((LINENO - a))", "2", 0},
		{"ends at the first error", "set -e\necho a\nfalse\necho b", "a", 1},
		{"trap", "trap 'echo bye $?' EXIT\nexit 3", "bye 3", 3},
		{"200 kB", long + "echo end $# $0; exit 3", "end 0 /bin/sh", 3},
		{"200 kB in one line", "echo '" + strings.Repeat(`x"$y\ `, 40<<10) + "' | wc -c; echo $(echo z)", fmt.Sprintf("%d\nz", 40<<10*6+1), 0},
	}
	for _, tc := range cases {
		var out, errs bytes.Buffer
		status, err := tree.Guest(nil).Run(t.Context(), tc.script, nil, &out, &errs)
		if err != nil || status != tc.status || strings.TrimSpace(out.String()) != tc.out {
			t.Errorf("%s: status %d, %v, output %.200q %.200q", tc.name, status, err, out.String(), errs.String())
		}
	}
}

func TestRunEnvironment(t *testing.T) {
	tree := newTree(t)
	t.Setenv("SECRET_OF_THE_HOST", "x")
	var out bytes.Buffer
	_, err := tree.Guest([]string{"A=b c", "HOME=/tmp"}).Run(t.Context(), "env", nil, &out, nil)
	must(t, err)
	got := out.String()
	for _, want := range []string{"A=b c\n", "HOME=/tmp\n", "PATH=/usr/local/sbin:"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if strings.Contains(got, "SECRET") || strings.Contains(got, "HOME=/root") {
		t.Errorf("environment: %s", got)
	}
}

// Arguments are for every user of the host to read, unlike the environment.
func TestRunShowsNothingOfTheScript(t *testing.T) {
	tree := newTree(t)
	must(t, tree.MountKernel(t.Context()))
	for name, padding := range map[string]string{"short": "", "long": strings.Repeat("# a comment\n", 20<<10)} {
		var out bytes.Buffer
		script := padding + "X='hush' cat /proc/$$/cmdline /proc/self/cmdline; echo; env; set"
		status, err := tree.Guest(nil).Run(t.Context(), script, nil, &out, &out)
		got := out.String()
		if err != nil || status != 0 || !strings.Contains(got, "/bin/sh\x00-c") || !strings.Contains(got, "PATH=") {
			t.Errorf("%s: %d %v %q", name, status, err, got)
		}
		if strings.Contains(got, "hush") || strings.Contains(got, pieceName+"0=") {
			t.Errorf("%s: the script shows: %q", name, got)
		}
	}
	if _, err := tree.Guest(nil).Run(t.Context(), "echo hush\x00", nil, nil, nil); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a script with a NUL byte: %v", err)
	}
}

func TestRunWithoutShell(t *testing.T) {
	needRoot(t)
	tree := NewTree(t.TempDir(), command.Host{})
	secret := "echo secret"
	status, err := tree.Guest(nil).Run(t.Context(), secret, nil, nil, nil)
	if status != 127 || err == nil || !strings.Contains(err.Error(), "no /bin/sh") || strings.Contains(err.Error(), secret) {
		t.Errorf("%d %v", status, err)
	}
	must(t, os.Mkdir(filepath.Join(tree.Root(), "bin"), 0o755))
	must(t, os.WriteFile(filepath.Join(tree.Root(), "bin/sh"), []byte("\x7fELF of another kind"), 0o755))
	status, err = tree.Guest(nil).Run(t.Context(), "true", nil, nil, nil)
	if status != 126 || err == nil || !strings.Contains(err.Error(), "architecture") {
		t.Errorf("%d %v", status, err)
	}
}
