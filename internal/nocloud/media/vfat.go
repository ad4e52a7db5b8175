// SPDX-License-Identifier: MPL-2.0

package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/fat"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// leastFAT is the size of the smallest volume; below about 4 MiB it would be
// FAT12, which is not written.
const leastFAT = 8 << 20

// FATBytes is the size of a FAT volume with room for the files, in bytes.
func FATBytes(files []nocloud.File) int64 {
	// Clusters are at most 4 KiB below 256 MiB, and 32 KiB is more than both tables
	// take for a MiB of files.
	size := int64(1 << 20)
	for _, f := range files {
		size += int64(len(f.Content)) + int64(len(f.Content))/32 + 32<<10
	}
	const step = 1 << 20
	return max(leastFAT, (size+step-1)/step*step)
}

// WriteVFAT makes of an empty file a FAT volume labelled CIDATA with the files of
// a seed. All times in it are when; the serial number is derived from the files.
func WriteVFAT(ctx context.Context, f *os.File, files []nocloud.File, when time.Time) error {
	if err := checkFiles(files); err != nil {
		return err
	}
	size := FATBytes(files)
	if err := f.Truncate(size); err != nil {
		return err
	}
	digest := Digest(files)
	if err := fat.Format(f, 0, size, 512, LabelFAT, binary.LittleEndian.Uint32(digest[:])); err != nil {
		return err
	}
	v, err := fat.Open(f, 0, LabelFAT)
	if err != nil {
		return err
	}
	return v.Fill(ctx, Tree(files, when))
}

// Tree is the root directory of a FAT volume with the files.
func Tree(files []nocloud.File, when time.Time) *fat.Node {
	when = clamp(when)
	root := &fat.Node{Dir: true, Time: when, Path: "the seed"}
	for _, f := range files {
		root.Children = append(root.Children, &fat.Node{
			Name: f.Name, Path: f.Name, Time: when, Size: int64(len(f.Content)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.Content)), nil },
		})
	}
	return root
}

// Digest tells seeds apart by the names and contents of their files.
func Digest(files []nocloud.File) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d:%s%d:", len(f.Name), f.Name, len(f.Content))
		h.Write(f.Content)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
