// SPDX-License-Identifier: MPL-2.0

// Package diskimage is the Packer builder "diskimage": it makes Linux disk
// images from diskimage-builder elements and Packer provisioners, without
// booting a machine.
//
// Prepare decodes and checks the template and makes the plan, on any operating
// system and without root. Run carries the plan out on Linux: its steps are
// thin adapters over package pipeline, one to a file.
package diskimage

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
)

// BuilderID is the artifact's builder id, which post-processors look at.
const BuilderID = "seed-736dd801.diskimage"

// Builder implements packersdk.Builder.
type Builder struct {
	config  Config
	request request
	plan    *plan.Plan
}

var _ packersdk.Builder = (*Builder)(nil)

// ConfigSpec describes the attributes to Packer's HCL2 decoder.
func (b *Builder) ConfigSpec() hcldec.ObjectSpec { return b.config.FlatMapstructure().HCL2Spec() }

// Prepare checks the template. What is wrong with it comes back as one error
// with all mistakes, what is wrong with this host as warnings.
func (b *Builder) Prepare(raws ...interface{}) ([]string, []string, error) {
	if err := sandbox.RestoreTempDir(); err != nil {
		return nil, nil, err
	}
	if err := b.config.decode(raws...); err != nil {
		return nil, nil, err
	}
	if !b.config.known() {
		return generatedVariables, nil, nil // it is validated, and was not given all
	}
	req, wrong := newRequest(&b.config, callerEnvironment(&b.config))
	b.request = req
	// Mistakes in attributes do not hide those that only the plan finds.
	var made *plan.Plan
	if len(req.Elements) > 0 {
		var err error
		made, err = req.plan(takeInventory(req))
		wrong = errors.Join(wrong, err)
	}
	if wrong != nil {
		return nil, nil, multiError(wrong)
	}
	b.plan = made
	warnings := append([]string{}, made.Notes...)
	for _, problem := range made.Problems {
		warnings = append(warnings, "building on this host would fail: "+problem)
	}
	return generatedVariables, warnings, nil
}

// Check is Prepare for a block that no packer hands over: what is wrong with
// the template, each mistake by itself, and what is worth a note. This host is
// not looked at.
func Check(attributes map[string]any) (notes []string, mistakes []error) {
	c := Config{}
	if err := c.decode(attributes, map[string]any{"packer_build_name": "image"}); err != nil {
		return nil, flatten(err)
	}
	req, wrong := newRequest(&c, callerEnvironment(&c))
	if len(req.Elements) == 0 {
		return nil, flatten(wrong)
	}
	made, err := req.plan(plan.Inventory{})
	if wrong = errors.Join(wrong, err); wrong != nil {
		return nil, flatten(wrong)
	}
	return made.Notes, nil
}

// multiError turns joined errors into Packer's list of errors.
func multiError(err error) error {
	var list *packersdk.MultiError
	for _, e := range flatten(err) {
		list = packersdk.MultiErrorAppend(list, e)
	}
	return list
}

func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// Run builds the image.
func (b *Builder) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	if b.plan == nil {
		return nil, errors.New("the builder was run without being prepared")
	}
	if err := b.request.seed.carried; err != nil {
		return nil, fmt.Errorf("%s: %w", nocloudBlock, err)
	}
	// Prepare may have been long ago, or in the hands of "validate".
	made, err := b.request.plan(takeInventory(b.request))
	if err != nil {
		return nil, multiError(err)
	}
	if len(made.Problems) > 0 {
		return nil, fmt.Errorf("this host cannot build the image: %w", multiError(problems(made.Problems)))
	}
	return b.run(ctx, ui, hook, made)
}

func problems(texts []string) error {
	var errs []error
	for _, text := range texts {
		errs = append(errs, errors.New(text))
	}
	return errors.Join(errs...)
}
