// SPDX-License-Identifier: MPL-2.0

package seedconfig

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

const (
	header           = "#cloud-config\n"
	networkAttribute = "network"
	// attributesDocument names, in messages, the cloud-config made of attributes.
	attributesDocument = "the attributes"
	randomID           = "random"
)

// document is one document's pair of attributes.
type document struct {
	attribute, text, file string
}

func (c *Config) documents() []document {
	return []document{
		{"user_data", c.UserData, c.UserDataFile},
		{"meta_data", c.MetaData, c.MetaDataFile},
		{"network_config", c.NetworkConfig, c.NetworkConfigFile},
		{"vendor_data", c.VendorData, c.VendorDataFile},
	}
}

// Seed reads and makes the documents. What is not known yet is left out, and so
// is what is made of something that is not known.
func (c *Config) Seed() (s nocloud.Seed, errs []error) {
	documents := []*nocloud.Document{&s.UserData, &s.MetaData, &s.NetworkConfig, &s.VendorData}
	for i, d := range c.documents() {
		var err error
		if *documents[i], err = d.read(); err != nil {
			errs = append(errs, err)
		}
	}
	s.CustomKeys, s.PlainPasswords, s.Raw = c.CustomKeys, c.AllowPlainPasswords, c.Raw
	s.Hostname, s.Compress, s.Meta = known(c.Hostname), c.Compress, c.knownMeta()
	if s.Hostname == "" && !s.MetaData.Given() && hostName.MatchString(known(c.FQDN)) {
		s.Hostname = known(c.FQDN)
	}
	var err error
	s.RandomID = c.InstanceID == randomID
	if s.InstanceID, err = c.instanceID(); err != nil {
		errs = append(errs, err)
	}
	if !c.Network.empty() && !s.NetworkConfig.Given() && !unknown(c.Network) {
		s.NetworkConfig = nocloud.Document{Attribute: networkAttribute, Text: []byte(c.Network.text()), Generated: true}
	}
	parts, unread := c.parts()
	s.Parts = parts
	return s, append(errs, unread...)
}

// instanceID is the one to use; a random one stays the same until the end.
func (c *Config) instanceID() (string, error) {
	if c.InstanceID != randomID {
		return known(c.InstanceID), nil
	}
	if c.random == "" {
		var id [8]byte
		if _, err := rand.Read(id[:]); err != nil {
			return "", fmt.Errorf("instance_id: making a random one: %w", err)
		}
		c.random = "iid-" + hex.EncodeToString(id[:])
	}
	return c.random, nil
}

// parts are the parts of user-data that come after user_data itself.
func (c *Config) parts() (parts []nocloud.Part, errs []error) {
	text, err := c.cloudConfig()
	if err != nil {
		errs = append(errs, err)
	}
	if text != "" {
		parts = append(parts, nocloud.Part{
			Document: nocloud.Document{Attribute: attributesDocument, Text: []byte(text), Generated: true}, Filename: "attributes",
		})
	}
	if text := c.CloudConfig; text != "" && text != Unknown {
		added := 0
		if needsHeader(text) {
			text, added = header+text, 1
		}
		parts = append(parts, nocloud.Part{
			Document: nocloud.Document{Attribute: "cloud_config", Text: []byte(text), Added: added}, Filename: "cloud-config",
		})
	}
	for i, p := range c.Parts {
		parts = appendPart(parts, &errs, p.document(i), p.part())
	}
	for i, s := range c.Scripts {
		parts = appendPart(parts, &errs, s.document(i), s.part(i))
	}
	return parts, errs
}

// appendPart appends a part with its content, if that is known.
func appendPart(parts []nocloud.Part, errs *[]error, d document, p nocloud.Part) []nocloud.Part {
	var err error
	if p.Document, err = d.readAs(d.attribute+".content", d.attribute+".source"); err != nil {
		*errs = append(*errs, err)
	}
	if p.Given() {
		parts = append(parts, p)
	}
	return parts
}

var anyHeader = regexp.MustCompile(`(?i)^(#cloud-config|## template:)`)

// needsHeader says whether a text is a cloud-config but for its first line. One
// that has the header further down is left as it is, so that the mistake is told.
func needsHeader(text string) bool {
	return !anyHeader.MatchString(text) && !strings.Contains(text, "\n#cloud-config\n")
}

// withoutAttributes leaves out the part that the attributes make.
func withoutAttributes(parts []nocloud.Part) []nocloud.Part {
	return slices.DeleteFunc(parts, func(p nocloud.Part) bool { return p.Attribute == attributesDocument })
}

var metaKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,99}$`)

func (c *Config) checkMeta(wrong *problems) {
	for key := range c.Meta {
		attribute := fmt.Sprintf("meta[%q]", key)
		switch {
		case key == "instance-id" || key == "local-hostname":
			wrong.add(attribute, "this key has an attribute of its own", "set instance_id or hostname")
		case !metaKey.MatchString(key):
			wrong.add(attribute, "not a key that templates could use", "use letters, digits, _ and -")
		}
	}
	slices.SortFunc(wrong.errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
}

func (c *Config) knownMeta() map[string]string {
	for _, value := range c.Meta {
		if notKnown(value) {
			return nil
		}
	}
	return c.Meta
}

func (d document) read() (nocloud.Document, error) {
	return d.readAs(d.attribute, d.attribute+"_file")
}

// readAs reads the document; the names are those of its attributes.
func (d document) readAs(textName, fileName string) (nocloud.Document, error) {
	switch {
	case d.text == Unknown || notKnown(d.file):
		return nocloud.Document{}, nil
	case d.text != "":
		return nocloud.Document{Attribute: textName, Text: []byte(d.text)}, nil
	case d.file == "":
		return nocloud.Document{}, nil
	}
	text, err := readFile(d.file)
	if err != nil {
		return nocloud.Document{}, fmt.Errorf("%s: reading the file failed: %w; give the path of a readable file", fileName, err)
	}
	return nocloud.Document{Attribute: fileName, Source: d.file, Text: text}, nil
}

// readFile reads a file, but of one that is too large only as much as shows it.
func readFile(path string) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err = io.ReadAll(io.LimitReader(f, nocloud.MaxSize+1))
	if text == nil {
		text = []byte{}
	}
	return text, err
}
