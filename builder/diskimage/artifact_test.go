// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

func TestArtifact(t *testing.T) {
	for _, made := range []bool{true, false} {
		dir := filepath.Join(t.TempDir(), "out")
		if err := os.MkdirAll(filepath.Join(dir, "x.d", "inner"), 0o755); err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, name := range []string{"x.qcow2", "x.raw"} {
			files = append(files, filepath.Join(dir, name))
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		a := newArtifact(&pipeline.Result{Files: files, Beside: []string{filepath.Join(dir, "x.d")}, DirectoryMade: made,
			SHA256: "abc", DiskBytes: 5}, dir, map[string]interface{}{"k": "v"})
		if a.Id() != "sha256:abc" || a.BuilderId() != BuilderID || len(a.Files()) != 2 {
			t.Errorf("%s %s %v", a.Id(), a.BuilderId(), a.Files())
		}
		for name, want := range map[string]string{"diskName": "x.qcow2", "diskType": "qcow2", "diskSize": "5", "domainType": "kvm"} {
			if a.State(name) != want {
				t.Errorf("state %s: %v", name, a.State(name))
			}
		}
		if a.State("unknown") != nil {
			t.Error("an unknown state is not nil")
		}
		if err := a.Destroy(); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(dir)
		if gone := os.IsNotExist(err); gone != made {
			t.Errorf("the output directory is gone: %v; the build made it: %v", gone, made)
		}
		if !made {
			if entries, _ := os.ReadDir(dir); len(entries) != 0 {
				t.Errorf("left: %v", entries)
			}
		}
	}
}

func TestArtifactLeavesWhatOthersMade(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "x.tar.gz")
	if err := os.WriteFile(theirs, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	a := newArtifact(&pipeline.Result{Files: []string{filepath.Join(dir, "gone.raw")}, DirectoryMade: true}, dir, nil)
	if err := a.Destroy(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Error(err)
	}
}
