// SPDX-License-Identifier: MPL-2.0

package foreign

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// Judge runs a program that must be content with what it is given, and returns
// what it said. The test is skipped where the program is not installed.
func Judge(t testing.TB, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	var out bytes.Buffer
	err = command.Host{}.Run(t.Context(), command.Command{Path: path, Args: args, Env: os.Environ(), Stdout: &out, Stderr: &out})
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out.String())
	}
	return out.String()
}
