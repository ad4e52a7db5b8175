// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// Encode makes the output files in the staging directory. The raw one comes
// last: it is the disk itself, renamed.
func (b *Build) Encode(ctx context.Context) error {
	return b.timed("encode", func() error {
		if err := b.writeOutputs(ctx); err != nil {
			return err
		}
		var raw string
		for _, file := range b.opt.Plan.Output.Files {
			if file.Format == image.Raw {
				raw = file.Name
				continue
			}
			if err := b.encode(ctx, file.Name, file.Format, false); err != nil {
				return err
			}
		}
		if raw != "" {
			return b.encode(ctx, raw, image.Raw, true)
		}
		if err := os.Remove(b.rawImage()); absentIsFine(err) != nil {
			return fmt.Errorf("removing the raw disk: %w", err)
		}
		return nil
	})
}

func (b *Build) writeOutputs(ctx context.Context) error {
	for _, o := range b.opt.Outputs {
		if b.encoded[o.Name] {
			continue
		}
		b.opt.Report.Say("Writing " + o.Name)
		if err := o.Write(ctx, b.staging.Path(o.Name)); err != nil {
			return fmt.Errorf("output_directory: writing %s: %w", o.Name, err)
		}
		b.encoded[o.Name] = true
	}
	return nil
}

func (b *Build) encode(ctx context.Context, name string, format image.Format, consume bool) error {
	if b.encoded[name] {
		return nil
	}
	b.opt.Report.Say("Writing " + name)
	err := image.Encode(ctx, b.opt.Runner, image.Spec{
		Format:       format,
		Source:       b.rawImage(),
		Destination:  b.staging.Path(name),
		Compression:  b.opt.Plan.Compression(),
		Options:      b.opt.Plan.QCOW2Options(),
		Reproducible: b.opt.Plan.Reproducible(),
		Consume:      consume,
		Progress: func(percent float64) {
			b.opt.Report.Progress(name, int64(percent*100), 100*100)
		},
	})
	if err != nil {
		return fmt.Errorf("output_directory: writing %s: %w", name, err)
	}
	b.encoded[name] = true
	return nil
}

// Publish moves the staged files to the output directory, all of them whole,
// and says what was made.
func (b *Build) Publish(ctx context.Context) (*Result, error) {
	var result *Result
	err := b.timed("publish", func() (err error) {
		result, err = b.publish(ctx)
		return err
	})
	return result, err
}

func (b *Build) publish(ctx context.Context) (*Result, error) {
	out := b.opt.Plan.Output
	made, err := b.staging.Made()
	if err != nil {
		return nil, fmt.Errorf("output_directory: looking at what the build made: %w", err)
	}
	result := sortOutputs(out, made)
	if all := slices.Concat(result.Files, result.More); len(all) > 0 {
		if result.SHA256, err = b.digest(ctx, all[0]); err != nil {
			return nil, err
		}
	}
	paths, err := b.staging.Publish(ctx, b.opt.Force)
	if err != nil && len(paths) == 0 {
		return nil, fmt.Errorf("output_directory: %w", err)
	}
	if err != nil {
		b.opt.Report.Say("The image files are in their place, but: " + err.Error())
	}
	result.DiskBytes, result.DirectoriesMade = b.diskBytes, b.staging.Created()
	for _, list := range [][]string{result.Files, result.More, result.Beside} {
		for i, name := range list {
			list[i] = filepath.Join(out.Directory, name)
		}
	}
	return result, nil
}

// sortOutputs tells the artifact's files from what merely lies beside them.
func sortOutputs(out plan.Output, made []image.Output) *Result {
	result := &Result{}
	for _, file := range out.Files {
		result.Files = append(result.Files, file.Name)
	}
	for _, o := range made {
		switch {
		case slices.Contains(result.Files, o.Name):
		case !o.Directory && (len(out.Files) == 0 || slices.Contains(out.Beside, o.Name)):
			result.More = append(result.More, o.Name)
		default:
			result.Beside = append(result.Beside, o.Name)
		}
	}
	return result
}

func (b *Build) digest(ctx context.Context, name string) (string, error) {
	path := b.staging.Path(name)
	sums, err := image.Digest(ctx, path, false, func(percent float64) {
		b.opt.Report.Progress("SHA-256 of "+name, int64(percent*100), 100*100)
	})
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return sums.SHA256, nil
}
