// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	registryimage "github.com/hashicorp/packer-plugin-sdk/packer/registry/image"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// built puts the outputs of a build into a directory that the build made.
func built(t *testing.T) (dir string, result *pipeline.Result) {
	t.Helper()
	above := filepath.Join(t.TempDir(), "above")
	dir = filepath.Join(above, "out")
	if err := os.MkdirAll(filepath.Join(dir, "x.d", "inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "x.qcow2", "x.raw", "x.d/list", "x.d/inner/file")
	return dir, &pipeline.Result{
		Files:           []string{filepath.Join(dir, "x.qcow2"), filepath.Join(dir, "x.raw")},
		Beside:          []string{filepath.Join(dir, "x.d")},
		DirectoriesMade: []string{above, dir},
		SHA256:          "abc", DiskBytes: 10<<30 + 1,
	}
}

func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// remaining lists the files below a directory.
func remaining(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			found = append(found, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return found
}

func TestArtifact(t *testing.T) {
	_, result := built(t)
	a := newArtifact(result, "here", map[string]interface{}{"k": "v", "MountPath": "/proc/1/root/x", "ImageSHA256": noDigestYet})
	if a.Id() != "sha256:abc" || a.BuilderId() != BuilderID || !reflect.DeepEqual(a.Files(), result.Files) {
		t.Errorf("%s %s %v", a.Id(), a.BuilderId(), a.Files())
	}
	for name, want := range map[string]interface{}{
		"diskName": "x.qcow2", "diskType": "qcow2", "domainType": "kvm", "diskPaths": result.Files,
		// A size that is no whole number of MiB is rounded up.
		"diskSize":       "10241M",
		"generated_data": map[string]interface{}{"k": "v", "MountPath": noMountPathMore, "ImageSHA256": "abc"},
	} {
		if !reflect.DeepEqual(a.State(name), want) {
			t.Errorf("state %s: %v, want %v", name, a.State(name), want)
		}
	}
	if a.State("unknown") != nil {
		t.Error("an unknown state is not nil")
	}
}

// What no provisioner asked for may be absent; no state may be nil then.
func TestArtifactOfLittle(t *testing.T) {
	a := newArtifact(&pipeline.Result{Files: []string{"x.raw"}, SHA256: "abc"}, "here", nil)
	if data, ok := a.State("generated_data").(map[string]interface{}); !ok || data["ImageSHA256"] != "abc" {
		t.Errorf("generated_data: %#v", a.State("generated_data"))
	}
	image, ok := a.State(registryimage.ArtifactStateURI).(*registryimage.Image)
	if !ok || image.Validate() != nil || image.ProviderRegion != "here" {
		t.Errorf("registry image: %#v", image)
	}
	for label, text := range image.Labels {
		if text == "" {
			t.Errorf("label %s is empty", label)
		}
	}
}

// Without an image what hooks put beside it is the artifact, and describes no disk.
func TestArtifactWithoutImage(t *testing.T) {
	a := newArtifact(&pipeline.Result{More: []string{"x.initrd", "x.vmlinuz"}, SHA256: "abc"}, "here", nil)
	if !reflect.DeepEqual(a.Files(), []string{"x.initrd", "x.vmlinuz"}) || a.Id() != "sha256:abc" {
		t.Errorf("%v %s", a.Files(), a.Id())
	}
	for _, name := range []string{"diskName", "diskType", "diskSize", "diskPaths", "domainType"} {
		if a.State(name) != nil {
			t.Errorf("state %s of no disk: %v", name, a.State(name))
		}
	}
	a = newArtifact(&pipeline.Result{Files: []string{"x.raw"}, More: []string{"x.vmlinuz"}, SHA256: "abc"}, "here", nil)
	if !reflect.DeepEqual(a.State("diskPaths"), []string{"x.raw"}) || len(a.Files()) != 2 {
		t.Errorf("%v of %v", a.State("diskPaths"), a.Files())
	}
}

func TestRegistryImage(t *testing.T) {
	_, result := built(t)
	a := newArtifact(result, "rack-1", map[string]interface{}{
		"Elements": "debian-minimal,vm", "Architecture": "amd64", "Distribution": "debian", "Release": "bookworm",
		"SourceImageURL": "https://mirror/x.qcow2", "MountPath": "/proc/1/root/x",
	})
	want := &registryimage.Image{
		ImageID: "sha256:abc", ProviderName: "diskimage", ProviderRegion: "rack-1", SourceImageID: "https://mirror/x.qcow2",
		Labels: map[string]string{
			"architecture": "amd64", "digest": "sha256:abc", "disk_size": "10241M", "distribution": "debian",
			"elements": "debian-minimal,vm", "file": "x.qcow2", "format": "qcow2", "release": "bookworm",
		},
	}
	if got := a.State(registryimage.ArtifactStateURI); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func TestPublicSource(t *testing.T) {
	for source, want := range map[string]string{
		"": "", "/images/base.qcow2": "/images/base.qcow2", "sha256:abc": "sha256:abc", "ami-0 1%": "ami-0 1%",
		"https://mirror/base.qcow2":                           "https://mirror/base.qcow2",
		"https://user:secret@mirror/base.qcow2?sig=secret#as": "https://mirror/base.qcow2",
		"file:///images/base.qcow2":                           "file:///images/base.qcow2",
	} {
		if got := publicSource(source); got != want || checkSource(source) != nil {
			t.Errorf("%s: %s %v", source, got, checkSource(source))
		}
	}
	for _, source := range []string{"https://user:sec%ret@mirror/x", "https:///x", "://"} {
		if err := checkSource(source); err == nil || strings.Contains(err.Error(), "ret@") {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestDestroyRemovesWhatTheBuildMade(t *testing.T) {
	dir, result := built(t)
	a := newArtifact(result, "here", nil)
	for range 2 { // the second time nothing is there
		if err := a.Destroy(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Dir(dir)); !os.IsNotExist(err) {
		t.Errorf("left: %v, %v", remaining(t, filepath.Dir(dir)), err)
	}
}

func TestDestroyLeavesWhatOthersMade(t *testing.T) {
	dir, result := built(t)
	a := newArtifact(result, "here", nil)
	write(t, dir, "x.tar.gz", "x.d/inner/theirs")
	if err := a.Destroy(); err != nil {
		t.Fatal(err)
	}
	if got := remaining(t, dir); !reflect.DeepEqual(got, []string{"x.d/inner/theirs", "x.tar.gz"}) {
		t.Errorf("left: %v", got)
	}
}

func TestDestroyLeavesDirectoriesThatWereThere(t *testing.T) {
	dir, result := built(t)
	result.DirectoriesMade = nil
	if err := newArtifact(result, "here", nil).Destroy(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left: %v %v", entries, err)
	}
}

func TestMistakesInRegistryAttributes(t *testing.T) {
	for attribute, value := range map[string]string{"region": " \t", "source_image": "https://user:sec%ret@mirror/x"} {
		var b Builder
		_, _, err := b.Prepare(raw(t, map[string]interface{}{attribute: value}))
		if err == nil || !strings.Contains(err.Error(), attribute) || strings.Contains(err.Error(), "ret@") {
			t.Errorf("%s = %q: %v", attribute, value, err)
		}
	}
}
