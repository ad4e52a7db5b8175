// SPDX-License-Identifier: MPL-2.0

// Package image turns a finished disk into the files that a build hands over.
//
// Three things happen here, in this order:
//
//   - Encode writes a disk image, always given as a raw file or block device,
//     in one Format. There is one file of code per format and one table,
//     encoders, that lists them.
//   - Digest reads a file once and returns its checksums.
//   - A Staging collects the files in a hidden directory beside their
//     destination and then publishes them together, so that a build which
//     fails, is cancelled or killed leaves earlier outputs as they were
//     (DESIGN §4, "Outputs appear whole").
//
// Nothing here knows how the disk was made. Only copying holes and cloning
// files use Linux calls; elsewhere a plain copy that skips zeros serves.
package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// Spec says which file to make of which disk.
type Spec struct {
	// Format is the format of Destination.
	Format Format
	// Source is the disk: a raw file or a block device. It must not change meanwhile.
	Source string
	// Destination is the file to make. Whatever was there is replaced.
	Destination string
	// Compression is for QCOW2 only; empty means Zlib.
	Compression Compression
	// Options are for QCOW2 only.
	Options Options
	// Reproducible makes equal sources give equal bytes at the cost of time:
	// to be set when SOURCE_DATE_EPOCH is in effect.
	Reproducible bool
	// Consume allows Source to be moved instead of copied. When Encode fails
	// it is still in its place.
	Consume bool
	// Progress is told how far the work is; nil is allowed.
	Progress Progress
}

// Encode makes spec.Destination and flushes it to disk. After an error, or when
// ctx ended, no Destination is left. A full file system is a *NoSpaceError.
func Encode(ctx context.Context, runner command.Runner, spec Spec) error {
	e, ok := lookup(spec.Format)
	if !ok {
		return fmt.Errorf("encoding %s: no encoder for the format %q", spec.Source, spec.Format)
	}
	var err error
	if spec.Source, err = filepath.Abs(spec.Source); err != nil {
		return fmt.Errorf("encoding %s: %w", spec.Source, err)
	}
	if spec.Destination, err = filepath.Abs(spec.Destination); err != nil {
		return fmt.Errorf("encoding %s: %w", spec.Source, err)
	}
	if spec.Source == spec.Destination {
		return fmt.Errorf("encoding %s: source and destination are the same file", spec.Source)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("encoding %s: %w", spec.Source, err)
	}
	return encode(ctx, runner, e, spec)
}

func encode(ctx context.Context, runner command.Runner, e encoder, spec Spec) error {
	meter := newMeter(spec.Progress)
	spec.Progress = meter.report
	free, known := freeBytes(filepath.Dir(spec.Destination))
	if err := e.encode(ctx, runner, spec); err != nil {
		err = fmt.Errorf("writing %s as %s: %w", spec.Destination, spec.Format, err)
		if isFull(err) {
			err = newNoSpaceError(spec.Destination, free, known, allocated(spec.Source), err)
		}
		return errors.Join(err, removeIfThere(spec.Destination))
	}
	meter.finish()
	return nil
}

// syncFile flushes a file that another program or handle wrote.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening %s to flush it: %w", path, err)
	}
	err = f.Sync()
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("flushing %s to disk: %w", path, err)
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the unfinished file: %w", err)
	}
	return nil
}
