// SPDX-License-Identifier: MPL-2.0

package foreign

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// Shell is a POSIX shell of this host.
type Shell struct {
	Name string
	// Command are the words before a script's path.
	Command []string
}

// Shells are those that there are here: the host's, and those that .ci/unpacked
// fetches. What is not there is said. The last has nothing but busybox around it,
// none of GNU's programs.
func Shells(tb testing.TB) (found []Shell) {
	tb.Helper()
	unpacked := Unpacked(tb)
	for _, s := range []Shell{
		{"dash", []string{"/bin/dash"}},
		{"bash posix", []string{"/bin/bash", "--posix"}},
		{"busybox", []string{"/bin/busybox", "sh"}},
		{"mksh", []string{unpacked + "/bin/mksh"}},
		{"ksh93", []string{unpacked + "/bin/ksh93"}},
		{"posh", []string{unpacked + "/usr/bin/posh"}},
		{"yash", []string{unpacked + "/usr/bin/yash", "--posixly-correct"}},
		{"busybox alone", []string{"/usr/bin/env", "PATH=" + applets(tb), "/bin/busybox", "sh"}},
	} {
		if _, err := os.Stat(s.Command[0]); err != nil {
			tb.Logf("not tried: %v", err)
		} else {
			found = append(found, s)
		}
	}
	return found
}

// applets is a directory with every program that busybox is.
func applets(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	if _, err := os.Stat("/bin/busybox"); err == nil {
		Judge(tb, "busybox", "--install", "-s", dir)
	}
	return dir
}

// Unpacked is the directory in which .ci/unpacked has packages whose programs
// tests run; it may fetch them. Empty, which is said, if they are not to be had.
func Unpacked(tb testing.TB) string {
	tb.Helper()
	return cached(tb, ".ci/unpacked")
}

// cached asks a script of .ci for the directory that it has filled.
func cached(tb testing.TB, script string) string {
	tb.Helper()
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "../..")
	ctx, stop := context.WithTimeout(context.Background(), 5*patience)
	defer stop()
	bash, err := exec.LookPath("bash")
	if err != nil {
		tb.Logf("no %s: %v", script, err)
		return ""
	}
	out, err := command.Output(ctx, command.Host{}, command.Command{Path: bash, Args: []string{script}, Dir: root, Env: os.Environ()})
	if err != nil {
		tb.Logf("%s: %v", script, err)
		return ""
	}
	return strings.TrimSpace(out)
}
