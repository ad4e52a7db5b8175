// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Names of the files of a seed, as cloud-init looks for them.
const (
	UserDataFile      = "user-data"
	MetaDataFile      = "meta-data"
	NetworkConfigFile = "network-config"
	VendorDataFile    = "vendor-data"
)

// Modes of a seed on disk. It often holds passwords and keys.
const (
	FileMode fs.FileMode = 0o600
	DirMode  fs.FileMode = 0o700
)

// EmptyDocument is written as user-data when none is given: without such a file
// cloud-init does not see the seed at all.
const EmptyDocument = "#cloud-config\n{}\n"

// File is one file of a rendered seed.
type File struct {
	Name    string
	Mode    fs.FileMode
	Content []byte
}

// Rendered is a seed ready to be carried to a machine.
type Rendered struct {
	// Files are in a fixed order; user-data and meta-data are always there.
	Files []File
	// InstanceID is the one that meta-data says.
	InstanceID string
	// Derived says that the instance-id was computed from the seed.
	Derived bool
	// Random says that it was made at random.
	Random bool
}

// Render gives the files of the seed. It is a pure function: the same seed
// gives the same bytes and the same instance-id, another seed another id.
// A seed that Check finds wrong may fail to render.
func (s Seed) Render() (Rendered, error) {
	var out Rendered
	userData, err := s.userData()
	if err != nil {
		return Rendered{}, err
	}
	metaData, err := s.metaData(&out, userData)
	if err != nil {
		return Rendered{}, err
	}
	out.add(UserDataFile, userData)
	out.add(MetaDataFile, metaData)
	if s.NetworkConfig.Given() {
		out.add(NetworkConfigFile, s.NetworkConfig.Text)
	}
	if s.VendorData.Given() {
		out.add(VendorDataFile, s.VendorData.Text)
	}
	return out, nil
}

func (out *Rendered) add(name string, content []byte) {
	out.Files = append(out.Files, File{Name: name, Mode: FileMode, Content: content})
}

// metaData adds to the given meta-data what it lacks, and notes the instance-id.
func (s Seed) metaData(out *Rendered, userData []byte) ([]byte, error) {
	root, err := parseYAML(bytes.NewReader(s.MetaData.Text))
	if err != nil {
		return nil, fmt.Errorf("reading meta-data: %w", err)
	}
	var add []keyValue
	if _, given := field(root, instanceIDKey); given != nil {
		out.InstanceID = given.Value
	} else {
		out.InstanceID, out.Derived, out.Random = s.InstanceID, s.InstanceID == "", s.RandomID
		if out.Derived {
			out.InstanceID = s.deriveID(userData)
		}
		add = append(add, keyValue{instanceIDKey, out.InstanceID})
	}
	if _, given := field(root, localHostnameKey); given == nil && s.Hostname != "" {
		add = append(add, keyValue{localHostnameKey, s.Hostname})
	}
	for _, key := range slices.Sorted(maps.Keys(s.Meta)) {
		add = append(add, keyValue{key, s.Meta[key]})
	}
	return addKeys(s.MetaData.Text, add)
}

// deriveID makes an instance-id of all that the seed says, so that a changed
// seed is a new instance, on which cloud-init acts.
func (s Seed) deriveID(userData []byte) string {
	h := sha256.New()
	if len(s.Parts) > 0 || s.Compress {
		s.UserData.Text = userData
	}
	for _, d := range []Document{s.UserData, s.MetaData, s.NetworkConfig, s.VendorData} {
		field := "-"
		if d.Given() {
			field = "+" + string(d.Text)
		}
		hashField(h, field)
	}
	hashField(h, s.Hostname)
	for _, key := range slices.Sorted(maps.Keys(s.Meta)) {
		hashField(h, key)
		hashField(h, s.Meta[key])
	}
	return "iid-" + hex.EncodeToString(h.Sum(nil))[:16]
}

// hashField hashes a text with its length, so that no two lists of texts hash alike.
func hashField(h hash.Hash, text string) {
	fmt.Fprintf(h, "%d:%s", len(text), text)
}

// Summary names files and sizes, never contents: "user-data (120 bytes), …".
func (out Rendered) Summary() string {
	var parts []string
	for _, f := range out.Files {
		parts = append(parts, fmt.Sprintf("%s (%d bytes)", f.Name, len(f.Content)))
	}
	return strings.Join(parts, ", ")
}
