// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc struct-markdown
//go:generate packer-sdc mapstructure-to-hcl2 -type Config

// Package seedconfig holds the attributes that describe a cloud-init seed. They
// are the same wherever a template can ask for one: in the provisioner, in the
// data source and in the builder. It turns them into a nocloud.Seed and says, by
// attribute, what is wrong with them; it writes nothing.
package seedconfig

import (
	"fmt"

	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

// Config is what a template says about a seed.
type Config struct {
	// What the machine is to do at its first boot: a `#cloud-config`, a script
	// (`#!`), or any other form that cloud-init knows by its first line.
	// Without it an empty cloud-config is written, since cloud-init overlooks a
	// seed that has no user-data. Packer's `{{ }}` templating does not touch
	// the text, so jinja templates stay whole.
	UserData string `mapstructure:"user_data"`
	// A local file with the user-data. It may be compressed with gzip.
	// Conflicts with `user_data`.
	UserDataFile string `mapstructure:"user_data_file"`
	// Facts about the machine, as YAML or JSON. What is missing of
	// `instance-id` and `local-hostname` is added. Not touched by templating.
	MetaData string `mapstructure:"meta_data"`
	// A local file with the meta-data. Conflicts with `meta_data`.
	MetaDataFile string `mapstructure:"meta_data_file"`
	// The network's configuration in cloud-init's version 1 or 2, with or
	// without the key `network` around it. Not touched by templating.
	NetworkConfig string `mapstructure:"network_config"`
	// A local file with the network-config. Conflicts with `network_config`.
	NetworkConfigFile string `mapstructure:"network_config_file"`
	// Defaults of whoever provides the image, in the forms of `user_data`,
	// which overrides them. Not touched by templating.
	VendorData string `mapstructure:"vendor_data"`
	// A local file with the vendor-data. It may be compressed with gzip.
	// Conflicts with `vendor_data`.
	VendorDataFile string `mapstructure:"vendor_data_file"`
	// The machine's identity to cloud-init; when it changes, everything in the
	// seed is carried out again. If neither this nor the meta-data names one,
	// it is `iid-` and a hash of the whole seed: the same seed always has the
	// same one. The name `nocloud` is refused, as it would be no identity.
	InstanceID string `mapstructure:"instance_id"`
	// Becomes `local-hostname` in the meta-data.
	Hostname string `mapstructure:"hostname"`
	// Top-level keys of cloud-config that modules or part handlers of your own
	// read. cloud-init has no such keys and passes over them in silence, so without
	// this they are warned of, and are errors where they look misspelt.
	CustomKeys []string `mapstructure:"custom_keys"`
	// Allows passwords in the documents that can be read there
	// (`plain_text_passwd`). Defaults to `false`: a hash (`openssl passwd -6`)
	// does the same and tells nobody the password.
	AllowPlainPasswords bool `mapstructure:"allow_plain_passwords"`
}

// Unknown stands in the first of two Prepares for what depends on the build.
const Unknown = "<unknown>"

// Interpolate renders the attributes that are not free text.
func (c *Config) Interpolate(ctx *interpolate.Context) (errs []error) {
	for _, a := range []struct {
		name  string
		value *string
	}{
		{"user_data_file", &c.UserDataFile}, {"meta_data_file", &c.MetaDataFile},
		{"network_config_file", &c.NetworkConfigFile}, {"vendor_data_file", &c.VendorDataFile},
		{"instance_id", &c.InstanceID}, {"hostname", &c.Hostname},
	} {
		rendered, err := interpolate.Render(*a.value, ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is not a template that can be rendered: %w", a.name, err))
			continue
		}
		*a.value = rendered
	}
	return errs
}

// Check says what is wrong with the attributes and with the seed that they
// describe, the documents included. What is not known yet is passed over.
func (c *Config) Check() (errs []error) {
	for _, d := range c.documents() {
		if d.text != "" && d.file != "" {
			errs = append(errs, fmt.Errorf("%s and %s_file are both set; give one of them", d.attribute, d.attribute))
		}
	}
	seed, unread := c.Seed()
	errs = append(errs, unread...)
	for _, p := range seed.Check().Errors() {
		errs = append(errs, p)
	}
	return errs
}
