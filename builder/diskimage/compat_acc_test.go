// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// TestAccCompatibility is what has to work with every Packer that the plugin
// supports, over both of its protocols. `make test` runs it with one packer,
// `make test-compat` with the oldest supported one and some between.
func TestAccCompatibility(t *testing.T) {
	needPacker(t)
	for protocol, env := range map[string][]string{
		"own protocol": nil,
		"gob":          {"PACKER_FORCE_GOB=1"},
	} {
		for name, try := range map[string]func(*testing.T, workspace, []string){
			"protocol":       compatProtocol,
			"bad template":   compatBadTemplate,
			"HCL2":           compatHCL2,
			"JSON":           compatJSON,
			"failing hook":   compatFailingHook,
			"failing script": compatFailingScript,
			"interrupt":      compatInterrupt,
		} {
			t.Run(protocol+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWorkspace(t)
				try(t, w, w.env(env...))
			})
		}
	}
}

// The variable does force gob, and without it a packer that can uses protobuf:
// otherwise one of the two would be tested twice.
func compatProtocol(t *testing.T, w workspace, env []string) {
	_, version := runPacker(t, w.dir, env, "version")
	var minor int
	if _, err := fmt.Sscanf(version, "Packer v1.%d.", &minor); err != nil {
		t.Fatalf("%v: %q", err, version)
	}
	gob := false
	for _, variable := range env {
		gob = gob || variable == "PACKER_FORCE_GOB=1"
	}
	status, out := runPacker(t, w.dir, append(env, "PACKER_LOG=1"), "validate", w.template(`  elements = ["tiny-os"]`, ""))
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	if got, want := strings.Contains(out, `"--protobuf"`), minor >= 12 && !gob; got != want {
		t.Errorf("protobuf spoken: %t, want %t:\n%s", got, want, out)
	}
}

// All that is wrong is said at once, each with its attribute.
func compatBadTemplate(t *testing.T, w workspace, env []string) {
	template := w.template(`
  elements  = ["tiny-os", "debian-minimol"]
  disk_size = "10 bananas"
  formats   = ["qcow3"]`, "")
	for _, verb := range []string{"validate", "build"} {
		status, out := runPacker(t, w.dir, env, verb, template)
		if status != 1 {
			t.Errorf("%s: status %d", verb, status)
		}
		for _, want := range []string{"debian-minimol", "debian-minimal", "disk_size", "10 bananas", "formats", "qcow3"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s does not speak of %s:\n%s", verb, want, out)
			}
		}
	}
	// Of what the specification of attributes itself finds, too.
	status, out := runPacker(t, w.dir, env, "validate", w.template(`
  elements = ["tiny-os"]
  format   = "raw"`, ""))
	if status != 1 || !strings.Contains(out, `"format"`) {
		t.Errorf("status %d:\n%s", status, out)
	}
	w.assertClean()
}

// inImage reads a file of an image without partitions.
func (w workspace) inImage(path string) string {
	w.t.Helper()
	text := judge(w.t, "sh", "-c", fmt.Sprintf("debugfs -R 'cat %s' %s 2>/dev/null", path, filepath.Join(w.output, "tiny.raw")))
	return strings.TrimSpace(text)
}

func compatHCL2(t *testing.T, w workspace, env []string) {
	before, after := filepath.Join(w.dir, "before"), filepath.Join(w.dir, "after")
	manifest, back := filepath.Join(w.dir, "manifest.json"), filepath.Join(w.dir, "back")
	source := filepath.Join(w.dir, "a file")
	if err := os.WriteFile(source, []byte("uploaded\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	template := w.template(`
  elements    = ["tiny-os", "probe"]
  environment = { FROM_TEMPLATE = "it's $HOME" }
  formats     = ["raw", "qcow2"]`, fmt.Sprintf(`
  provisioner "shell" {
    environment_vars = ["NOTE=it's $HOME"]
    inline           = ["test \"$PACKER_BUILD_NAME\" = tiny", "echo \"$NOTE\" > /etc/note", "echo ${build.ID} > /etc/id"]
  }
  provisioner "file" {
    source      = %q
    destination = "/etc/uploaded"
  }
  provisioner "file" {
    direction   = "download"
    source      = "/etc/uploaded"
    destination = %q
  }
  provisioner "diskimage-nocloud" {
    hostname  = "compat"
    user_data = "#cloud-config\nfinal_message: it's {{ $HOME }}\n"
  }
  provisioner "shell-local" {
    inline = ["cat ${build.MountPath}/etc/hostname > %s"]
  }
  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "%s/SHA256SUMS"
  }
  post-processor "manifest" {
    output      = %q
    custom_data = { digest = "${build.ImageSHA256}" }
  }
  post-processor "shell-local" {
    inline = ["echo digest=${build.ImageSHA256} > %s", "test -s ${build.ImagePath}"]
  }`, source, back, before, w.output, manifest, after))
	for _, args := range [][]string{{"validate", template}, {"build", template}} {
		if status, out := runPacker(t, w.dir, env, args...); status != 0 {
			t.Fatalf("%s: status %d:\n%s", args[0], status, out)
		}
	}
	w.assertClean()
	for path, want := range map[string]string{
		"/etc/note":                             "it's $HOME",
		"/etc/uploaded":                         "uploaded",
		"/var/lib/cloud/seed/nocloud/user-data": "#cloud-config\nfinal_message: it's {{ $HOME }}",
	} {
		if got := w.inImage(path); got != want {
			t.Errorf("%s in the image: %q, want %q", path, got, want)
		}
	}
	if got := w.inImage("/etc/id"); !strings.HasPrefix(got, "diskimage-") {
		t.Errorf("build.ID in a provisioner: %q", got)
	}
	for path, want := range map[string]string{back: "uploaded\n", before: "tiny\n"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s: %q, want %q: %v", path, got, want, err)
		}
	}
	judgeIn(t, w.output, "sha256sum", "-c", "SHA256SUMS")
	judge(t, "qemu-img", "compare", filepath.Join(w.output, "tiny.raw"), filepath.Join(w.output, "tiny.qcow2"))
	digest := digestOfFile(t, filepath.Join(w.output, "tiny.raw"))
	if got := told(t, after)["digest"]; got != digest {
		t.Errorf("a post-processor was told %q, want %q", got, digest)
	}
	recorded := readManifest(t, manifest)
	if recorded.ArtifactID != "sha256:"+digest || recorded.CustomData["digest"] != digest || len(recorded.Files) != 2 {
		t.Errorf("manifest: %+v", recorded)
	}
}

func compatJSON(t *testing.T, w workspace, env []string) {
	elements, err := filepath.Abs("testdata/elements")
	if err != nil {
		t.Fatal(err)
	}
	manifest, after := filepath.Join(w.dir, "manifest.json"), filepath.Join(w.dir, "after")
	type object = map[string]any
	text, err := json.Marshal(object{
		"variables": object{"note": ""},
		"builders": []object{{
			"type": "diskimage", "name": "tiny", "elements": []string{"tiny-os"}, "element_paths": []string{elements}, "skip_base": true,
			"work_directory": w.work, "output_directory": w.output, "image_name": "{{ build_name }}", "formats": []string{"raw"},
			"environment": object{"FROM_TEMPLATE": "{{ user `note` }}"},
		}},
		"provisioners": []object{
			{"type": "shell", "inline": []string{"echo '{{ user `note` }}' > /etc/note"}},
			{"type": "diskimage-nocloud", "user_data": "#cloud-config\n{}\n"},
		},
		"post-processors": []any{
			[]object{
				{"type": "shell-local", "inline": []string{"echo 'digest={{ build `ImageSHA256` }}' > " + after}},
				{"type": "manifest", "output": manifest},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "tiny.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"validate", "build"} {
		if status, out := runPacker(t, w.dir, env, verb, "-var", "note=said", "tiny.json"); status != 0 {
			t.Fatalf("%s: status %d:\n%s", verb, status, out)
		}
	}
	w.assertClean()
	digest := digestOfFile(t, filepath.Join(w.output, "tiny.raw"))
	if got := []string{w.inImage("/etc/note"), told(t, after)["digest"], readManifest(t, manifest).ArtifactID}; !reflect.DeepEqual(got, []string{"said", digest, "sha256:" + digest}) {
		t.Errorf("note, digest and id: %q, digest %s", got, digest)
	}
}

func compatFailingHook(t *testing.T, w workspace, env []string) {
	intact := w.earlier()
	status, out := runPacker(t, w.dir, append(env, "PROBE_FAIL=finalise.d"), "build", "-force", w.template(probed, ""))
	if status != 1 || !strings.Contains(out, `of element "probe"`) || !strings.Contains(out, "exit status 7") {
		t.Errorf("status %d:\n%s", status, out)
	}
	w.assertClean()
	intact()
}

func compatFailingScript(t *testing.T, w workspace, env []string) {
	intact := w.earlier()
	status, out := runPacker(t, w.dir, env, "build", "-force", w.template(probed, `
  provisioner "shell" { inline = ["(sleep 1000 &)", "exit 42"] }
  error-cleanup-provisioner "shell" { inline = ["echo tidied up"] }`))
	if status != 1 || !strings.Contains(out, "42") || !strings.Contains(out, "tidied up") {
		t.Errorf("status %d:\n%s", status, out)
	}
	w.assertClean()
	intact()
}

func compatInterrupt(t *testing.T, w workspace, env []string) {
	intact := w.earlier()
	r := startPacker(t, w.dir, env, "build", "-force", w.template(probed, `
  provisioner "shell" { inline = ["echo waiting in a provisioner; sleep 1000"] }`))
	r.waitFor("waiting in a provisioner")
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if status := r.wait(); status != 1 {
		t.Errorf("status %d:\n%s", status, r.output())
	}
	w.assertClean()
	intact()
}
