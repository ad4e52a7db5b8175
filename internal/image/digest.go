// SPDX-License-Identifier: MPL-2.0

package image

import (
	"context"
	"crypto/md5" //nolint:gosec // asked for by name, not for security
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// Sums are the checksums of a file, in lower-case hexadecimal.
type Sums struct {
	// SHA256 is always there.
	SHA256 string
	// MD5 is empty unless it was asked for.
	MD5 string
	// Bytes is the size of the file that was read.
	Bytes int64
}

// Digest reads the file once and returns its checksums.
func Digest(ctx context.Context, path string, withMD5 bool, tell Progress) (sums Sums, err error) {
	f, err := os.Open(path)
	if err != nil {
		return Sums{}, fmt.Errorf("computing the checksum: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return Sums{}, fmt.Errorf("computing the checksum: %w", err)
	}
	m := newMeter(tell)
	strong := sha256.New()
	hashes := []io.Writer{strong}
	var weak hash.Hash
	if withMD5 {
		weak = md5.New() //nolint:gosec // as above
		hashes = append(hashes, weak)
	}
	sums.Bytes, err = feed(ctx, io.MultiWriter(hashes...), f, info.Size(), m)
	if err != nil {
		return Sums{}, fmt.Errorf("computing the checksum of %s: %w", path, err)
	}
	sums.SHA256 = hex.EncodeToString(strong.Sum(nil))
	if weak != nil {
		sums.MD5 = hex.EncodeToString(weak.Sum(nil))
	}
	m.finish()
	return sums, nil
}

// feed writes size bytes of f to w. Holes are not read: the kernel would fill the
// page cache with zeros, which takes longer than all the rest.
func feed(ctx context.Context, w io.Writer, f *os.File, size int64, m *meter) (int64, error) {
	buffer, zeros := make([]byte, copyBuffer), make([]byte, copyBuffer)
	for done := int64(0); done < size; {
		start, end, err := nextData(f, done, size)
		if err != nil {
			return done, fmt.Errorf("looking for data: %w", err)
		}
		for done < end {
			if err := ctx.Err(); err != nil {
				return done, err
			}
			part := zeros[:min(copyBuffer, max(start-done, 0))]
			if len(part) == 0 {
				part = buffer[:min(copyBuffer, end-done)]
				if _, err := f.ReadAt(part, done); err != nil {
					return done, unexpected(err)
				}
			}
			if _, err := w.Write(part); err != nil {
				return done, err
			}
			done += int64(len(part))
			m.report(share(done, size))
		}
	}
	return size, ctx.Err()
}

// unexpected is err, which says so if the file has become shorter.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
