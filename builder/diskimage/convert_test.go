// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/convert"
)

// convertFile is convert as main calls it.
func convertFile(t *testing.T, path string) (status int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = convert.Command{
		Arguments: []string{path}, Stdout: &stdout, Stderr: &stderr,
		Environment: os.LookupEnv, Directory: t.TempDir(), Check: Check,
	}.Run()
	return status, stdout.String(), stderr.String()
}

// The commands of old instructions are converted, and what they name that is
// not built in, or is no more, is told with what to do.
func TestConvertedCommandsAreChecked(t *testing.T) {
	t.Setenv("ELEMENTS_PATH", "")
	for name, wants := range map[string][]string{
		"flow.sh": {
			`:4: not the same: elements: element "ironic-agent" not found`, "ironic-agent was an element of diskimage-builder",
			`:5: not the same: elements: element "centos7" not found`, "centos7 was an element of diskimage-builder",
		},
		"boot-notes.sh": {
			`:4: not the same: elements: element "centos7" not found`, "put the directory that holds it on element_paths",
		},
	} {
		path := filepath.Join("../../internal/convert/testdata", name)
		status, out, said := convertFile(t, path)
		if status != convert.StatusDiffers {
			t.Errorf("%s: status %d", name, status)
		}
		for _, want := range wants {
			if !strings.Contains(said, want) {
				t.Errorf("%s: no %q in\n%s", name, want, said)
			}
		}
		// Beside the comments of the check it is the template without a check.
		want, err := os.ReadFile(path + ".pkr.hcl")
		if err != nil {
			t.Fatal(err)
		}
		if got := withoutComments(out); got != withoutComments(string(want)) {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

func withoutComments(text string) string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// What packer validate would say of a template is said when it is made.
func TestConvertAsksTheBuilder(t *testing.T) {
	elements, err := filepath.Abs("testdata/elements")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SIZE_OF_IT", "lots")
	for script, want := range map[string]struct {
		status int
		text   string
	}{
		"disk-image-create tiny-os":                                  {convert.StatusSame, ""},
		"disk-image-create tiny-so":                                  {convert.StatusDiffers, "did you mean tiny-os"},
		"disk-image-create tiny-os --image-size 5X":                  {convert.StatusDiffers, `disk_size: "5X"`},
		"disk-image-create tiny-os --image-size $SIZE_OF_IT":         {convert.StatusDiffers, `disk_size: "lotsG"`},
		"disk-image-create tiny-os --image-size $NOT_SET_HERE":       {convert.StatusSame, "$NOT_SET_HERE is not set"},
		"disk-image-create tiny-os --qemu-img-options cluster-siz=2": {convert.StatusDiffers, "qemu_img_options"},
		"A='{{ x }} ${y}' disk-image-create tiny-os -o '{{z}}'":      {convert.StatusSame, ""},
		"DIB_RELAESE=x disk-image-create tiny-os":                    {convert.StatusSame, "DIB_RELEASE"},
		"ELEMENTS_PATH=/not/here disk-image-create mine -a z80":      {convert.StatusDiffers, "architecture"},
		"ELEMENTS_PATH=/not/here disk-image-create mine":             {convert.StatusSame, `no directory "/not/here" here`},
	} {
		path := filepath.Join(t.TempDir(), "script")
		text := "export ELEMENTS_PATH=" + elements + "\n" + script + "\n"
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		status, _, said := convertFile(t, path)
		if status != want.status || !strings.Contains(said, want.text) {
			t.Errorf("%s: status %d, want %d and %q in\n%s", script, status, want.status, want.text, said)
		}
	}
}
