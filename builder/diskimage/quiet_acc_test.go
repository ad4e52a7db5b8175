// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// chatter is an element whose hooks call dib-quiet on the host and in the chroot.
func (w workspace) chatter() string {
	w.t.Helper()
	path := filepath.Join(w.dir, "elements")
	for file, script := range map[string]string{
		"root.d/90-chatter": `"$_LIB/dib-quiet" bash -c 'echo Unpacking outside; echo W: careful outside >&2'`,
		"install.d/90-chatter": `dib-quiet bash -c 'echo Unpacking inside; echo "E: wrong inside"; exit '"${CHATTER_FAIL:-0}"
echo the hook itself, Setting up too`,
	} {
		name := filepath.Join(path, "chatter", file)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("#!/bin/bash\nset -eu\n"+script+"\n"), 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
	return path
}

// What tools say that dib-quiet runs is shown when it matters, and all of it is in
// a file that the output names; a hook's own words are always shown.
func TestAccQuietTools(t *testing.T) {
	needPacker(t)
	t.Parallel()
	const everything = "Unpacking outside|W: careful outside|Unpacking inside|E: wrong inside"
	for name, c := range map[string]struct {
		env         []string
		status      int
		shown, gone string
		log         bool
	}{
		"quiet":        {nil, 0, "W: careful outside|E: wrong inside|the hook itself, Setting up too", "Unpacking outside|Unpacking inside", true},
		"failed":       {[]string{"CHATTER_FAIL=3"}, 1, "W: careful outside|E: wrong inside|Unpacking inside|exit status 3", "Unpacking outside|the hook itself", true},
		"trace":        {[]string{"DIB_DEBUG_TRACE=1"}, 0, everything, "", false},
		"packer's log": {[]string{"PACKER_LOG=1"}, 0, everything, "All that apt", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			template := w.template(`elements = ["tiny-os", "chatter"]`, "")
			env := w.env(append(c.env, "ELEMENTS_PATH="+w.chatter(), "DIB_IMAGE_CACHE="+filepath.Join(w.dir, "cache"))...)
			status, out := runPacker(t, w.dir, env, "build", template)
			if status != c.status {
				t.Fatalf("status %d:\n%s", status, out)
			}
			for _, text := range strings.Split(c.shown, "|") {
				if !strings.Contains(out, text) {
					t.Errorf("not shown: %q\n%s", text, out)
				}
			}
			for _, text := range strings.Split(c.gone, "|") {
				if text != "" && strings.Contains(out, text) {
					t.Errorf("shown: %q\n%s", text, out)
				}
			}
			m := regexp.MustCompile(`All that apt and dpkg printed: (\S+)`).FindStringSubmatch(out)
			if c.log != (m != nil) {
				t.Fatalf("a log was named: %t\n%s", m != nil, out)
			}
			if c.log {
				text, err := os.ReadFile(m[1])
				if err != nil || filepath.Dir(m[1]) != filepath.Join(w.dir, "cache", "logs") {
					t.Errorf("%s: %v", m[1], err)
				}
				for _, line := range strings.Split(everything, "|") {
					if !strings.Contains(string(text), line+"\n") {
						t.Errorf("%s lacks %q", text, line)
					}
				}
			}
			w.assertClean()
		})
	}
}
