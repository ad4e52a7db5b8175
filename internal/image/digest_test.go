// SPDX-License-Identifier: MPL-2.0

package image

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestDigest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	var last float64
	got, err := Digest(t.Context(), path, true, func(p float64) { last = p })
	want := Sums{ // FIPS 180-2 appendix B.1, RFC 1321 appendix A.5
		SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		MD5:    "900150983cd24fb0d6963f7d28e17f72", Bytes: 3,
	}
	if err != nil || got != want || last != 100 {
		t.Errorf("%+v %v %v", got, err, last)
	}
	if got, err := Digest(t.Context(), path, false, nil); err != nil || got.MD5 != "" || got.SHA256 != want.SHA256 {
		t.Errorf("%+v %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Digest(ctx, path, false, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Holes count as the zeros that they read as, wherever they are.
func TestDigestOfSparseFile(t *testing.T) {
	const size = 7<<20 + 123
	data := []byte("data, and not at the start of a block")
	for name, places := range map[string][]int64{
		"hole alone": nil, "at the start": {0}, "in the midst": {3<<20 - 5, 3 << 20}, "at the end": {size - int64(len(data))},
		"everywhere": {0, 1 << 20, 4<<20 + 77, size - int64(len(data))},
	} {
		path, dense := filepath.Join(t.TempDir(), "f"), make([]byte, size)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range places {
			copy(dense[at:], data)
			if _, err := f.WriteAt(data, at); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			t.Fatal(err)
		}
		strong, weak := sha256.Sum256(dense), md5.Sum(dense)
		want := Sums{SHA256: hex.EncodeToString(strong[:]), MD5: hex.EncodeToString(weak[:]), Bytes: size}
		if got, err := Digest(t.Context(), path, true, nil); err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, want)
		}
	}
}
