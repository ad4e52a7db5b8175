// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// Artifact is the image files of a build.
type Artifact struct {
	files, beside []string
	digest        string
	// directory is the output directory if the build made it.
	directory string
	state     map[string]interface{}
}

var _ packersdk.Artifact = (*Artifact)(nil)

// newArtifact tells post-processors about the result; the keys of the state
// are those of the QEMU builder.
func newArtifact(result *pipeline.Result, directory string, generated interface{}) *Artifact {
	first := result.Files[0]
	if !result.DirectoryMade {
		directory = ""
	}
	return &Artifact{
		files:     result.Files,
		beside:    result.Beside,
		digest:    result.SHA256,
		directory: directory,
		state: map[string]interface{}{
			"generated_data": generated,
			"diskName":       filepath.Base(first),
			"diskType":       strings.TrimPrefix(filepath.Ext(first), "."),
			"diskSize":       fmt.Sprintf("%d", result.DiskBytes),
			"diskPaths":      result.Files,
			"domainType":     "kvm",
		},
	}
}

// BuilderId names the builder.
func (*Artifact) BuilderId() string { return BuilderID }

// Files are the image files, in the order of the template's formats.
func (a *Artifact) Files() []string { return a.files }

// Id is the digest of the first image file.
func (a *Artifact) Id() string { return "sha256:" + a.digest }

// String is what Packer shows at the end.
func (a *Artifact) String() string { return "disk image: " + strings.Join(a.files, ", ") }

// State returns a value for post-processors, nil for an unknown name.
func (a *Artifact) State(name string) interface{} { return a.state[name] }

// Destroy removes what the build made: the image files, what hooks put beside
// them, and the output directory if the build made it and it is empty then.
func (a *Artifact) Destroy() error {
	var errs []error
	for _, file := range a.files {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("removing an image file: %w", err))
		}
	}
	for _, path := range a.beside {
		errs = append(errs, os.RemoveAll(path))
	}
	if a.directory == "" {
		return errors.Join(errs...)
	}
	// A directory with something else in it stays, by its own refusal.
	_ = os.Remove(a.directory)
	return errors.Join(errs...)
}
