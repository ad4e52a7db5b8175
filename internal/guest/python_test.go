// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPythonShim(t *testing.T) {
	dir, image, bin := t.TempDir(), t.TempDir(), t.TempDir()
	files(t, dir, map[string]string{"a/package-installs.yaml": "x:\n"})
	files(t, bin, map[string]string{"python3*": "#!/bin/sh\necho real \"$@\"\n"})
	shim := filepath.Join(linked(t, "python3-shim", "python3"), "python3-shim")
	out := filepath.Join(image, "out.json")
	// The script itself need not be there: it is only recognised.
	_, errs, status := runProgram(t, nil, shim, "/hooks/extra-data.d/../bin/package-installs-squash", "--elements=a", "--path="+dir, out)
	if status != 0 || compact(t, read(t, out)) != `{"install.d":{"install":[["x","a"]]}}` {
		t.Errorf("%d %s", status, errs)
	}
	// A python3 on the PATH that is this binary again is passed over.
	said, errs, status := runProgram(t, []string{"PATH=" + filepath.Dir(shim) + ":" + bin + ":/bin"}, shim, "-m", "venv")
	if status != 0 || said != "real -m venv\n" {
		t.Errorf("%d %q %s", status, said, errs)
	}
}

func TestPythonShimWithoutPython(t *testing.T) {
	tr := newTrial(t, []string{"PATH=/nowhere"}, "python3-shim", "script.py")
	status := tr.serve(t)
	if said := tr.err.String(); status != 127 && !strings.Contains(said, "exec /usr/") {
		t.Errorf("%d %s", status, said)
	}
}

func FuzzRepositoryLine(f *testing.F) {
	f.Add("name git /opt/x https://host/x.git master")
	f.Add("name tar /opt/x")
	f.Add("name  git")
	f.Fuzz(func(t *testing.T, line string) {
		r, err := parseRepository(line, func(_, fallback string) string { return fallback })
		if err == nil && (r.name == "" || r.dest != "" && r.dest[0] != '/') {
			t.Errorf("%q: %+v", line, r)
		}
		rebase(line, "https://base")
		listLines(line)
	})
}
