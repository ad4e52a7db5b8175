// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// publishing appends to a template what makes it publish.
func publishing(t *testing.T, template, more string) string {
	t.Helper()
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, []byte(`
hcp_packer_registry {
  bucket_name  = "tiny"
  build_labels = { stage = "dev" }
  channels     = ["dev"]
}
`+more)...)
	if err := os.WriteFile(template, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return template
}

func TestAccHCPPacker(t *testing.T) {
	needPacker(t)
	t.Parallel()
	h, w := newHCP(t), newWorkspace(t)
	env := w.env(append(h.env(w), w.named())...)
	const attributes = `
  elements = ["tiny-os", "named"]
  formats  = ["raw", "qcow2"]
`
	status, out := runPacker(t, w.dir, env, "build", publishing(t, w.template(attributes+`
  environment = { SECRET = "a-secret-of-the-template" }`, `
  provisioner "shell" {
    inline = ["echo '{\"bomFormat\": \"CycloneDX\", \"specVersion\": \"1.5\"}' > /tmp/sbom.json"]
  }
  provisioner "hcp-sbom" {
    source    = "/tmp/sbom.json"
    sbom_name = "tiny"
  }`), ""))
	if status != 0 {
		t.Fatalf("status %d:\n%s\n%s", status, out, h.said())
	}
	digest := "sha256:" + digestOfFile(t, filepath.Join(w.output, "tiny.raw"))
	published, _ := h.published()
	if len(published.Artifacts) != 1 || published.Artifacts[0].ExternalIdentifier != digest || published.Artifacts[0].Region != "local" {
		t.Errorf("artifacts: %+v", published.Artifacts)
	}
	size := published.Labels["disk_size"]
	want := map[string]string{
		"architecture": hostArchitecture(), "digest": digest, "disk_size": size, "distribution": "tiny", "elements": "tiny-os,named",
		"file": "tiny.raw", "format": "raw", "release": "seven", "stage": "dev",
	}
	if !reflect.DeepEqual(published.Labels, want) || !strings.HasSuffix(size, "M") {
		t.Errorf("labels %v, want %v", published.Labels, want)
	}
	if published.Platform != "diskimage" || published.Source != "" {
		t.Errorf("platform %q, source %q", published.Platform, published.Source)
	}
	if n := len(h.seen(http.MethodPut, "/sboms")); n != 1 {
		t.Errorf("%d SBOMs were sent", n)
	}
	if n := len(h.seen(http.MethodPatch, "/channels/dev")); n != 1 {
		t.Errorf("the channel was assigned %d times", n)
	}
	if said := h.said(); strings.Contains(said, "a-secret-of-the-template") || strings.Contains(said, hcpSecret) {
		t.Errorf("a secret was told:\n%s", said)
	}

	// What was published is found by platform and region, and is the parent
	// of what is made from it.
	child := newWorkspace(t)
	status, out = runPacker(t, child.dir, child.env(h.env(child)...), "build", publishing(t, child.template(`
  elements     = ["tiny-os"]
  formats      = ["raw"]
  region       = "rack 1"
  source_image = data.hcp-packer-artifact.parent.external_identifier
`, `
  post-processor "shell-local" { inline = ["test ${build.SourceImageURL} = `+digest+`"] }`), `
data "hcp-packer-artifact" "parent" {
  bucket_name         = "tiny"
  version_fingerprint = "`+parentVersion+`"
  platform            = "diskimage"
  region              = "local"
}
`))
	if status != 0 {
		t.Fatalf("status %d:\n%s\n%s", status, out, h.said())
	}
	published, _ = h.published()
	if published.Source != digest || published.Parent != parentVersion || len(published.Artifacts) != 1 || published.Artifacts[0].Region != "rack 1" {
		t.Errorf("the child: %+v", published)
	}
	w.assertClean()
	child.assertClean()
}

// Only an artifact that is left at the end is published.
func TestAccHCPPackerAndCompress(t *testing.T) {
	needPacker(t)
	for _, tc := range []struct{ name, keep, want string }{
		{"image replaced", "", "BUILD_FAILED"},
		{"image kept", "keep_input_artifact = true", "BUILD_DONE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h, w := newHCP(t), newWorkspace(t)
			_, out := runPacker(t, w.dir, w.env(h.env(w)...), "build", publishing(t, w.template(`
  elements = ["tiny-os"]
  formats  = ["raw"]
`, `
  post-processor "compress" {
    output = "`+w.dir+`/tiny.raw.gz"
    `+tc.keep+`
  }`), ""))
			// One that takes minutes is said to run again and again.
			updates := slices.CompactFunc(h.updates(), func(a, b hcpUpdate) bool { return a.Status == b.Status })
			if len(updates) != 2 || updates[0].Status != "BUILD_RUNNING" || updates[1].Status != tc.want {
				t.Fatalf("updates %+v\n%s", updates, out)
			}
			if failed := strings.Contains(out, "No HCP Packer-compatible artifacts"); failed != (tc.want == "BUILD_FAILED") {
				t.Errorf("packer said:\n%s", out)
			}
			w.assertClean()
		})
	}
}
