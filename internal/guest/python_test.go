// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"path/filepath"
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

// TestPythonShimWithoutPython: the trial's root has no Python either.
func TestPythonShimWithoutPython(t *testing.T) {
	dir := t.TempDir()
	files(t, dir, map[string]string{"a/bin/other": "", "b/bin/script.py": "", "hooks/bin/script.py": ""})
	env := []string{"PATH=/nowhere", "TMP_HOOKS_PATH=" + dir + "/hooks", "IMAGE_ELEMENT=a b", "IMAGE_ELEMENT_YAML={a: " + dir + "/a, b: " + dir + "/b}"}
	const rest = " wants to run through DIB_PYTHON_EXEC, but this host has no python3; install it, or use an element that does without\n"
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{dir + "/hooks/install.d/../bin/script.py", "x"}, dir + "/hooks/bin/script.py of element b"},
		{[]string{dir + "/a/bin/other"}, dir + "/a/bin/other of element a"},
		{[]string{"/elsewhere/x.py"}, "/elsewhere/x.py"},
		{[]string{"-c", "print(1)"}, "python3 -c 'print(1)'"},
		{nil, "python3"},
	} {
		tr := newTrial(t, env, append([]string{"python3-shim"}, tc.args...)...)
		status := tr.serve(t)
		if said := tr.err.String(); status != 127 || said != "python3-shim: "+tc.want+rest {
			t.Errorf("%d %s", status, said)
		}
	}
}
