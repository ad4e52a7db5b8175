// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Builder ids that importers know.
const (
	idArtifice = "packer.post-processor.artifice"
	idCompress = "packer.post-processor.compress"
)

// importer is a post-processor that takes images to a cloud, as far as it
// chooses a file of the artifact that it gets.
type importer struct {
	// example is a file of example/clouds.
	example, name string
	// ids are the builder ids that it accepts; nil for all.
	ids []string
	// suffixes are of the first file that it takes; nil for any.
	suffixes []string
	judge    func(t *testing.T, file string)
}

var importers = []importer{
	{"amazon", "amazon-import", nil, []string{".raw"}, judgeRaw},
	{"googlecompute", "googlecompute-import", []string{idCompress, idArtifice}, []string{".tar.gz"}, judgeGoogleArchive},
	{"digitalocean", "digitalocean-import", nil,
		[]string{"raw", "img", "qcow2", "vhdx", "vdi", "vmdk", "tar.bz2", "tar.xz", "tar.gz"}, judgeQCOW2},
	{"exoscale", "exoscale-import", []string{"transcend.qemu", "packer.file", idArtifice}, []string{""}, judgeQCOW2},
	{"yandex", "yandex-import", []string{idCompress, idArtifice, "packer.file", "transcend.qemu"}, []string{".qcow2"}, judgeQCOW2},
	{"upcloud", "upcloud-import", []string{"transcend.qemu", "packer.file", idCompress, idArtifice}, []string{".raw", ".gz"}, judgeZipped},
}

// choose replays the importer's rule.
func (i importer) choose(a machineArtifact) (string, error) {
	if i.ids != nil && !slices.Contains(i.ids, a.id) {
		return "", fmt.Errorf("%s does not accept artifacts of %s", i.name, a.id)
	}
	for _, file := range a.files {
		for _, suffix := range i.suffixes {
			if strings.HasSuffix(file, suffix) {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("%s finds nothing in %v", i.name, a.files)
}

func judgeRaw(t *testing.T, file string) {
	t.Helper()
	checkTable(t, file, "gpt", 2, 1)
}

func judgeQCOW2(t *testing.T, file string) {
	t.Helper()
	judge(t, "qemu-img", "check", "-f", "qcow2", file)
}

func judgeZipped(t *testing.T, file string) {
	t.Helper()
	judge(t, "gzip", "-t", file)
}

// judgeGoogleArchive wants what Compute Engine does: the old GNU format, one
// member disk.raw, whole GiB.
func judgeGoogleArchive(t *testing.T, file string) {
	t.Helper()
	if members := judge(t, "tar", "-tzf", file); members != "disk.raw\n" {
		t.Errorf("members %q", members)
	}
	header, err := tar.NewReader(unzipped(t, file)).Next()
	if err != nil {
		t.Fatal(err)
	}
	if header.Format != tar.FormatGNU || header.Size%(1<<30) != 0 || header.Typeflag != tar.TypeReg {
		t.Errorf("format %s, %d bytes, type %c", header.Format, header.Size, header.Typeflag)
	}
}

// machineArtifact is an artifact as -machine-readable has it.
type machineArtifact struct {
	id    string
	files []string
}

// lastArtifact is what the last post-processor of a run left.
func lastArtifact(t *testing.T, out string) machineArtifact {
	t.Helper()
	artifacts := map[string]*machineArtifact{}
	var last string
	for _, line := range strings.Split(out, "\n") {
		fields := strings.Split(line, ",")
		if len(fields) < 6 || fields[2] != "artifact" {
			continue
		}
		if last = fields[3]; artifacts[last] == nil {
			artifacts[last] = new(machineArtifact)
		}
		switch fields[4] {
		case "builder-id":
			artifacts[last].id = fields[5]
		case "file":
			artifacts[last].files = append(artifacts[last].files, fields[6])
		}
	}
	if last == "" {
		t.Fatalf("no artifact:\n%s", out)
	}
	return *artifacts[last]
}

// example is a template of example/clouds that can be changed.
type example struct {
	t    *testing.T
	file *hclwrite.File
}

func readExample(t *testing.T, name string) example {
	t.Helper()
	path := filepath.Join("../../example/clouds", name+".pkr.hcl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, diagnostics := hclwrite.ParseConfig(text, path, hcl.InitialPos)
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	return example{t, file}
}

// block is the block of a type with a label at the end, "" for any.
func block(within *hclwrite.Body, kind, label string) *hclwrite.Block {
	for _, b := range within.Blocks() {
		if b.Type() == kind && (label == "" || slices.Contains(b.Labels(), label)) {
			return b
		}
	}
	return nil
}

// withoutImporter takes the importer out, and its plugin.
func (e example) withoutImporter(i importer) {
	e.t.Helper()
	plugins := block(block(e.file.Body(), "packer", "").Body(), "required_plugins", "").Body()
	if plugins.RemoveAttribute(i.example) == nil {
		e.t.Fatalf("the example does not ask for the plugin %s", i.example)
	}
	chain, found := e.importer(i.name)
	chain.RemoveBlock(found)
}

// importer is a post-processor of the example, and the chain that it is in.
func (e example) importer(name string) (chain *hclwrite.Body, found *hclwrite.Block) {
	e.t.Helper()
	chain = block(e.file.Body(), "build", "").Body()
	if several := block(chain, "post-processors", ""); several != nil {
		chain = several.Body()
	}
	if found = block(chain, "post-processor", name); found == nil {
		e.t.Fatalf("the example does not use %s", name)
	}
	return chain, found
}

// tiny lets the example build the tiny system instead of a Debian.
func (e example) tiny(w workspace) {
	e.t.Helper()
	elements, err := filepath.Abs("testdata/elements")
	if err != nil {
		e.t.Fatal(err)
	}
	source := block(e.file.Body(), "source", "diskimage").Body()
	source.SetAttributeValue("elements", cty.ListVal([]cty.Value{cty.StringVal("tiny-os"), cty.StringVal("block-device-gpt")}))
	source.SetAttributeValue("element_paths", cty.ListVal([]cty.Value{cty.StringVal(elements)}))
	source.SetAttributeValue("skip_base", cty.True)
	source.SetAttributeValue("work_directory", cty.StringVal(w.work))
	source.RemoveAttribute("packages")
	if source.GetAttribute("disk_size") != nil {
		source.SetAttributeValue("disk_size", cty.StringVal("1G"))
	}
}

// write puts the template into the workspace and returns the arguments by which
// packer reads it: every variable without a default gets a value.
func (e example) write(w workspace) []string {
	e.t.Helper()
	const name = "cloud.pkr.hcl"
	if err := os.WriteFile(filepath.Join(w.dir, name), e.file.Bytes(), 0o644); err != nil {
		e.t.Fatal(err)
	}
	var args []string
	for _, b := range e.file.Body().Blocks() {
		if b.Type() == "variable" && b.Body().GetAttribute("default") == nil {
			args = append(args, "-var", b.Labels()[0]+"=test")
		}
	}
	return append(args, name)
}

// Every importer gets what it looks for.
func TestAccCloudExamples(t *testing.T) {
	needPacker(t)
	for _, i := range importers {
		t.Run(i.example, func(t *testing.T) {
			t.Parallel()
			w, e := newWorkspace(t), readExample(t, i.example)
			e.withoutImporter(i)
			if status, out := runPacker(t, w.dir, w.env(), append([]string{"validate"}, e.write(w)...)...); status != 0 {
				t.Fatalf("the example is not valid: status %d:\n%s", status, out)
			}
			e.tiny(w)
			status, out := runPacker(t, w.dir, w.env(), append([]string{"-machine-readable", "build"}, e.write(w)...)...)
			if status != 0 {
				t.Fatalf("status %d:\n%s", status, out)
			}
			w.assertClean()
			file, err := i.choose(lastArtifact(t, out))
			if err != nil {
				t.Fatal(err)
			}
			i.judge(t, filepath.Join(w.dir, file))
		})
	}
}
