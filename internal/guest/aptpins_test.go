// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAptPins(t *testing.T) {
	const want = "Package: less\nPin: version 590-2.1~deb12u2\nPin-Priority: 1001\n\n" +
		"Package: libc6:amd64\nPin: version 2:2.36-9\nPin-Priority: 1001\n\n"
	for doc, wrong := range map[string]string{
		`{"packages": [
    {"package": "less", "arch": "amd64", "version": "590-2.1~deb12u2", "status": "ii "},
    {"package": "never", "arch": "", "version": "", "status": "un "},
    {"package": "libc6:amd64", "arch": "amd64", "version": "2:2.36-9", "status": "ii "}
]}`: "",
		`less 590`:         "not a manifest",
		`{"packages": []}`: "lists no packages",
		`{"packages": [{"package": "a", "version": "1\nPin-Priority: 9"}]}`: "entry 1",
		`{"packages": [{"version": "1"}]}`:                                  "entry 1",
	} {
		file := filepath.Join(t.TempDir(), "manifest")
		if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
		tr := newTrial(t, nil, "apt-pins", file)
		status := tr.serve(t)
		if wrong == "" && (status != 0 || tr.out.String() != want) {
			t.Errorf("%d %q %s", status, &tr.out, &tr.err)
		}
		if wrong != "" && (status == 0 || !strings.Contains(tr.err.String(), wrong) || tr.out.Len() > 0) {
			t.Errorf("%s: %d %q %s", doc, status, &tr.out, &tr.err)
		}
	}
	if newTrial(t, nil, "apt-pins").serve(t) != 2 {
		t.Error("no argument was enough")
	}
	if newTrial(t, nil, "apt-pins", filepath.Join(t.TempDir(), "none")).serve(t) != 1 {
		t.Error("a missing file was enough")
	}
}
