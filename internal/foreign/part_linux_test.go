// SPDX-License-Identifier: MPL-2.0

package foreign

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	const size = 3 << 20
	whole := make([]byte, size)
	for _, at := range []int64{0, 1<<20 - 3, 2 << 20, size - 6} {
		copy(whole[at:], "abcdef")
		if _, err := f.WriteAt([]byte("abcdef"), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range [][2]int64{{0, size}, {1 << 20, 1 << 20}, {2, 1 << 20}, {1<<20 + 4096, 5000}, {size - 5, 5}} {
		Part(t, path, path+".part", p[0], p[1])
		if got, err := os.ReadFile(path + ".part"); err != nil || !bytes.Equal(got, whole[p[0]:p[0]+p[1]]) {
			t.Errorf("%v: %d bytes, not those of the file (%v)", p, len(got), err)
		}
	}
}
