// SPDX-License-Identifier: MPL-2.0

package image

import (
	"context"
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
