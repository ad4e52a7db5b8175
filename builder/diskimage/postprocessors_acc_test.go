// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// build builds a template of the workspace and wants that to succeed.
func (w workspace) build(attributes, body string, more ...string) string {
	w.t.Helper()
	status, out := runPacker(w.t, w.dir, w.env(more...), "build", w.template(attributes, body))
	if status != 0 {
		w.t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	return out
}

// outputs are the files below the output directory.
func (w workspace) outputs() []string { return remaining(w.t, w.output) }

// named are an element that makes the tree tell its release, and the variable
// by which it is found.
func (w workspace) named() string {
	return "ELEMENTS_PATH=" + w.element("named", "root.d/20-named",
		`printf 'ID=tiny\nVERSION_ID="7"\nVERSION_CODENAME=seven\n' > "$TARGET_ROOT/etc/os-release"`)
}

// digestOf is the SHA-256 of what is read, in hexadecimal.
func digestOf(t *testing.T, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func digestOfFile(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return digestOf(t, f)
}

// told reads lines of NAME=VALUE.
func told(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		name, value, _ := strings.Cut(line, "=")
		values[name] = value
	}
	return values
}

// telling is a shell-local that writes every variable to a file.
func telling(kind, file string, first string) string {
	var lines strings.Builder
	for _, name := range append([]string{"ID", "ConnType"}, generatedVariables...) {
		fmt.Fprintf(&lines, "      \"echo '%s=${build.%s}' >> %s\",\n", name, name, file)
	}
	return fmt.Sprintf("  %s \"shell-local\" {\n    inline = [\n      %q,\n%s    ]\n  }\n", kind, first, lines.String())
}

func TestAccGeneratedData(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	before, after := filepath.Join(w.dir, "before"), filepath.Join(w.dir, "after")
	manifest := filepath.Join(w.dir, "manifest.json")
	w.build(`
  elements     = ["tiny-os", "named"]
  formats      = ["raw", "qcow2"]
  source_image = "https://user:secret@mirror/base.qcow2?sig=secret"
`, telling("provisioner", before, "test \"$(cat ${build.MountPath}/etc/hostname)\" = tiny")+`
  provisioner "shell" {
    inline = ["echo '${build.ID} ${build.Release} ${build.OSArch}' > /etc/told"]
  }
`+telling("post-processor", after, "test -s ${build.ImagePath}")+fmt.Sprintf(`
  post-processor "manifest" {
    output      = %q
    custom_data = {
      digest  = build.ImageSHA256
      release = "${build.Distribution} ${build.Release}"
    }
  }`, manifest), w.named())
	raw := filepath.Join(w.output, "tiny.raw")
	digest := digestOfFile(t, raw)
	want := map[string]string{
		"ConnType": "chroot", "ImagePath": raw, "OutputDirectory": w.output, "SourceImageURL": "https://mirror/base.qcow2",
		"Elements": "tiny-os,named", "Distribution": "tiny", "Release": "seven",
		"Architecture": hostArchitecture(), "OSType": "Linux", "OSArch": machineName(hostArchitecture()),
	}
	inside := strings.Fields(judge(t, "debugfs", "-R", "cat /etc/told", raw))
	id := told(t, before)["ID"]
	if !strings.HasPrefix(id, "diskimage-") || !slices.Contains(inside, id) || !slices.Contains(inside, "seven") {
		t.Errorf("ID %q, told inside: %v", id, inside)
	}
	want["ID"] = id
	want["ImageSHA256"], want["MountPath"] = noDigestYet, told(t, before)["MountPath"]
	if got := told(t, before); !reflect.DeepEqual(got, want) || !strings.HasPrefix(got["MountPath"], "/proc/") {
		t.Errorf("provisioners were told %v, want %v", got, want)
	}
	want["ImageSHA256"], want["MountPath"] = digest, noMountPathMore
	if got := told(t, after); !reflect.DeepEqual(got, want) {
		t.Errorf("post-processors were told %v, want %v", got, want)
	}
	recorded := readManifest(t, manifest)
	if recorded.ArtifactID != "sha256:"+digest ||
		!reflect.DeepEqual(recorded.CustomData, map[string]string{"digest": digest, "release": "tiny seven"}) {
		t.Errorf("manifest: %+v", recorded)
	}
}

// A variable that there is not is a mistake in the template, not an empty word.
func TestAccNoDeviceToAskFor(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	status, out := runPacker(t, w.dir, w.env(), "validate", w.template(`  elements = ["tiny-os"]`, `
  provisioner "shell" { inline = ["echo ${build.Device}"] }`))
	if status == 0 || !strings.Contains(out, `"Device"`) {
		t.Errorf("status %d:\n%s", status, out)
	}
}

// The older syntax for the same, in a template of the older language.
func TestAccGeneratedDataInJSON(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	elements, err := filepath.Abs("testdata/elements")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.dir, "told")
	text, err := json.Marshal(map[string]interface{}{
		"builders": []interface{}{map[string]interface{}{
			"type": "diskimage", "elements": []string{"tiny-os"}, "element_paths": []string{elements}, "skip_base": true,
			"work_directory": w.work, "output_directory": w.output, "image_name": "tiny", "formats": []string{"raw"},
		}},
		"post-processors": []interface{}{map[string]interface{}{
			"type": "shell-local", "inline": []string{"echo 'digest={{ build `ImageSHA256` }}' > " + file},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "tiny.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if status, out := runPacker(t, w.dir, w.env(), "build", "tiny.json"); status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	if got, want := told(t, file)["digest"], digestOfFile(t, filepath.Join(w.output, "tiny.raw")); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

// manifestBuild is an entry of a file of post-processor manifest.
type manifestBuild struct {
	ArtifactID string `json:"artifact_id"`
	Files      []struct {
		Name string
		Size int64
	}
	CustomData map[string]string `json:"custom_data"`
}

func readManifest(t *testing.T, path string) manifestBuild {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Builds []manifestBuild }
	if err := json.Unmarshal(text, &manifest); err != nil || len(manifest.Builds) != 1 {
		t.Fatalf("%v\n%s", err, text)
	}
	return manifest.Builds[0]
}

// Those that look at every file: all of them find what they want, and nothing
// of it is lost.
func TestAccPostProcessorsThatRead(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	w.build(`
  elements = ["tiny-os", "block-device-gpt"]
  formats  = ["qcow2", "raw"]
`, fmt.Sprintf(`
  post-processors {
    post-processor "checksum" {
      checksum_types = ["sha256", "sha512"]
      output         = "%[1]s/{{.ChecksumType}}"
    }
    post-processor "manifest" { output = "%[1]s/after-checksum.json" }
  }
  post-processor "manifest" { output = "%[1]s/manifest.json" }
  post-processor "provenance" {}
`, w.output))
	want := []string{"after-checksum.json", "manifest.json", "sha256", "sha512", "tiny.qcow2", "tiny.raw"}
	got := slices.DeleteFunc(w.outputs(), func(name string) bool { return strings.HasSuffix(name, ".provenance.json") })
	if !reflect.DeepEqual(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
	digests := map[string]string{}
	for _, name := range []string{"tiny.qcow2", "tiny.raw"} {
		digests[name] = digestOfFile(t, filepath.Join(w.output, name))
	}
	if list := told(t, filepath.Join(w.output, "sha256")); len(list) != 2 {
		t.Errorf("checksums: %v", list)
	}
	judgeIn(t, w.output, "sha256sum", "-c", "sha256")
	judgeIn(t, w.output, "sha512sum", "-c", "sha512")
	recorded := readManifest(t, filepath.Join(w.output, "manifest.json"))
	if recorded.ArtifactID != "sha256:"+digests["tiny.qcow2"] || len(recorded.Files) != 2 ||
		filepath.Base(recorded.Files[0].Name) != "tiny.qcow2" || recorded.Files[1].Size < 1<<20 {
		t.Errorf("manifest: %+v", recorded)
	}
	if after := readManifest(t, filepath.Join(w.output, "after-checksum.json")); len(after.Files) != 4 {
		t.Errorf("a manifest after checksum: %+v", after)
	}
	statements, err := filepath.Glob(filepath.Join(w.output, "*.provenance.json"))
	if err != nil || len(statements) != 1 {
		t.Fatalf("provenance: %v %v", statements, err)
	}
	statement, err := os.ReadFile(statements[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, digest := range digests {
		if !strings.Contains(string(statement), digest) {
			t.Errorf("the provenance statement does not know %s (%s):\n%s", name, digest, statement)
		}
	}
}

// judgeIn is judge in a directory.
func judgeIn(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	judge(t, "env", append([]string{"-C", dir, name}, args...)...)
}

// besides is an element that puts a directory beside the image.
func (w workspace) besides() string {
	return "ELEMENTS_PATH=" + w.element("besides", "cleanup.d/90-besides",
		`mkdir "$IMAGE_NAME.d"; echo list > "$IMAGE_NAME.d/list"`)
}

// compress takes the image's place unless told to keep it; what it made in the
// same directory stays in either case.
func TestAccCompress(t *testing.T) {
	needPacker(t)
	t.Parallel()
	const digest = `post-processor "shell-local" { inline = ["echo digest=${build.ImageSHA256} > OUT/../digest"] }`
	for _, tc := range []struct {
		name, body string
		want       []string
	}{
		{"alone", `post-processor "compress" { output = "OUT/tiny.raw.gz" }`, []string{"tiny.raw.gz"}},
		{"in a chain", `
  post-processors {
    ` + digest + `
    post-processor "compress" { output = "OUT/tiny.raw.gz" }
  }`, []string{"tiny.raw.gz"}},
		{"image kept", digest + `
  post-processor "compress" {
    output              = "OUT/tiny.raw.gz"
    keep_input_artifact = true
  }`, []string{"tiny.d/list", "tiny.raw", "tiny.raw.gz"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			w.build(`
  elements = ["tiny-os", "besides"]
  formats  = ["raw"]
`, strings.ReplaceAll(tc.body, "OUT", w.output), w.besides())
			if got := w.outputs(); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("outputs %v, want %v", got, tc.want)
			}
			archive := filepath.Join(w.output, "tiny.raw.gz")
			judge(t, "gzip", "-t", archive)
			if tc.name == "alone" {
				return
			}
			if got, want := digestOf(t, unzipped(t, archive)), told(t, filepath.Join(w.dir, "digest"))["digest"]; got != want {
				t.Errorf("compressed was %s, the image was %s", got, want)
			}
		})
	}
}

// unzipped reads what gzip compressed.
func unzipped(t *testing.T, path string) io.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// Several formats are several files, which only an archive takes.
func TestAccCompressSeveralFormats(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	out := w.build(`
  elements = ["tiny-os"]
  formats  = ["qcow2", "raw"]
`, fmt.Sprintf(`post-processor "compress" { output = "%s/tiny.tar.gz" }`, w.output))
	names := judge(t, "tar", "-tf", filepath.Join(w.output, "tiny.tar.gz"))
	if !reflect.DeepEqual(strings.Fields(names), []string{"tiny.qcow2", "tiny.raw"}) {
		t.Errorf("members %q\n%s", names, out)
	}
}

// What another program makes of the image becomes the artifact, and the image
// goes when that is asked for.
func TestAccArtifice(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	w.build(`
  elements = ["tiny-os"]
  formats  = ["raw"]
`, fmt.Sprintf(`
  post-processors {
    post-processor "shell-local" { inline = ["qemu-img convert -O vmdk ${build.ImagePath} %[1]s/tiny.vmdk"] }
    post-processor "artifice" {
      files               = ["%[1]s/*.vmdk"]
      keep_input_artifact = false
    }
    post-processor "checksum" {
      checksum_types = ["sha256"]
      output         = "%[1]s/SHA256SUMS"
    }
  }`, w.output))
	if got := w.outputs(); !reflect.DeepEqual(got, []string{"SHA256SUMS", "tiny.vmdk"}) {
		t.Errorf("outputs %v", got)
	}
	judgeIn(t, w.output, "sha256sum", "-c", "SHA256SUMS")
	judge(t, "qemu-img", "check", filepath.Join(w.output, "tiny.vmdk"))
}
