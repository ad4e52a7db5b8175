// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/generalise"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/seedconfig"
)

// operations are those that the template chose.
func (c *Config) operations() ([]generalise.Operation, error) {
	names := c.GeneraliseOperations
	switch {
	case slices.Contains(names, seedconfig.Unknown):
		return nil, nil
	case c.Generalise.False():
		names = nil
	case c.Generalise.True() && len(names) == 0:
		names = []string{generalise.Defaults}
	}
	ops, err := generalise.Select(names)
	if err != nil {
		return nil, fmt.Errorf("generalise_operations: %w", err)
	}
	// What only a data source will say is an empty list, or false, to validate.
	if names == nil && !c.Generalise.False() && len(ops) == 0 && c.GeneraliseDryRun {
		return nil, errors.New("generalise_dry_run is set, but generalise is not; set it to true, or generalise_operations")
	}
	return ops, nil
}

// forgets says whether cloud-init will not know any more for whom it has run.
func (p *Provisioner) forgets() bool {
	ops, err := p.config.operations()
	return err == nil && !p.config.GeneraliseDryRun &&
		slices.ContainsFunc(ops, func(o generalise.Operation) bool { return o.Name == "cloud-init-state" })
}

// proveAgain is for after the machine was generalised. In our own builder, where
// that is still to come, it makes the proof come after it.
func (s scripts) proveAgain(ctx context.Context, installer nocloud.Installer, seed nocloud.Rendered) error {
	err := s.inPrivateDir(ctx, s.config.RemoteFolder, func(dir string) error {
		_, err := s.execute(ctx, dir, "prove.sh", installer.ProofScript(seed))
		if failed := failure(err); failed.status == nocloud.ExitNotFound {
			return errors.New(failed.stderr)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("proving once more, after generalising, that cloud-init will find the seed: %w", err)
	}
	return nil
}

// generalise makes the machine a template, or says what would go. Our own
// builder repeats it when no later phase can undo it.
func (s scripts) generalise(ctx context.Context, ops []generalise.Operation) (report generalise.Report, err error) {
	err = s.inPrivateDir(ctx, s.config.RemoteFolder, func(dir string) error {
		const name = "generalise.sh"
		request := generalise.Request{Operations: ops, DryRun: s.config.GeneraliseDryRun, Keep: dir, Self: dir + "/" + name}
		output, err := s.execute(ctx, dir, name, request.Script())
		if err != nil {
			return err
		}
		if report, err = generalise.ParseReport(output); err != nil {
			return incomplete(err)
		}
		return nil
	})
	if err != nil {
		return report, fmt.Errorf("generalising the machine: %w", err)
	}
	return report, nil
}

// maxNames is how many names a dry run shows of each operation.
const maxNames = 20

// announceGeneralised says what was done, by operation, and what was not.
func announceGeneralised(ui packersdk.Ui, report generalise.Report, dry bool) {
	words := make([]string, len(report.Counts))
	for i, c := range report.Counts {
		words[i] = fmt.Sprintf("%s %d", c.Operation, c.Number)
	}
	counts := strings.Join(words, ", ")
	switch {
	case report.Later:
		ui.Say("The machine is generalised at the end of the build, after cleanup.d")
	case len(words) == 0:
		ui.Say("Generalised the machine: there was nothing left to do")
	case dry:
		ui.Say("Generalising would change (nothing is changed): " + counts)
	default:
		ui.Say("Generalised the machine: " + counts)
	}
	shown := map[string]int{}
	for _, line := range report.Would {
		operation, what, _ := strings.Cut(line, " ")
		if shown[operation]++; shown[operation] <= maxNames {
			ui.Sayf("  %s: %s", operation, printable(what))
		}
	}
	for _, c := range report.Counts {
		if dry && c.Number > maxNames {
			ui.Sayf("  %s: and %d more", c.Operation, c.Number-maxNames)
		}
	}
	for _, line := range report.Kept {
		operation, what, _ := strings.Cut(line, " ")
		ui.Sayf("  %s left alone: %s", operation, printable(what))
	}
}

// printable is a name as it can be shown: it came from a machine.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name)
}
