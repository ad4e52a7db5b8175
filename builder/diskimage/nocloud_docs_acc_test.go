// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// seedJudges are the cloud-inits that judge seeds.
type seedJudges struct{ bookworm, trixie *foreign.CloudInit }

func newSeedJudges(t *testing.T) seedJudges {
	t.Helper()
	j := seedJudges{foreign.NewCloudInit(t, "bookworm"), foreign.NewCloudInit(t, "trixie")}
	if j.bookworm == nil || j.trixie == nil {
		t.Skip("no cloud-init on this host can be asked")
	}
	return j
}

// judge has `cloud-init schema` of both releases judge the files of a seed: what
// each of them knows of.
func (j seedJudges) judge(t *testing.T, name string, files map[string][]byte) {
	t.Helper()
	said := func(release string, c *foreign.CloudInit, text string, arguments ...string) {
		if valid, said := c.Schema(t, text, arguments...); !valid || strings.Contains(said, "Deprecated in version") {
			t.Errorf("%s, %s: %s\n%s", name, release, said, text)
		}
	}
	for _, file := range []string{nocloud.UserDataFile, nocloud.VendorDataFile} {
		for _, text := range cloudConfigs(t, files[file]) {
			said("25.1", j.trixie, text)
			if !strings.HasPrefix(text, "## template") { // 22.4 reads none
				said("22.4", j.bookworm, text)
			}
		}
	}
	if text := files[nocloud.NetworkConfigFile]; text != nil {
		said("25.1", j.trixie, string(text), "--schema-type", "network-config")
	}
}

// cloudConfigs are the cloud-configs in user-data, which may be compressed and a
// message of parts.
func cloudConfigs(t *testing.T, text []byte) (all []string) {
	t.Helper()
	if bytes.HasPrefix(text, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if text, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(text, []byte("Content-Type: multipart/")) {
		if first, _, _ := bytes.Cut(text, []byte("\n")); bytes.HasPrefix(first, []byte("#cloud-config")) || bytes.HasPrefix(first, []byte("## template")) {
			return []string{string(text)}
		}
		return nil
	}
	message, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for parts := multipart.NewReader(message.Body, parameters["boundary"]); ; {
		p, err := parts.NextPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, cloudConfigs(t, content)...)
	}
}

// seedPages are the pages whose examples are seeds.
var seedPages = []string{"../../docs/nocloud.md", "../../docs/provisioners/nocloud.mdx"}

// documentedSeeds are the provisioner's blocks in the pages.
func documentedSeeds(t *testing.T) (blocks []*hclwrite.Block) {
	t.Helper()
	for _, page := range seedPages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range snippetPattern.FindAllStringSubmatch(string(text), -1) {
			file, diags := hclwrite.ParseConfig([]byte(match[1]), page, hcl.InitialPos)
			if diags.HasErrors() {
				t.Errorf("%s: %s\n%s", page, diags, match[1])
				continue
			}
			bodies := []*hclwrite.Body{file.Body()}
			for _, b := range file.Body().Blocks() {
				if b.Type() == "build" {
					bodies = append(bodies, b.Body())
				}
			}
			for _, body := range bodies {
				for _, b := range body.Blocks() {
					if b.Type() == "provisioner" && b.Labels()[0] == "diskimage-nocloud" {
						blocks = append(blocks, b)
					}
				}
			}
		}
	}
	return blocks
}

// TestAccDocumentedSeeds builds an image with each seed that the pages show, and has
// two releases of cloud-init judge what was made of it.
func TestAccDocumentedSeeds(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	w.file("web.yaml", "#cloud-config\nruncmd: ['true']\n")
	blocks := documentedSeeds(t)
	if len(blocks) < 5 {
		t.Fatalf("only %d seeds are documented", len(blocks))
	}
	template := w.template(`elements = ["tiny-os"]`, "")
	var sources, provisioners strings.Builder
	for i, b := range blocks {
		fmt.Fprintf(&sources, "    \"source.diskimage.seed%d\",\n", i)
		b.Body().SetAttributeValue("only", cty.ListVal([]cty.Value{cty.StringVal(fmt.Sprintf("diskimage.seed%d", i))}))
		b.Body().RemoveAttribute("execute_command") // the chroot is root's
		file := hclwrite.NewEmptyFile()
		file.Body().AppendBlock(b)
		provisioners.Write(file.Bytes())
	}
	w.eachSource(template, len(blocks), "build {\n  sources = [\n"+sources.String()+"  ]\n"+provisioners.String()+"}\n")
	if status, out := runPacker(t, w.dir, w.env(), "build", template); status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	judges := newSeedJudges(t)
	for i := range blocks {
		name := fmt.Sprintf("seed%d", i)
		judges.judge(t, name, seedOf(t, filepath.Join(w.output, name, "tiny.raw")))
	}
}

// eachSource makes a template of one source one of many, which differ in their
// output directories.
func (w workspace) eachSource(template string, n int, build string) {
	w.t.Helper()
	elements, err := filepath.Abs("testdata/elements")
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := os.ReadFile(template)
	if err != nil {
		w.t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "source \"diskimage\"")
	var out strings.Builder
	out.WriteString(head)
	for i := range n {
		name := fmt.Sprintf("seed%d", i)
		fmt.Fprintf(&out, "source \"diskimage\" %q {\n  elements = [\"tiny-os\"]\n  element_paths = [%q]\n  skip_base = true\n  formats = [\"raw\"]\n"+
			"  image_name = \"tiny\"\n  work_directory = %q\n  output_directory = %q\n}\n", name, elements, w.work, filepath.Join(w.output, name))
	}
	if err := os.WriteFile(template, []byte(out.String()+build), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// seedOf is the seed in an image.
func seedOf(t *testing.T, image string) map[string][]byte {
	t.Helper()
	dir := filesOf(t, image, nocloud.SeedDir) + nocloud.SeedDir
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if files[nocloud.UserDataFile] == nil || files[nocloud.MetaDataFile] == nil {
		t.Errorf("%s holds %d files, without user-data or meta-data", image, len(files))
	}
	return files
}
