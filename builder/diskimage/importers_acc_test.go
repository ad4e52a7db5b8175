// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// needImporters skips a test unless the plugins of others are there, which
// take minutes to build: .ci/importers does that and prints where.
func needImporters(t *testing.T) string {
	t.Helper()
	needPacker(t)
	dir := os.Getenv("DISKIMAGE_IMPORTERS")
	if dir == "" {
		t.Skip("the importers of others take minutes to build; call `make test-importers`")
	}
	return dir
}

// plugins is an environment in which packer has our plugin and those of a directory.
func (w workspace) plugins(others string) []string {
	w.t.Helper()
	dir := filepath.Join(w.dir, "plugins")
	for _, from := range []string{os.Getenv("PACKER_PLUGIN_PATH"), others} {
		judge(w.t, "mkdir", "-p", dir)
		judge(w.t, "cp", "-a", from+"/.", dir)
	}
	return w.env("PACKER_PLUGIN_PATH="+dir, "HOME="+w.tmp(),
		// Nobody answers there, which ends what would need an account.
		"HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=",
		"AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1",
		"DIGITALOCEAN_TOKEN=token", "DIGITALOCEAN_SPACES_ACCESS_KEY=id", "DIGITALOCEAN_SPACES_SECRET_KEY=secret")
}

// The real importers take our images, and fail no earlier than at their cloud.
func TestAccRealImporters(t *testing.T) {
	others := needImporters(t)
	for _, tc := range []struct {
		example, says string
		account       map[string]cty.Value // in place of one
	}{
		{"amazon", `Uploading output-amazon/debian\.raw to s3://test/`,
			map[string]cty.Value{"skip_credential_validation": cty.True, "max_retries": cty.NumberIntVal(1)}},
		{"googlecompute", `Post-processor failed: .*storage.*(127\.0\.0\.1:9|proxyconnect)`,
			map[string]cty.Value{"access_token": cty.StringVal("token")}},
		{"digitalocean", `Uploading output-digitalocean/debian\.qcow2 to spaces://test/`, nil},
	} {
		t.Run(tc.example, func(t *testing.T) {
			w, e := newWorkspace(t), readExample(t, tc.example)
			env := w.plugins(others)
			e.tiny(w)
			_, importer := e.importer(tc.example + "-import")
			for name, value := range tc.account {
				importer.Body().SetAttributeValue(name, value)
			}
			status, out := runPacker(t, w.dir, env, append([]string{"build"}, e.write(w)...)...)
			if status == 0 || !regexp.MustCompile(tc.says).MatchString(out) {
				t.Errorf("status %d, no %q:\n%s", status, tc.says, out)
			}
			w.assertClean()
		})
	}
}

// A Vagrant box for libvirt is made of our image without any account.
func TestAccVagrantBox(t *testing.T) {
	others := needImporters(t)
	w := newWorkspace(t)
	template := w.template(`
  elements  = ["tiny-os"]
  formats   = ["qcow2"]
  disk_size = "1536M"
`, `
  post-processor "vagrant" {
    provider_override   = "libvirt"
    output              = "`+w.dir+`/tiny.box"
    keep_input_artifact = true
  }`)
	status, out := runPacker(t, w.dir, w.plugins(others), "build", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	members := untar(t, filepath.Join(w.dir, "tiny.box"))
	var metadata struct {
		Provider, Format string
		Size             int `json:"virtual_size"`
	}
	if err := json.Unmarshal(members["metadata.json"], &metadata); err != nil {
		t.Fatal(err)
	}
	if metadata.Provider != "libvirt" || metadata.Format != "qcow2" || metadata.Size != 2 {
		t.Errorf("metadata %+v", metadata)
	}
	image, err := os.ReadFile(filepath.Join(w.output, "tiny.qcow2"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(members["box.img"], image) {
		t.Error("the box does not have the image")
	}
	if !strings.Contains(string(members["Vagrantfile"]), `libvirt.driver = "kvm"`) {
		t.Errorf("Vagrantfile: %s", members["Vagrantfile"])
	}
}

// untar reads the members of a compressed archive.
func untar(t *testing.T, path string) map[string][]byte {
	t.Helper()
	members := map[string][]byte{}
	for archive := tar.NewReader(unzipped(t, path)); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return members
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		members[filepath.Clean(header.Name)] = content
	}
}
