// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"bytes"
	"context"
	"os/exec"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

func TestInstallTypeContent(t *testing.T) {
	if got := InstallTypeContent(""); got != "export DIB_DEFAULT_INSTALLTYPE='source'\n" {
		t.Errorf("got %q", got)
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skipf("no bash: %v", err)
	}
	for _, want := range []string{"package", "it's $HOME `id` \"x\" \\", "a\nb"} {
		var out bytes.Buffer
		err := command.Host{}.Run(context.Background(), command.Command{
			Path: "bash", Args: []string{"-c", InstallTypeContent(want) + `printf %s "$DIB_DEFAULT_INSTALLTYPE"`},
			Env: []string{"PATH=/usr/bin:/bin"}, Stdout: &out,
		})
		if err != nil || out.String() != want {
			t.Errorf("%q became %q, %v", want, out.String(), err)
		}
	}
}
