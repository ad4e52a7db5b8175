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

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/seedconfig"
)

// Config is what the template says in the provisioner's block.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	seedconfig.Config `mapstructure:",squash"`

	// Tells cloud-init to look for no other datasource, by one line in
	// `/etc/cloud/cloud.cfg.d/99_zz_diskimage_datasource.cfg`. This spares the
	// boot a search (two minutes on some networks), and finds the seed on a
	// `/var` that is mounted late. If `false`, the file of an earlier run is
	// removed. Defaults to `true`.
	PinDatasource config.Trilean `mapstructure:"pin_datasource"`
	// Has cloud-init pass over disks and CDs labelled `CIDATA`, which otherwise
	// override the seed: whoever attaches one takes the machine over. Written to
	// the file of `pin_datasource`. Defaults to `false`.
	IgnoreCIDATA bool `mapstructure:"ignore_cidata"`
	// Has cloud-init started at boot: enables and unmasks its units, those of the
	// version that is installed, removes `/etc/cloud/cloud-init.disabled`, and takes
	// `cloud-init=disabled` out of the configuration of boot loaders (not out of a
	// `grubenv`, which is told). Without it, what keeps cloud-init from running is told and left as it is.
	// Defaults to `false`.
	EnableCloudInit bool `mapstructure:"enable_cloud_init"`
	// Has the machine's own `cloud-init schema`, if there is one, judge the
	// documents before anything is changed. What it refuses fails the build; what
	// it calls deprecated is a warning. Of its words only those are shown that
	// repeat nothing of the seed. Defaults to `true`.
	MachineSchema config.Trilean `mapstructure:"machine_schema"`
	// Makes the machine a template for many, after the seed was installed: removes
	// its identity, keys, leases, logs, histories, and what an installer or an
	// earlier cloud-init left. `true` stands for the default operations of
	// [the catalogue](https://github.com/seed-736dd801/packer-plugin-diskimage/blob/main/docs/generalise.md).
	// The seed stays whole. Defaults to `false`, and to `true` where `generalise_operations` is set.
	Generalise config.Trilean `mapstructure:"generalise"`
	// The operations of `generalise`: `"default"`, `"all"`, or single ones; `"-logs"` takes one
	// away, from the default ones if the list names no other. Defaults to `["default"]`.
	GeneraliseOperations []string `mapstructure:"generalise_operations"`
	// Says what `generalise` would remove, and removes nothing. Defaults to `false`.
	GeneraliseDryRun bool `mapstructure:"generalise_dry_run"`
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
)

// remotePath needs no quoting in any shell, since execute_command may quote it or not.
var remotePath = regexp.MustCompile(`^/[A-Za-z0-9_./+@%:,=-]*$`)

// prepare decodes the template's values and checks all that can be known before
// the build, the seed included.
func (c *Config) prepare(raws ...any) error {
	// The SDK parses every value as a Go template, also those that its filter
	// excludes from rendering, and jinja is none. So it renders nothing here.
	if err := config.Decode(c, &config.DecodeOpts{PluginType: "diskimage-nocloud"}, raws...); err != nil {
		return seedconfig.DecodeError(err)
	}
	errs := c.interpolate(raws)
	c.setDefaults()
	errs = append(errs, c.Check()...)
	errs = append(errs, c.checkAttributes()...)
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
	errs = c.Interpolate(&c.ctx)
	if c.RemoteFolder, err = interpolate.Render(c.RemoteFolder, &c.ctx); err != nil {
		errs = append(errs, fmt.Errorf("remote_folder is not a template that can be rendered: %w", err))
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
	if !remotePath.MatchString(c.RemoteFolder) && c.RemoteFolder != seedconfig.Unknown {
		errs = append(errs, errors.New("remote_folder must be an absolute path without blanks and quotes, such as /tmp"))
	}
	if _, err := c.operations(); err != nil {
		errs = append(errs, err)
	}
	if c.ExecuteCommand == seedconfig.Unknown {
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

// unknowns names the attributes whose value never became known.
func (c *Config) unknowns() []string {
	names := c.Unknowns()
	for _, v := range [][2]string{{"execute_command", c.ExecuteCommand}, {"remote_folder", c.RemoteFolder}} {
		if v[1] == seedconfig.Unknown {
			names = append(names, v[0])
		}
	}
	return names
}
