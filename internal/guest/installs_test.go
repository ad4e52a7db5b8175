// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

const listOfPackages = `{
 "install.d": {
  "install": [["zsh", "b"], ["a", "a"], ["many", "b"], ["zsh", "a"], ["none", "b"]],
  "uninstall": [["a", "a"]]
 },
 "post-install.d": {"install": [["only", "c"]]}
}`

// newInstall is a call in a target that has maps; its programs are a Fake.
func newInstall(t *testing.T, answer func(c command.Command) error, line ...string) (*trial, *command.Fake) {
	t.Helper()
	fake := &command.Fake{Answer: answer}
	tr := newTrial(t, []string{"DISTRO_NAME=debian", "PATH=/nowhere"}, line...)
	tr.runner = fake
	files(t, tr.root, map[string]string{"list.json": listOfPackages, "broken.json": `{"install.d": {"install": [["a"]]}}`, "usr/share/pkg-map/b": mapOfPackages})
	for i, arg := range tr.args {
		tr.args[i] = strings.ReplaceAll(arg, "ROOT", tr.root)
	}
	return tr, fake
}

func TestInstallPhase(t *testing.T) {
	cases := []struct{ line, ran, said string }{
		{"--phase install.d ROOT/list.json", "install-packages a one some two zsh", "Map install for b: zsh, many, none\nMap install for a: a, zsh\n"},
		{"--phase install.d --uninstall ROOT/list.json", "install-packages -e a", "Map uninstall for a: a\n"},
		{"--phase=post-install.d ROOT/list.json", "install-packages only", "Map install for c: only\n"},
		{"--phase post-install.d --uninstall ROOT/list.json", "", "Nothing to uninstall\n"},
		{"--phase pre-install.d ROOT/list.json", "", "Nothing to install\n"},
		{"-n --phase install.d ROOT/list.json", "", "install-packages a one some two zsh\n"},
		{"--noop --uninstall --phase install.d ROOT/list.json", "", "install-packages -e a\n"},
	}
	for _, tc := range cases {
		tr, fake := newInstall(t, nil, append([]string{"package-installs-v2"}, strings.Fields(tc.line)...)...)
		if status := tr.serve(t); status != 0 {
			t.Errorf("%s: status %d: %s", tc.line, status, &tr.err)
		}
		if got := strings.Join(fake.Lines(), "\n"); got != tc.ran {
			t.Errorf("%s: ran %q", tc.line, got)
		}
		if !strings.Contains(tr.out.String(), tc.said) {
			t.Errorf("%s: said %q", tc.line, tr.out.String())
		}
	}
}

func TestInstallPhaseFailures(t *testing.T) {
	fail := func(c command.Command) error { return &command.ExitError{Command: c.String(), Status: 100} }
	cases := []struct {
		line, env, said string
		status          int
	}{
		{"--phase install.d ROOT/list.json", "DISTRO_NAME=debian", "install-packages failed with returncode 100", 1},
		{"--phase install.d ROOT/list.json", "", "pkg-map failed for the element b: please specify a --distro", 1},
		{"--phase install.d ROOT/missing.json", "DISTRO_NAME=debian", "opening the list of packages", 1},
		{"--phase install.d ROOT/broken.json", "DISTRO_NAME=debian", "reading the list of packages", 1},
		{"ROOT/list.json", "DISTRO_NAME=debian", "want --phase and one file", 2},
		{"--phase install.d", "DISTRO_NAME=debian", "want --phase and one file", 2},
	}
	for _, tc := range cases {
		tr, _ := newInstall(t, fail, append([]string{"package-installs-v2"}, strings.Fields(tc.line)...)...)
		tr.env = []string{tc.env}
		if status := tr.serve(t); status != tc.status || !strings.Contains(tr.err.String(), tc.said) {
			t.Errorf("%s: status %d: %s", tc.line, status, &tr.err)
		}
	}
}

// TestInstallPhaseAsksAnElementsOwnPkgMap: a pkg-map on the PATH that is not ours
// is an element's, and is asked with upstream's arguments.
func TestInstallPhaseAsksAnElementsOwnPkgMap(t *testing.T) {
	tr, fake := newInstall(t, func(c command.Command) error {
		if filepath.Base(c.Path) != "pkg-map" {
			return nil
		}
		switch c.Args[4] {
		case "a":
			_, err := c.Stdout.Write([]byte("INFO: some log\n-x y\n-z\n"))
			return err
		default:
			return &command.ExitError{Command: c.String(), Status: 2}
		}
	}, "package-installs-v2", "--phase", "install.d", "ROOT/list.json")
	bin := t.TempDir()
	files(t, bin, map[string]string{"pkg-map*": "#!/bin/sh\n"})
	tr.env = []string{"PATH=" + bin}
	if status := tr.serve(t); status != 0 {
		t.Fatal(tr.err.String())
	}
	want := []string{
		bin + "/pkg-map --prefix - --missing-ok --element b zsh many none",
		bin + "/pkg-map --prefix - --missing-ok --element a a zsh",
		"install-packages many none x y z zsh",
	}
	if !slices.Equal(fake.Lines(), want) {
		t.Errorf("%q", fake.Lines())
	}
}

func TestLegacyLists(t *testing.T) {
	lists := map[string]string{
		"p/package-installs-b":      "# comment\n\n many\n-none\nunmapped\n",
		"p/package-installs-a":      "-gone\nkept\nkept\n  # more\ntwo words",
		"p/package-installs-a.d/x":  "",
		"p/other":                   "no\n",
		"p/sub/package-installs-zz": "no\n",
		"empty/package-installs-x":  "# nothing\n",
	}
	cases := []struct{ line, ran string }{
		{"package-installs -d ROOT/p", "install-packages gone kept two words one some unmapped"},
		{"package-installs -dROOT/p", "install-packages gone kept two words one some unmapped"},
		{"package-uninstalls -d ROOT/p", "install-packages -e gone some"},
		{"package-installs -d ROOT/empty", ""},
		{"package-uninstalls -d ROOT/empty", ""},
		{"package-installs -d ROOT/missing", ""},
	}
	for _, tc := range cases {
		tr, fake := newInstall(t, nil, strings.Fields(tc.line)...)
		files(t, tr.root, lists)
		if err := os.RemoveAll(tr.root + "/p/package-installs-a.d"); err != nil {
			t.Fatal(err)
		}
		if status := tr.serve(t); status != 0 {
			t.Errorf("%s: status %d: %s", tc.line, status, &tr.err)
		}
		if got := strings.Join(fake.Lines(), "\n"); got != tc.ran {
			t.Errorf("%s: ran %q, want %q", tc.line, got, tc.ran)
		}
	}
	tr, _ := newInstall(t, func(c command.Command) error {
		return &command.ExitError{Command: c.String(), Status: 42}
	}, "package-installs", "-d", "ROOT/p")
	files(t, tr.root, lists)
	if err := os.RemoveAll(tr.root + "/p/package-installs-a.d"); err != nil {
		t.Fatal(err)
	}
	if status := tr.serve(t); status != 42 {
		t.Errorf("status %d, want that of install-packages", status)
	}
	tr, _ = newInstall(t, nil, "package-installs")
	if status := tr.serve(t); status != 1 || !strings.Contains(tr.err.String(), "usage:") {
		t.Errorf("status %d: %s", status, &tr.err)
	}
}

// TestInstallsAreUpstreams runs upstream's programs and ours with an
// install-packages that writes down what it is told.
func TestInstallsAreUpstreams(t *testing.T) {
	theirs := upstreamScript(t, "elements/package-installs/bin")
	dir := t.TempDir()
	files(t, dir, map[string]string{
		"list.json": listOfPackages, "log": "",
		"bin/install-packages*": "#!/bin/bash\necho \"$@\" >>" + dir + "/log\nexit ${FAIL:-0}\n",
		"p/package-installs-el": "# c\none\n-two\n",
	})
	lines := []string{
		"package-installs-v2 --phase install.d " + dir + "/list.json",
		"package-installs-v2 --phase install.d --uninstall " + dir + "/list.json",
		"package-installs-v2 --phase pre-install.d " + dir + "/list.json",
		"package-installs-v2 --phase post-install.d --uninstall " + dir + "/list.json",
		"package-installs -d " + dir + "/p",
		"package-uninstalls -d " + dir + "/p",
	}
	for _, line := range lines {
		for _, fail := range []string{"FAIL=0", "FAIL=7"} {
			env := []string{"DISTRO_NAME=debian", "DIB_DEBUG_TRACE=0", fail,
				"PATH=" + dir + "/bin:" + theirs + ":" + upstream + "/elements/pkg-map/bin:/usr/bin:/bin"}
			fields := strings.Fields(line)
			gotStatus := newTrial(t, env, fields...).serve(t)
			gotLog := calls(t, dir)
			_, _, wantStatus := runProgram(t, env, filepath.Join(theirs, fields[0]), fields[1:]...)
			wantLog := calls(t, dir)
			if !slices.Equal(gotLog, wantLog) || gotStatus != wantStatus {
				t.Errorf("%s, %s: called %q, status %d; upstream %q, status %d", line, fail, gotLog, gotStatus, wantLog, wantStatus)
			}
		}
	}
}

// calls returns the sorted words of the calls of install-packages so far, for
// upstream's are in no order, and forgets them.
func calls(t *testing.T, dir string) []string {
	t.Helper()
	called := strings.Fields(read(t, dir, "log"))
	slices.Sort(called)
	if err := os.WriteFile(dir+"/log", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return called
}
