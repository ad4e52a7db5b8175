// SPDX-License-Identifier: MPL-2.0

// Package nocloud is the Packer data source "diskimage-nocloud": a seed for
// cloud-init's NoCloud datasource, as files and strings for builders that do not
// write into the image: a labelled volume to attach, a directory to serve, a
// word for the kernel's command line.
//
// The seed is rendered and checked as the provisioner does it, on any
// operating system without root. Its contents appear in no message.
package nocloud

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hclvalue"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/media"
)

// Datasource implements packersdk.Datasource.
type Datasource struct {
	config Config
}

var _ packersdk.Datasource = (*Datasource)(nil)

// ConfigSpec describes the attributes to Packer's HCL2 decoder.
func (d *Datasource) ConfigSpec() hcldec.ObjectSpec { return d.config.FlatMapstructure().HCL2Spec() }

// OutputSpec describes the result.
func (d *Datasource) OutputSpec() hcldec.ObjectSpec {
	return (&DatasourceOutput{}).FlatMapstructure().HCL2Spec()
}

// Configure reads the block and checks the seed, so that `packer validate`, which
// executes no data source, finds what is wrong.
func (d *Datasource) Configure(raws ...any) error {
	if err := d.config.decode(raws...); err != nil {
		return err
	}
	return d.config.check()
}

// Execute writes the media and returns where they are. The value is never
// without a type, which Packer's protocol could not carry.
func (d *Datasource) Execute() (cty.Value, error) {
	t := hcldec.ImpliedType(d.OutputSpec())
	output, err := d.config.make(context.Background())
	if err != nil {
		return cty.NullVal(t), err
	}
	return hclvalue.Of(*output, t), nil
}

func (c *Config) make(ctx context.Context) (*DatasourceOutput, error) {
	if names := c.unknowns(); len(names) > 0 {
		return nil, fmt.Errorf("the value of %s is still unknown when the data source is read", strings.Join(names, ", "))
	}
	seed, errs := c.Seed()
	problems := seed.Check()
	if err := errors.Join(append(errs, problems.Err())...); err != nil {
		return nil, err
	}
	rendered, err := seed.Render()
	if err != nil {
		return nil, err
	}
	m := maker{config: c, seed: rendered, out: &DatasourceOutput{Warnings: []string{}}}
	for _, w := range problems.Warnings() {
		m.out.Warnings = append(m.out.Warnings, w.Error())
	}
	m.locator = media.Locator{URL: c.SeedURL, InstanceID: rendered.InstanceID, Hostname: c.Hostname}
	if err := m.locator.Check(); err != nil {
		return nil, fmt.Errorf("seed_url: %w", err)
	}
	if m.time, err = epoch(); err != nil {
		return nil, err
	}
	if len(c.Media) > 0 {
		if m.dir, err = c.place(); err != nil {
			return nil, err
		}
		// Builders may run elsewhere, so paths are whole.
		if m.dir, err = filepath.Abs(m.dir); err != nil {
			return nil, fmt.Errorf("output_directory: %w", err)
		}
	}
	return m.out, m.make(ctx)
}
