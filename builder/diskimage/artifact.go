// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	registryimage "github.com/hashicorp/packer-plugin-sdk/packer/registry/image"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// Artifact is the files of a build: images, as a rule.
type Artifact struct {
	files  []string
	digest string
	// made is everything that Destroy removes: files, and then directories if
	// they are empty by then.
	made  []string
	state map[string]interface{}
}

var _ packersdk.Artifact = (*Artifact)(nil)

// newArtifact tells post-processors about the result; the keys of the state
// are those of the QEMU builder. The data are those that provisioners saw.
func newArtifact(result *pipeline.Result, region string, data map[string]interface{}) *Artifact {
	a := &Artifact{files: slices.Concat(result.Files, result.More), digest: result.SHA256}
	a.made = append(a.made, a.files...)
	for _, path := range result.Beside {
		a.made = append(a.made, below(path)...)
	}
	for _, dir := range slices.Backward(result.DirectoriesMade) {
		a.made = append(a.made, dir)
	}
	data = finalData(data, result)
	size := diskSize(result.DiskBytes)
	a.state = map[string]interface{}{
		"generated_data":               data,
		registryimage.ArtifactStateURI: registryImage(a, region, size, data),
	}
	if len(result.Files) > 0 {
		first := result.Files[0]
		maps.Copy(a.state, map[string]interface{}{
			"diskName":   filepath.Base(first),
			"diskType":   format(first),
			"diskSize":   size,
			"diskPaths":  slices.Clone(result.Files),
			"domainType": "kvm",
		})
	}
	return a
}

// format is an image file's format, which its extension tells.
func format(file string) string { return strings.TrimPrefix(filepath.Ext(file), ".") }

// diskSize is a size as the QEMU builder has it: a number and its unit, without
// which post-processors take it for MiB.
func diskSize(bytes int64) string {
	const mebi = 1 << 20
	return fmt.Sprintf("%dM", (bytes+mebi-1)/mebi)
}

// below lists a file, or a directory and all that is in it, insides first.
func below(path string) []string {
	var all []string
	// What cannot be read is not removed later; the build is done and good.
	_ = filepath.WalkDir(path, func(name string, _ fs.DirEntry, err error) error {
		if err == nil {
			all = append(all, name)
		}
		return nil
	})
	slices.Reverse(all)
	return all
}

// BuilderId names the builder.
func (*Artifact) BuilderId() string { return BuilderID }

// Files are the image files, in the order of the template's formats, and then
// what elements made beside them for the same purpose (a kernel, a ramdisk).
func (a *Artifact) Files() []string { return a.files }

// Id is the digest of the first file.
func (a *Artifact) Id() string { return "sha256:" + a.digest }

// String is what Packer shows at the end.
func (a *Artifact) String() string { return "disk image: " + strings.Join(a.files, ", ") }

// State returns a value for post-processors, nil for an unknown name.
func (a *Artifact) State(name string) interface{} { return a.state[name] }

// Destroy removes what the build made: the image files, what hooks put beside
// them, and directories of the build that are empty then. Whatever else came
// to be there meanwhile, by a post-processor for example, stays.
func (a *Artifact) Destroy() error {
	var errs []error
	for _, path := range a.made {
		err := os.Remove(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !occupied(path) {
			errs = append(errs, fmt.Errorf("removing the image: %w", err))
		}
	}
	return errors.Join(errs...)
}

// occupied tells whether a path is a directory with something in it.
func occupied(path string) bool {
	entries, err := os.ReadDir(path)
	return err == nil && len(entries) > 0
}
