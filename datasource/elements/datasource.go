// SPDX-License-Identifier: MPL-2.0

// Package elements is the Packer data source "diskimage-elements": what a list
// of elements resolves to, for templates to print and to check before anything
// is built.
//
// It makes the plan that the builder would make and shows it; nothing is
// resolved here. That works on any operating system without root. Only evaluate
// needs Linux, to source environment.d.
package elements

import (
	"context"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hclvalue"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// Datasource implements packersdk.Datasource.
type Datasource struct {
	config Config
	plan   *plan.Plan
}

var _ packersdk.Datasource = (*Datasource)(nil)

// ConfigSpec describes the attributes to Packer's HCL2 decoder.
func (d *Datasource) ConfigSpec() hcldec.ObjectSpec { return d.config.FlatMapstructure().HCL2Spec() }

// OutputSpec describes the result.
func (d *Datasource) OutputSpec() hcldec.ObjectSpec {
	return (&DatasourceOutput{}).FlatMapstructure().HCL2Spec()
}

// Configure reads the block and resolves the elements, so that `packer validate`,
// which executes no data source, finds what is wrong. Where values are not known
// yet, or may be so, that is left to Execute.
func (d *Datasource) Configure(raws ...interface{}) error {
	if err := d.config.decode(raws...); err != nil || !d.config.known() {
		return err
	}
	return d.resolve()
}

func (d *Datasource) resolve() (err error) {
	d.plan, err = d.config.plan(callerEnvironment())
	return err
}

// evaluationTakes is the most that environment.d files may take, which usually
// set a few variables.
const evaluationTakes = time.Minute

// Execute returns what the elements resolve to. The value is never without a type,
// which Packer's protocol could not carry.
func (d *Datasource) Execute() (cty.Value, error) {
	t := hcldec.ImpliedType(d.OutputSpec())
	if d.plan == nil {
		if err := d.resolve(); err != nil {
			return cty.NullVal(t), err
		}
	}
	r := result{config: d.config, plan: d.plan}
	if d.config.Evaluate {
		ctx, cancel := context.WithTimeout(context.Background(), evaluationTakes)
		defer cancel()
		if err := r.evaluate(ctx, callerEnvironment()); err != nil {
			return cty.NullVal(t), err
		}
	}
	output, err := r.output()
	if err != nil {
		return cty.NullVal(t), err
	}
	return hclvalue.Of(*output, t), nil
}
