// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Candidate is an element that may bring a layout.
type Candidate struct {
	Element string
	FS      fs.FS
}

// Source is a chosen document.
type Source struct {
	Document []byte
	// From tells where it comes from, for the plan: a path, "DIB_BLOCK_DEVICE_CONFIG"
	// or "element x: file". It is empty for the partitionless fallback, which has
	// no document.
	From string
	// Ignored are further elements that bring a layout.
	Ignored []string
}

// Select chooses the document (element contract §5.1): config is the value of
// DIB_BLOCK_DEVICE_CONFIG, which is YAML or "file://PATH"; without it the first
// candidate with a layout for the architecture, or a default one, counts. Other
// than upstream's, the order of the candidates is the caller's. readFile reads
// a file of this host.
func Select(config, arch string, candidates []Candidate, readFile func(string) ([]byte, error)) (Source, error) {
	if path, ok := strings.CutPrefix(config, "file://"); ok {
		doc, err := readFile(path)
		if err != nil {
			return Source{}, fmt.Errorf("reading the block device layout that DIB_BLOCK_DEVICE_CONFIG names: %w", err)
		}
		return Source{Document: doc, From: path}, nil
	}
	if strings.TrimSpace(config) != "" {
		return Source{Document: []byte(config), From: "DIB_BLOCK_DEVICE_CONFIG"}, nil
	}
	var chosen Source
	for _, c := range candidates {
		doc, name, err := c.read(arch)
		switch {
		case err != nil:
			return Source{}, err
		case name == "":
		case chosen.From == "":
			chosen = Source{Document: doc, From: "element " + c.Element + ": " + name}
		default:
			chosen.Ignored = append(chosen.Ignored, c.Element)
		}
	}
	return chosen, nil
}

func (c Candidate) read(arch string) (doc []byte, name string, err error) {
	if arch == "ppc64le" {
		arch = "ppc64el"
	}
	for _, name := range []string{"block-device-" + arch + ".yaml", "block-device-default.yaml"} {
		doc, err := fs.ReadFile(c.FS, name)
		if err == nil {
			return doc, name, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, "", fmt.Errorf("reading the layout of element %s: %w", c.Element, err)
		}
	}
	return nil, "", nil
}
