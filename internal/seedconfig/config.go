// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc struct-markdown
//go:generate packer-sdc mapstructure-to-hcl2 -type Config,User,Group,Keyboard,Growpart,NTP,PowerState,WriteFile,Script,Part,Network,Ethernet,Match,Bond,Bridge,VLAN,Route

// Package seedconfig holds the attributes that describe a cloud-init seed. They
// are the same wherever a template can ask for one: in the provisioner, in the
// data source and in the builder. It turns them into a nocloud.Seed and says, by
// attribute, what is wrong with them; it writes nothing.
//
// Documents can be given as they are (user_data …), as parts of one, and by
// attributes of their own (user, write_file, network …), from which a cloud-config
// and a network-config are made. The attributes lie beside one another in files by
// what they are about, each file with what checks them and writes them as YAML.
package seedconfig

import (
	"fmt"
	"slices"

	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// Config is what a template says about a seed.
type Config struct {
	// What the machine is to do at its first boot: a `#cloud-config`, a script
	// (`#!`), or any other form that cloud-init knows by its first line.
	// If nothing at all is given, an empty cloud-config is written, since
	// cloud-init overlooks a seed that has no user-data. Packer's `{{ }}`
	// templating does not touch the text, so jinja templates stay whole.
	UserData string `mapstructure:"user_data"`
	// A local file with the user-data. It may be compressed with gzip.
	// Conflicts with `user_data`.
	UserDataFile string `mapstructure:"user_data_file"`
	// A cloud-config, usually `yamlencode({...})`: whatever has no attribute of
	// its own. The line `#cloud-config` is added if it is missing. Not touched by
	// templating.
	CloudConfig string `mapstructure:"cloud_config"`
	// Facts about the machine, as YAML or JSON. What is missing of
	// `instance-id` and `local-hostname` is added. Not touched by templating.
	MetaData string `mapstructure:"meta_data"`
	// A local file with the meta-data. Conflicts with `meta_data`.
	MetaDataFile string `mapstructure:"meta_data_file"`
	// Further keys of the meta-data, which jinja templates know as
	// `ds.meta_data.KEY`.
	Meta map[string]string `mapstructure:"meta"`
	// The network's configuration in cloud-init's version 1 or 2, with or
	// without the key `network` around it. Not touched by templating.
	// Conflicts with the block `network`.
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
	// same one. `random` makes a new one in every build. The name `nocloud` is
	// refused, as it would be no identity.
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
	// Takes user-data, its parts and vendor-data unchecked where they begin with no
	// header that cloud-init knows, which are errors else: for other programs that
	// read NoCloud seeds (Talos, Ignition, cloudbase-init, a configuration of your
	// own). What has a header is checked all the same. Defaults to `false`.
	Raw bool `mapstructure:"raw"`
	// Compress user-data with gzip, which cloud-init reads by itself. The same
	// seed always gives the same bytes. Defaults to `false`.
	Compress bool `mapstructure:"compress"`

	Accounts `mapstructure:",squash"`
	System   `mapstructure:",squash"`

	// The network in the form of version 2. See [`network`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#network).
	Network *Network `mapstructure:"network"`

	// random is the identity made for `instance_id = "random"`.
	random string
	// hashes keeps the hashes of passwords, which take milliseconds each.
	hashes map[string]string
}

// Unknown stands in the first of two Prepares for what depends on the build, also
// within texts.
const Unknown = "<unknown>"

// freeText are the attributes that Packer's templating never touches: {{ }} in
// them is for others.
var freeText = []string{"user_data", "cloud_config", "meta_data", "network_config", "vendor_data", "content", "bootcmd", "runcmd"}

// Interpolate renders the attributes that are not free text. Those that make
// documents are rendered in JSON templates only, which have no other way to a
// variable; in HCL a password may hold {{.
func (c *Config) Interpolate(ctx *interpolate.Context) (errs []error) {
	render := func(name string, value *string) {
		rendered, err := interpolate.Render(*value, ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is not a template that can be rendered: %w", name, err))
			*value = Unknown // what is wrong with it is told
			return
		}
		*value = rendered
	}
	if len(ctx.UserVariables) > 0 {
		c.eachText(func(name, leaf string, value *string) {
			if !slices.Contains(freeText, leaf) {
				render(name, value)
			}
		})
		return errs
	}
	render("user_data_file", &c.UserDataFile)
	render("meta_data_file", &c.MetaDataFile)
	render("network_config_file", &c.NetworkConfigFile)
	render("vendor_data_file", &c.VendorDataFile)
	render("instance_id", &c.InstanceID)
	render("hostname", &c.Hostname)
	return errs
}

// Check says what is wrong with the attributes and with the seed that they
// describe, the documents included. What is not known yet is passed over.
func (c *Config) Check() (errs []error) {
	c.hideSecrets()
	for _, d := range c.documents() {
		if d.text != "" && d.file != "" {
			errs = append(errs, fmt.Errorf("%s and %s_file are both set; give one of them", d.attribute, d.attribute))
		}
	}
	var wrong problems
	c.checkMeta(&wrong)
	c.Accounts.check(&wrong)
	c.System.check(&wrong, c.userNames())
	c.Network.check(&wrong)
	if c.Network != nil && (c.NetworkConfig != "" || c.NetworkConfigFile != "") {
		wrong.add("network", "network_config is set, too", "give one of them")
	}
	errs = append(errs, wrong.errs...)
	seed, unread := c.Seed()
	errs = append(errs, unread...)
	if len(wrong.errs) > 0 {
		// Made of what is wrong, it would only be told a second time.
		seed.Parts = withoutAttributes(seed.Parts)
		if seed.NetworkConfig.Attribute == networkAttribute {
			seed.NetworkConfig.Text = nil
		}
	}
	for _, p := range whole(seed).Check().Errors() {
		errs = append(errs, p)
	}
	return errs
}

// whole leaves out the documents in which something is not known yet.
func whole(s nocloud.Seed) nocloud.Seed {
	for _, d := range []*nocloud.Document{&s.UserData, &s.MetaData, &s.NetworkConfig, &s.VendorData} {
		if notKnown(string(d.Text)) {
			d.Text = nil
		}
	}
	s.Parts = slices.DeleteFunc(slices.Clone(s.Parts), func(p nocloud.Part) bool { return notKnown(string(p.Text)) })
	return s
}
