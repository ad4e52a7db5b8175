// SPDX-License-Identifier: MPL-2.0

package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// copyBuffer is read at once.
	copyBuffer = 1 << 20
	// zeroBlock is the smallest run of zeros that becomes a hole: what file
	// systems allocate at once.
	zeroBlock = 4 << 10
)

// copySparse copies src to the empty file dst. Holes are not read, and blocks
// of zeros become holes as well.
func copySparse(ctx context.Context, dst, src *os.File, tell Progress) error {
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("finding the size of %s: %w", src.Name(), err)
	}
	if err := dst.Truncate(size); err != nil {
		return fmt.Errorf("making a file of %d bytes: %w", size, err)
	}
	buffer := make([]byte, copyBuffer)
	for offset := int64(0); offset < size; {
		start, end, err := nextData(src, offset, size)
		if err != nil {
			return fmt.Errorf("looking for data in %s: %w", src.Name(), err)
		}
		for offset = start; offset < end; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := copyBlock(dst, src, buffer[:min(copyBuffer, end-offset)], offset)
			if err != nil {
				return err
			}
			offset += int64(n)
			tell(share(offset, size))
		}
	}
	return nil
}

func copyBlock(dst, src *os.File, buffer []byte, offset int64) (int, error) {
	n, err := src.ReadAt(buffer, offset)
	if n == 0 || err != nil && !errors.Is(err, io.EOF) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, fmt.Errorf("reading %s at byte %d: %w", src.Name(), offset, err)
	}
	for _, r := range dataRuns(buffer[:n]) {
		if _, err := dst.WriteAt(buffer[r.start:r.end], offset+int64(r.start)); err != nil {
			return 0, fmt.Errorf("writing at byte %d: %w", offset+int64(r.start), err)
		}
	}
	return n, nil
}

// run is a part of a buffer.
type run struct{ start, end int }

// dataRuns are the parts of p that are not zeros, in whole zeroBlocks.
func dataRuns(p []byte) []run {
	var zeros [zeroBlock]byte
	var runs []run
	for start := 0; start < len(p); start += zeroBlock {
		end := min(start+zeroBlock, len(p))
		if bytes.Equal(p[start:end], zeros[:end-start]) {
			continue
		}
		if last := len(runs) - 1; last >= 0 && runs[last].end == start {
			runs[last].end = end
			continue
		}
		runs = append(runs, run{start, end})
	}
	return runs
}
