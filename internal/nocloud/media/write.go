// SPDX-License-Identifier: MPL-2.0

package media

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// Format is the format of a volume in a file.
type Format string

// Formats of volumes.
const (
	ISO  Format = "iso"
	VFAT Format = "vfat"
)

// Extension is the file name extension by which hypervisors know the format.
func (f Format) Extension() string {
	if f == ISO {
		return ".iso"
	}
	return ".img"
}

// Write writes a volume with the files of a seed at a path. It appears there
// whole or not at all, for its owner only; a file that is there is replaced,
// unless it is the same already.
func Write(ctx context.Context, path string, format Format, files []nocloud.File, when time.Time) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".cidata-*") // mode 0600
	if err != nil {
		return fmt.Errorf("making a file for the seed's volume: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(temporary.Name()))
		}
	}()
	if err := errors.Join(fill(ctx, temporary, format, files, when), temporary.Close()); err != nil {
		return fmt.Errorf("writing the seed's volume %s: %w", path, err)
	}
	if same(temporary.Name(), path) {
		return remove(temporary.Name())
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return fmt.Errorf("moving the seed's volume to its place: %w", err)
	}
	return nil
}

func fill(ctx context.Context, f *os.File, format Format, files []nocloud.File, when time.Time) error {
	switch format {
	case ISO:
		w := bufio.NewWriterSize(f, 1<<20)
		if err := errors.Join(WriteISO(w, files, when), w.Flush()); err != nil {
			return err
		}
	case VFAT:
		if err := WriteVFAT(ctx, f, files, when); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%q is no format of a volume", format)
	}
	return errors.Join(ctx.Err(), f.Sync())
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// same tells whether two files are equal and the second is for its owner only.
func same(made, there string) bool {
	a, err := os.Open(made)
	if err != nil {
		return false
	}
	defer a.Close()
	b, err := os.Open(there)
	if err != nil {
		return false
	}
	defer b.Close()
	ai, aErr := a.Stat()
	bi, bErr := b.Stat()
	if aErr != nil || bErr != nil || ai.Size() != bi.Size() || !bi.Mode().IsRegular() || !private(bi) {
		return false
	}
	return equal(bufio.NewReaderSize(a, 1<<16), bufio.NewReaderSize(b, 1<<16))
}

// private tells whether a file is for its owner only, where a system knows that.
func private(info os.FileInfo) bool {
	return runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0
}

func equal(a, b *bufio.Reader) bool {
	for {
		x, aErr := a.ReadByte()
		y, bErr := b.ReadByte()
		if aErr != nil || bErr != nil {
			return errors.Is(aErr, io.EOF) && errors.Is(bErr, io.EOF)
		}
		if x != y {
			return false
		}
	}
}
