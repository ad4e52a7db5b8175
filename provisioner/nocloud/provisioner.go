// SPDX-License-Identifier: MPL-2.0

// Package nocloud is the Packer provisioner "diskimage-nocloud": it puts a
// cloud-init NoCloud seed into the machine that is being built.
//
// It works over any communicator, as it needs of it no more than Upload, Start
// and a POSIX shell: the files of the seed go to a private directory, and a
// script run as root puts them in place in one step. What a seed is and what can
// be wrong with it is in internal/nocloud; here are the attributes and the
// way to the machine.
//
// Contents of the seed appear in no message, log or command line.
package nocloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// Provisioner implements packersdk.Provisioner.
type Provisioner struct {
	config Config
}

var _ packersdk.Provisioner = (*Provisioner)(nil)

// ConfigSpec is the schema of the provisioner's block.
func (p *Provisioner) ConfigSpec() hcldec.ObjectSpec {
	return p.config.FlatMapstructure().HCL2Spec()
}

// Prepare checks the template: every error at once, each with its attribute.
// Packer calls it a second time when the values of the build are known.
func (p *Provisioner) Prepare(raws ...any) error {
	return p.config.prepare(raws...)
}

// Provision installs the seed. Nothing of the upload is left on the machine,
// whether it succeeds, fails or is cancelled.
func (p *Provisioner) Provision(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, generated map[string]any) error {
	seed, rendered, err := p.render()
	if err != nil {
		return err
	}
	for _, w := range seed.Check().Warnings() {
		if !w.ByVersion { // that is told when the version is known
			ui.Sayf("Warning: %s", w.Error())
		}
	}
	ui.Sayf("Uploading the NoCloud seed: %s", rendered.Summary())
	installer := p.installer(seed)
	scripts := p.scripts(comm, generated)
	report, err := scripts.install(ctx, installer, rendered)
	ours := forVersion(seed, report)
	problems := append(ours, rendered.Judgement(seed, report).Unsaid(ours)...)
	for _, w := range problems.Warnings() {
		ui.Sayf("Warning: %s", w.Error())
	}
	if err != nil {
		return fmt.Errorf("installing the NoCloud seed: %w", errors.Join(err, problems.Err()))
	}
	report.Acted = report.Acted && !p.forgets()
	announce(ui, rendered, report)
	ops, err := p.config.operations()
	if err != nil || len(ops) == 0 {
		return err
	}
	changes, err := scripts.generalise(ctx, ops)
	if err != nil {
		return err
	}
	announceGeneralised(ui, changes, p.config.GeneraliseDryRun)
	if p.config.GeneraliseDryRun {
		return nil
	}
	return scripts.proveAgain(ctx, installer, rendered)
}

// forVersion are the warnings that the machine's version of cloud-init gives reason
// to; if it did not become known, those that some versions do.
func forVersion(seed nocloud.Seed, report nocloud.Report) nocloud.Problems {
	return slices.DeleteFunc(seed.CheckFor(report.SchemaVersion()).Warnings(), func(w nocloud.Problem) bool { return !w.ByVersion })
}

func (p *Provisioner) installer(seed nocloud.Seed) nocloud.Installer {
	return nocloud.Installer{
		Pin: !p.config.PinDatasource.False(), IgnoreCIDATA: p.config.IgnoreCIDATA,
		Enable: p.config.EnableCloudInit, Judge: !p.config.MachineSchema.False(), CustomKeys: seed.CustomKeys,
		Forgets: p.forgets(),
	}
}

// render makes the seed of the files as they are now, which may have changed
// since Prepare.
func (p *Provisioner) render() (nocloud.Seed, nocloud.Rendered, error) {
	if names := p.config.unknowns(); len(names) > 0 {
		return nocloud.Seed{}, nocloud.Rendered{}, fmt.Errorf("the value of %s is still unknown when the provisioner runs; use values of the build only", strings.Join(names, ", "))
	}
	seed, errs := p.config.Seed()
	if err := errors.Join(append(errs, seed.Check().Err())...); err != nil {
		return seed, nocloud.Rendered{}, err
	}
	rendered, err := seed.Render()
	return seed, rendered, err
}

// install uploads and runs the script, and removes the upload. What the script says
// may be worth something also when it fails.
func (s scripts) install(ctx context.Context, installer nocloud.Installer, seed nocloud.Rendered) (report nocloud.Report, err error) {
	err = s.inPrivateDir(ctx, s.config.RemoteFolder, func(dir string) error {
		for _, f := range installer.Uploads(seed) {
			if err := s.upload(ctx, dir, f); err != nil {
				return err
			}
		}
		output, err := s.execute(ctx, dir, "install.sh", installer.Script(seed))
		var unread error
		report, unread = nocloud.ParseReport(output)
		switch failed := failure(err); {
		case err == nil && unread != nil:
			return incomplete(unread)
		case failed.status == nocloud.ExitRefused:
			return errors.New("the machine's own `cloud-init schema` refuses the seed, of which nothing was installed; correct it, or set machine_schema = false")
		case failed.status == nocloud.ExitNotFound:
			return fmt.Errorf("the seed is installed, but cloud-init would not use it: %s", failed.stderr)
		}
		return err
	})
	return report, err
}

// announce tells the user what is where now, and what may keep it from being read.
func announce(ui packersdk.Ui, seed nocloud.Rendered, report nocloud.Report) {
	origin := "as given"
	if seed.Random {
		origin = "made for this build"
	}
	if seed.Derived {
		origin = "derived from the seed"
	}
	became := string(report.Seed)
	if report.Replaced {
		became += " in the place of another"
	}
	ui.Sayf("NoCloud seed in %s: %s, mode 0600 root:root; instance-id %s (%s)", nocloud.SeedDir, became, seed.InstanceID, origin)
	for _, text := range report.Changes() {
		ui.Say(text)
	}
	for _, text := range report.Warnings(seed) {
		ui.Sayf("Warning: %s", text)
	}
}
