// SPDX-License-Identifier: MPL-2.0

package seedconfig

import (
	"errors"

	"github.com/hashicorp/packer-plugin-sdk/template/config"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/yamltext"
)

// cloudConfig is what the attributes say, as a cloud-config; empty if they say
// nothing, or while something of it is not known.
func (c *Config) cloudConfig() (string, error) {
	if unknown(&c.Accounts) || unknown(&c.System) || notKnown(c.Hostname) || notKnown(c.InstanceID) {
		return "", nil
	}
	users := c.userNames()
	var files yamltext.List
	var errs []error
	for i := range c.WriteFiles {
		file, err := c.WriteFiles[i].write(i, users)
		if err != nil {
			errs = append(errs, err)
		}
		files = append(files, file)
	}
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	var m yamltext.Map
	c.writeNames(&m, c.Hostname)
	c.Accounts.write(&m, c.hash)
	c.System.write(&m, files)
	if len(m) == 0 {
		return "", nil
	}
	return header + m.Text(), nil
}

func addText(m *yamltext.Map, key, value string) {
	if value != "" {
		m.Add(key, value)
	}
}

// addWord adds a value that may also be true or false.
func addWord(m *yamltext.Map, key, value string) {
	switch value = word(value); value {
	case "":
	case "true", "false":
		m.Add(key, value == "true")
	default:
		m.Add(key, value)
	}
}

// word is a text that may have been a bool in a JSON template.
func word(value string) string {
	switch value {
	case "1":
		return "true"
	case "0":
		return "false"
	}
	return value
}

func addBool(m *yamltext.Map, key string, value config.Trilean) {
	if value != config.TriUnset {
		m.Add(key, value.True())
	}
}

func addStrings(m *yamltext.Map, key string, values []string) {
	addList(m, key, yamltext.Strings(values))
}

func addList(m *yamltext.Map, key string, values yamltext.List) {
	if len(values) > 0 {
		m.Add(key, values)
	}
}
