// SPDX-License-Identifier: MPL-2.0

// Package golden compares, in tests, what was made with a file that holds what is
// wanted. With the flag -update the file is written instead: read its difference.
package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Update tells whether golden files are to be written.
func Update() bool { return *update }

// Compare fails the test where got is not the content of the file.
func Compare(t *testing.T, path, got string) {
	t.Helper()
	if Update() {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update if it is meant:\n%s", path, diff)
	}
}
