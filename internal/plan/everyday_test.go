// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// everyday is a catalogue of elements that decide something in the plan.
func everyday(t *testing.T) *element.Catalog {
	t.Helper()
	catalogue, _, err := element.Load(fstest.MapFS{
		"os/element-provides":                      {Data: []byte("operating-system\n")},
		"base/README.md":                           {Data: []byte("# base\n")},
		"baremetal/README.md":                      {Data: []byte("# baremetal\n")},
		"no-final-image/README.md":                 {Data: []byte("# no-final-image\n")},
		"partitioning-sfdisk/element-provides":     {Data: []byte("block-device\n")},
		"old-layout/block-device-default.yaml":     {Data: []byte(efiLayout)},
		"partitioning-sfdisk/environment.d/10-any": {Data: []byte("export A=b\n")},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return catalogue
}

func everydayPlan(t *testing.T, environment map[string]string, elements ...string) (*Plan, error) {
	t.Helper()
	r := request()
	r.Elements, r.Environment = append([]string{"os"}, elements...), environment
	host := ableHost()
	host.ExistingOutputs = []string{"out/image.qcow2"}
	return New(r, everyday(t), host)
}

func TestNoFinalImageHasNoOutputs(t *testing.T) {
	p, err := everydayPlan(t, nil, "baremetal", "no-final-image")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Output.Files) != 0 || !slices.Equal(p.Output.Beside, []string{"image.vmlinuz", "image.initrd"}) {
		t.Errorf("outputs %+v", p.Output)
	}
	if len(p.Problems) != 0 {
		t.Errorf("an image that is not written is in the way: %q", p.Problems)
	}
	if slices.ContainsFunc(p.Tools, func(t Tool) bool { return t.Names[0] == "qemu-img" }) {
		t.Error("qemu-img is wanted for no image")
	}
	for _, words := range []string{"element no-final-image", "no image; whatever hooks put there as image.*", "image.vmlinuz"} {
		if !strings.Contains(p.Text(), words) {
			t.Errorf("%q is not in the plan:\n%s", words, p.Text())
		}
	}
	if p, err = everydayPlan(t, nil, "baremetal"); err != nil || len(p.Output.Files) != 2 || len(p.Problems) != 1 {
		t.Errorf("with an image: %v %+v", err, p)
	}
}

func TestSfdiskLaysOutTheDisk(t *testing.T) {
	const variable = "DIB_PARTITIONING_SFDISK_SCHEMA"
	p, err := everydayPlan(t, map[string]string{variable: "2048,4194304,L *\n,,S"}, "partitioning-sfdisk")
	if err != nil {
		t.Fatal(err)
	}
	if a := p.Disk.Areas; p.Disk.From != variable || p.Disk.Table != "mbr" || len(a) != 2 || a[0].Start != 1<<20 || a[0].Bytes != 2<<30 || a[1].Bytes != 2<<30-1<<20 {
		t.Errorf("disk %+v", p.Disk)
	}
	if !strings.Contains(strings.Join(p.Notes, "\n"), variable+": partition 2 stays empty") {
		t.Errorf("notes %q", p.Notes)
	}
	// Without the variable one partition takes the disk; a document goes before it.
	if p, err = everydayPlan(t, nil, "partitioning-sfdisk"); err != nil || len(p.Disk.Areas) != 1 {
		t.Errorf("without a script: %v %+v", err, p)
	}
	p, err = everydayPlan(t, map[string]string{variable: "nonsense", "DIB_BLOCK_DEVICE_CONFIG": efiLayout}, "partitioning-sfdisk")
	if err != nil || p.Disk.From != "DIB_BLOCK_DEVICE_CONFIG" || !strings.Contains(strings.Join(p.Notes, "\n"), variable+" has no effect") {
		t.Errorf("with a document: %v %+v", err, p)
	}
	for _, tc := range []struct {
		script, attribute, words string
		elements                 []string
	}{
		{"x", "environment (" + variable + ")", "element partitioning-sfdisk: line 1", []string{"partitioning-sfdisk"}},
		{"", "elements", "both lay out the disk", []string{"partitioning-sfdisk", "old-layout"}},
		{"2048,99999999,L", "disk_size", "does not fit", []string{"partitioning-sfdisk"}},
	} {
		_, err := everydayPlan(t, map[string]string{variable: tc.script}, tc.elements...)
		wrong := (*AttributeError)(nil)
		if !errors.As(err, &wrong) || wrong.Attribute != tc.attribute || !strings.Contains(err.Error(), tc.words) {
			t.Errorf("%q: %v", tc.script, err)
		}
	}
}
