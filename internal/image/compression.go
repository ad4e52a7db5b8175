// SPDX-License-Identifier: MPL-2.0

package image

import (
	"fmt"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// Compression is how the clusters of a qcow2 file are compressed.
type Compression string

// The compressions of qcow2.
const (
	// Zlib is the default: every reader of qcow2 knows it.
	Zlib Compression = "zlib"
	// Zstd is several times faster to write and a little smaller; it needs
	// QEMU 5.1 or a reader as new.
	Zstd Compression = "zstd"
	// NoCompression stores clusters as they are.
	NoCompression Compression = "none"
)

// ParseCompression returns the compression of that name; empty means Zlib.
func ParseCompression(name string) (Compression, error) {
	switch c := Compression(name); c {
	case "":
		return Zlib, nil
	case Zlib, Zstd, NoCompression:
		return c, nil
	}
	names := []string{string(Zlib), string(Zstd), string(NoCompression)}
	return "", fmt.Errorf("unknown qcow2 compression %q%s; available are zlib, zstd and none",
		name, nearest.Hint(name, names))
}
