// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc struct-markdown
//go:generate packer-sdc mapstructure-to-hcl2 -type Config

package nocloud

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

// Config is what the template says in the provisioner's block.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

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
	// Tells cloud-init to look for no other datasource, by one line in
	// `/etc/cloud/cloud.cfg.d/99_zz_diskimage_datasource.cfg`. This spares the
	// boot a search (two minutes on some networks), and finds the seed on a
	// `/var` that is mounted late. If `false`, the file of an earlier run is
	// removed. Defaults to `true`.
	PinDatasource config.Trilean `mapstructure:"pin_datasource"`
	// How the installing script is run, which must be as root. `{{ .Path }}` is
	// the script's path; `{{ .Vars }}` is empty and there for commands written
	// for the shell provisioner. Defaults to `sh {{ .Path }}`. As a user with
	// sudo: `sudo -n sh {{ .Path }}`.
	ExecuteCommand string `mapstructure:"execute_command"`
	// An existing directory on the machine, in which a private directory is made
	// for the upload and removed afterwards. Defaults to `/tmp`.
	RemoteFolder string `mapstructure:"remote_folder"`

	ctx interpolate.Context
}

const (
	defaultExecuteCommand = "sh {{ .Path }}"
	defaultRemoteFolder   = "/tmp"
	// unknown stands in the first of two Prepares for what depends on the build.
	unknown = "<unknown>"
)

// remotePath needs no quoting in any shell, since execute_command may quote it or not.
var remotePath = regexp.MustCompile(`^/[A-Za-z0-9_./+@%:,=-]*$`)

// prepare decodes the template's values and checks all that can be known before
// the build, the seed included.
func (c *Config) prepare(raws ...any) error {
	// The SDK parses every value as a Go template, also those that its filter
	// excludes from rendering, and jinja is none. So it renders nothing here.
	if err := config.Decode(c, &config.DecodeOpts{PluginType: "diskimage-nocloud"}, raws...); err != nil {
		return err
	}
	errs := c.interpolate(raws)
	c.setDefaults()
	seed, unread := c.seed()
	errs = append(errs, c.checkAttributes()...)
	errs = append(errs, unread...)
	for _, p := range seed.Check().Errors() {
		errs = append(errs, p)
	}
	if len(errs) > 0 {
		return &packersdk.MultiError{Errors: errs}
	}
	return nil
}

// interpolate renders the attributes that are not free text. execute_command
// waits until the script has a path.
func (c *Config) interpolate(raws []any) (errs []error) {
	data, raws := config.DetectContextData(raws...)
	ctx, err := config.DetectContext(raws...)
	if err != nil {
		return []error{fmt.Errorf("reading the template's variables: %w", err)}
	}
	c.ctx = *ctx
	c.ctx.Data = data
	for _, a := range []struct {
		name  string
		value *string
	}{
		{"user_data_file", &c.UserDataFile}, {"meta_data_file", &c.MetaDataFile},
		{"network_config_file", &c.NetworkConfigFile}, {"vendor_data_file", &c.VendorDataFile},
		{"instance_id", &c.InstanceID}, {"hostname", &c.Hostname}, {"remote_folder", &c.RemoteFolder},
	} {
		rendered, err := interpolate.Render(*a.value, &c.ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is not a template that can be rendered: %w", a.name, err))
			continue
		}
		*a.value = rendered
	}
	return errs
}

func (c *Config) setDefaults() {
	if c.ExecuteCommand == "" {
		c.ExecuteCommand = defaultExecuteCommand
	}
	if c.RemoteFolder == "" {
		c.RemoteFolder = defaultRemoteFolder
	}
}

func (c *Config) checkAttributes() (errs []error) {
	for _, d := range c.documents() {
		if d.text != "" && d.file != "" {
			errs = append(errs, fmt.Errorf("%s and %s_file are both set; give one of them", d.attribute, d.attribute))
		}
	}
	if !remotePath.MatchString(c.RemoteFolder) && c.RemoteFolder != unknown {
		errs = append(errs, errors.New("remote_folder must be an absolute path without blanks and quotes, such as /tmp"))
	}
	if c.ExecuteCommand == unknown {
		return errs
	}
	if err := interpolate.Validate(c.ExecuteCommand, &c.ctx); err != nil {
		errs = append(errs, fmt.Errorf("execute_command is not a template: %w", err))
	}
	if !strings.Contains(c.ExecuteCommand, ".Path") {
		errs = append(errs, errors.New("execute_command does not run the script; it must contain {{ .Path }}"))
	}
	return errs
}

// command renders execute_command. generated are the values of the build.
func (c *Config) command(path string, generated map[string]any) (string, error) {
	data := map[string]any{}
	maps.Copy(data, generated)
	data["Path"], data["Vars"] = path, ""
	ctx := c.ctx
	ctx.Data = data
	return interpolate.Render(c.ExecuteCommand, &ctx)
}
