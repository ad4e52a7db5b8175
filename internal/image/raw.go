// SPDX-License-Identifier: MPL-2.0

package image

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// encodeRaw moves the disk when that is allowed and possible, else clones or
// copies it. Holes stay holes on every road.
func encodeRaw(ctx context.Context, _ command.Runner, spec Spec) error {
	info, err := os.Stat(spec.Source)
	if err != nil {
		return fmt.Errorf("reading the disk: %w", err)
	}
	movable := spec.Consume && info.Mode().IsRegular()
	if movable {
		if moved, err := move(spec.Source, spec.Destination); moved || err != nil {
			return err
		}
	}
	if err := copyDisk(ctx, spec); err != nil {
		return err
	}
	if err := syncFile(spec.Destination); err != nil || !movable {
		return err
	}
	if err := os.Remove(spec.Source); err != nil {
		return fmt.Errorf("removing the disk after it was copied: %w", err)
	}
	return nil
}

// move renames within one file system; false means that it takes a copy. The
// file gets the mode that a new file gets, as a copy would. It is flushed first:
// nothing that can fail comes after the renaming and loses the disk.
func move(source, destination string) (bool, error) {
	f, err := os.OpenFile(destination, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return false, err
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return false, err
	}
	if err := syncFile(source); err != nil {
		return false, err
	}
	if err := os.Rename(source, destination); err != nil {
		// Across file systems, or over what may not be renamed: a copy says more.
		return false, nil
	}
	if err := os.Chmod(destination, info.Mode().Perm()); err != nil {
		return true, errors.Join(
			fmt.Errorf("setting the mode of the image: %w", err), os.Rename(destination, source))
	}
	return true, nil
}

// copyDisk makes an independent copy.
func copyDisk(ctx context.Context, spec Spec) (err error) {
	src, err := os.Open(spec.Source)
	if err != nil {
		return fmt.Errorf("reading the disk: %w", err)
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := os.OpenFile(spec.Destination, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return fmt.Errorf("creating the image: %w", err)
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if cloneFile(dst, src) {
		return nil
	}
	return copySparse(ctx, dst, src, spec.Progress)
}
