// SPDX-License-Identifier: MPL-2.0

package seedconfig

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
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

// Seed reads the documents. What is not known yet is left out.
func (c *Config) Seed() (s nocloud.Seed, errs []error) {
	documents := []*nocloud.Document{&s.UserData, &s.MetaData, &s.NetworkConfig, &s.VendorData}
	for i, d := range c.documents() {
		var err error
		if *documents[i], err = d.read(); err != nil {
			errs = append(errs, err)
		}
	}
	s.InstanceID, s.Hostname = known(c.InstanceID), known(c.Hostname)
	s.CustomKeys, s.PlainPasswords = c.CustomKeys, c.AllowPlainPasswords
	return s, errs
}

// known is the value, or empty while it is unknown.
func known(value string) string {
	if value == Unknown {
		return ""
	}
	return value
}

func (d document) read() (nocloud.Document, error) {
	switch {
	case d.text == Unknown || d.file == Unknown:
		return nocloud.Document{}, nil
	case d.text != "":
		return nocloud.Document{Attribute: d.attribute, Text: []byte(d.text)}, nil
	case d.file == "":
		return nocloud.Document{}, nil
	}
	attribute := d.attribute + "_file"
	text, err := readFile(d.file)
	if err != nil {
		return nocloud.Document{}, fmt.Errorf("%s: reading the file failed: %w; give the path of a readable file", attribute, err)
	}
	return nocloud.Document{Attribute: attribute, Source: d.file, Text: text}, nil
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

// Unknowns names the attributes whose value is not known yet.
func (c *Config) Unknowns() (names []string) {
	values := [][2]string{{"instance_id", c.InstanceID}, {"hostname", c.Hostname}}
	for _, d := range c.documents() {
		values = append(values, [2]string{d.attribute, d.text}, [2]string{d.attribute + "_file", d.file})
	}
	for _, v := range values {
		if v[1] == Unknown {
			names = append(names, v[0])
		}
	}
	return names
}
