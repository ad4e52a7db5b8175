// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// element writes an element of the test's own with one hook and returns an
// element_paths attribute that also has the usual fixtures.
func (w workspace) element(name, hook, script string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, "elements", name, hook)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/bash\nset -eu\n"+script), 0o755); err != nil {
		w.t.Fatal(err)
	}
	return filepath.Join(w.dir, "elements")
}

// A second mount of the image's file system keeps the loop device busy: an
// image whose file system may still be written to is not finished.
func TestAccFailingDetachFailsTheBuild(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	intact := w.earlier()
	more := w.element("busy", "cleanup.d/99-busy", `mkdir "$TMP_BUILD_DIR/elsewhere"
mount --bind "$TARGET_ROOT" "$TMP_BUILD_DIR/elsewhere"
`)
	status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+more), "build", "-force", w.template(`
  elements = ["tiny-os", "busy", "block-device-gpt"]
  formats  = ["raw"]`, ""))
	if status == 0 {
		t.Fatalf("the build succeeded although its disk is still mounted:\n%s", out)
	}
	if !strings.Contains(out, "closing the disk") || !strings.Contains(out, "elsewhere") {
		t.Errorf("the error does not say what is in the way:\n%s", out)
	}
	w.assertClean()
	intact()
}

func TestAccKeptTree(t *testing.T) {
	needPacker(t)
	for name, c := range map[string]struct{ phase, tmpfs string }{
		"in memory":   {"install.d", "always"},
		"on disk":     {"install.d", "never"},
		"on the disk": {"cleanup.d", "always"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			template := w.template(probed+`  tmpfs = "`+c.tmpfs+`"`, "")
			status, out := runPacker(t, w.dir, w.env("PROBE_FAIL="+c.phase), "build", "-on-error=abort", template)
			found := regexp.MustCompile(`kept in (\S+)`).FindStringSubmatch(out)
			if status == 0 || found == nil {
				t.Fatalf("status %d:\n%s", status, out)
			}
			kept := found[1]
			way := regexp.MustCompile(`enter it:  (.*)`).FindStringSubmatch(out)
			if way == nil {
				t.Fatalf("the way in is not told:\n%s", out)
			}
			checkEntrance(t, way[1])
			// Only the tree is left: whoever supervised the build ends after packer.
			w.eventuallyNone(func() []string {
				return slices.Concat(loopsBackedBelow(w.dir), mountsBelow(w.dir), processesOf(w.dir))
			})
			if status, out := runPacker(t, w.dir, w.env(), "build", template); status != 0 {
				t.Fatal(out)
			}
			if _, err := os.Stat(filepath.Join(kept, "etc")); err != nil {
				t.Errorf("the next build removed the kept tree: %v", err)
			}
		})
	}
}

// Hooks call sudo everywhere; where the host has none, ours passes through.
func TestAccHostWithoutSudo(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	programs := filepath.Join(w.dir, "programs")
	if err := os.Mkdir(programs, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/bin", "/usr/bin"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "sudo" {
				_ = os.Symlink(filepath.Join(dir, e.Name()), filepath.Join(programs, e.Name()))
			}
		}
	}
	packer, err := filepath.Abs(judgePath(t, "packer"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(packer, filepath.Join(programs, "packer")); err != nil {
		t.Fatal(err)
	}
	more := w.element("asks", "extra-data.d/10-asks", `command -v sudo
sudo -E env ASKED=yes sh -c 'echo asked=$ASKED uid=$(id -u) release=$DIB_RELEASE'
`)
	status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+more, "PATH="+programs, "DIB_RELEASE=none"), "build", w.template(`
  elements = ["tiny-os", "asks"]
  formats  = ["raw"]`, ""))
	if status != 0 || !strings.Contains(out, "asked=yes uid=0 release=none") || !strings.Contains(out, w.work) {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
}

func judgePath(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(judge(t, "sh", "-c", "command -v "+name))
}
