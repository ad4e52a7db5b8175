// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc mapstructure-to-hcl2 -type Config
//go:generate packer-sdc struct-markdown

package nocloud

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/media"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/seedconfig"
)

// Config is the template's `data "diskimage-nocloud"` block. The attributes that
// describe the seed are the provisioner's.
type Config struct {
	seedconfig.Config `mapstructure:",squash"`

	// What is made of the seed on this host: `iso` and `vfat`, volumes that
	// cloud-init finds by their label, and `directory`, what an HTTP server is to
	// have. The default is `["iso"]`. With `[]` nothing is written; texts and
	// strings are given all the same.
	Media []string `mapstructure:"media"`
	// Where that is put, made if it is not there. Names in it are `seed-` and a
	// hash of the seed, so a changed seed does not overwrite what a machine
	// still reads. The default is `nocloud` in Packer's cache directory
	// (`PACKER_CACHE_DIR`). Nothing is ever removed: what is made here holds what
	// the seed holds, so remove it when the machines have booted.
	OutputDirectory string `mapstructure:"output_directory"`
	// Where the machine will find the files of the seed: the URL of an HTTP
	// server's directory, as the machine sees it, or a directory on the machine.
	// Goes into `kernel_argument`, `smbios` and their like. Packer's templates in
	// it are kept for the builder that gets the string:
	// `http://{{ .HTTPIP }}:{{ .HTTPPort }}/`.
	SeedURL string `mapstructure:"seed_url"`
}

// carriers are the values of media.
var carriers = []string{string(media.ISO), string(media.VFAT), directory}

const directory = "directory"

// decode reads the template's block. There are no {{ }} of Packer in it that
// would be rendered here.
func (c *Config) decode(raws ...any) error {
	if err := config.Decode(c, &config.DecodeOpts{PluginType: "diskimage-nocloud"}, raws...); err != nil {
		return seedconfig.DecodeError(err)
	}
	if c.Media == nil {
		c.Media = []string{string(media.ISO)}
	}
	return nil
}

// check finds all that is wrong, with its attribute. What is not known yet is passed over.
func (c *Config) check() error {
	errs := c.Check()
	for i, name := range c.Media {
		switch {
		case name == seedconfig.Unknown:
		case !slices.Contains(carriers, name):
			errs = append(errs, fmt.Errorf("media: %q is none of %s%s", name, strings.Join(carriers, ", "), nearest.Hint(name, carriers)))
		case slices.Contains(c.Media[:i], name):
			errs = append(errs, fmt.Errorf("media: %q is there twice", name))
		}
	}
	if c.SeedURL != seedconfig.Unknown {
		if err := (media.Locator{URL: c.SeedURL}).Check(); err != nil {
			errs = append(errs, fmt.Errorf("seed_url: %w", err))
		}
	}
	if _, err := epoch(); err != nil {
		errs = append(errs, err)
	}
	return multiError(errs)
}

func multiError(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return &packersdk.MultiError{Errors: errs}
}

// unknowns names the attributes whose value never became known.
func (c *Config) unknowns() []string {
	names := c.Unknowns()
	for _, v := range [][2]string{{"output_directory", c.OutputDirectory}, {"seed_url", c.SeedURL}} {
		if v[1] == seedconfig.Unknown {
			names = append(names, v[0])
		}
	}
	if slices.Contains(c.Media, seedconfig.Unknown) {
		names = append(names, "media")
	}
	return names
}

// place is the directory for what is made.
func (c *Config) place() (string, error) {
	dir := c.OutputDirectory
	if dir == "" {
		var err error
		if dir, err = packersdk.CachePath("nocloud"); err != nil {
			return "", fmt.Errorf("finding Packer's cache directory: %w; set output_directory", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("output_directory: making it: %w", err)
	}
	return dir, nil
}

// epoch is the time of all files: SOURCE_DATE_EPOCH, or a fixed one.
func epoch() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return media.Epoch, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, errors.New("SOURCE_DATE_EPOCH in the environment is not a number of seconds since 1970")
	}
	return time.Unix(seconds, 0), nil
}
