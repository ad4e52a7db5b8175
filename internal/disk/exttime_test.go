// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// memoryFile is a raw image of a fixed size.
type memoryFile []byte

func (f memoryFile) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at > int64(len(f)) {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, f[at:])
	if n < len(p) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

func (f memoryFile) WriteAt(p []byte, at int64) (int, error) {
	if at < 0 || at+int64(len(p)) > int64(len(f)) {
		return 0, io.ErrShortWrite
	}
	return copy(f[at:], p), nil
}

// headOfExt is a file system up to the end of its inodes that are in use.
func headOfExt(tb testing.TB, options ...string) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "image")
	foreign.Judge(tb, "mke2fs", append([]string{"-q", "-F", "-N", "16", "-b", "1024"}, append(options, path, "256k")...)...)
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.TrimRight(content[:16<<10], "\x00")
}

// Whatever the superblock, descriptors and inodes say, the pass ends, and writes
// nothing outside of the image.
func FuzzClampExt(f *testing.F) {
	for _, options := range [][]string{{"-t", "ext2", "-I", "128"}, {"-t", "ext4", "-O", "^has_journal,64bit,metadata_csum"}, {"-t", "ext4", "-O", "^has_journal,^64bit,uninit_bg"}} {
		f.Add(headOfExt(f, options...), int64(1))
	}
	f.Fuzz(func(t *testing.T, head []byte, limit int64) {
		if len(head) > 64<<10 {
			return
		}
		image := append(bytes.Clone(head), make([]byte, 64<<10-len(head))...)
		file := memoryFile(image)
		if err := clampExt(file, 0, time.Unix(limit, 0)); err != nil {
			return
		}
		if limit < 0 || limit >= 1<<40 {
			return
		}
		super := image[1024:]
		for _, at := range [][2]int{{0x2c, 0x275}, {0x30, 0x274}, {0x40, 0x277}, {0x108, 0x276}} {
			if got := int64(binary.LittleEndian.Uint32(super[at[0]:])) | int64(super[at[1]])<<32; got > limit {
				t.Errorf("the superblock's time at %#x is %d, after %d", at[0], got, limit)
			}
		}
	})
}
