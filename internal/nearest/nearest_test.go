// SPDX-License-Identifier: MPL-2.0

package nearest

import "testing"

func TestName(t *testing.T) {
	known := []string{"ext4", "ext3", "qcow2", "raw", "zstd"}
	for given, want := range map[string]string{
		"ext5": "ext4", "ext33": "ext3", "qcow": "qcow2", "RAW": "raw", "zst": "zstd", "squashfs": "", "": "", "x": "",
	} {
		got, ok := Name(given, known)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
	if _, ok := Name("raw", nil); ok {
		t.Error("found something in nothing")
	}
	if got := Hint("qcow", known); got != ` (did you mean "qcow2"?)` {
		t.Error(got)
	}
}
