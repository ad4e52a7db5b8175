// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

const mapOfPackages = `{
  "default": {"a": "a-default", "b": "b-default", "c": "c-default", "d": "d-default", "many": "one two", "none": "", "null": null},
  "family": {"redhat": {"b": "b-redhat", "c": "c-redhat", "d": "d-redhat"}, "debian": {"none": "some"}, "suse": {"b": "b-suse"}, "gentoo": {"b": "b-gentoo"}},
  "distro": {"fedora": {"c": "c-fedora", "d": "d-fedora"}, "centos": {"d": "d-centos"}},
  "release": {"fedora": {"23": {"d": "d-23"}}, "centos": {"8": {"d": "d-8"}}}
}`

// mapCases are command lines of pkg-map after the map, with the result.
var mapCases = []struct {
	line, env, want string
	status          int
	ours            bool // upstream 3.13 differs
}{
	{"--distro fedora a b c d", "", "a-default b-redhat c-fedora d-fedora", 0, false},
	{"--distro fedora --release 23 a b c d", "", "a-default b-redhat c-fedora d-23", 0, false},
	{"--distro fedora --release 24 d", "", "d-fedora", 0, false},
	{"--distro=centos --release=8-stream d", "", "d-8", 0, false},
	{"--distro centos --release 9-stream d", "", "d-centos", 0, false},
	{"a", "DISTRO_NAME=debian", "a-default", 0, false},
	{"d", "DISTRO_NAME=fedora DIB_RELEASE=23", "d-23", 0, false},
	{"--distro debian none many", "", "some|one two", 0, false},
	{"--distro gentoo b none null", "", "b-gentoo", 0, false},
	{"--distro opensuse b", "", "b-suse", 0, false},
	{"--distro rhel b", "", "b-redhat", 0, false},
	{"--distro rocky b", "", "b-redhat", 0, true},
	{"--distro almalinux b", "", "b-redhat", 0, true},
	{"--distro openeuler b", "", "b-redhat", 0, true},
	{"--distro elsewhere b", "", "b-default", 0, false},
	{"--distro debian a unknown b", "", "a-default", 1, false},
	{"--distro debian --missing-ok a unknown", "", "a-default unknown", 0, false},
	{"--distro debian --missing-ok --prefix - a unknown", "", "-a-default -unknown", 0, false},
	{"--distro debian --missing-ok --prefix=x: many", "", "x:one two", 0, false},
	{"--distro debian --missing-ok -u a", "", "-u a-default", 0, false},
	{"--distro debian --debug a", "", "a-default", 0, false},
	{"--distro debian", "", "", 0, false},
	{"a", "", "", 1, false},
	{"--element x --distro debian a", "", "", 1, false},
}

func TestPkgMap(t *testing.T) {
	file := filepath.Join(t.TempDir(), "map")
	files(t, filepath.Dir(file), map[string]string{"map": mapOfPackages})
	for _, tc := range mapCases {
		tr := newTrial(t, strings.Fields(tc.env), append([]string{"pkg-map", "--pkg-map", file}, strings.Fields(tc.line)...)...)
		status := tr.serve(t)
		got := strings.ReplaceAll(strings.TrimSpace(tr.out.String()), "\n", "|")
		if status != tc.status || !sameNames(got, tc.want) {
			t.Errorf("%s: %d %q (%s)", tc.line, status, got, &tr.err)
		}
		if tc.status != 0 && tr.err.Len() == 0 {
			t.Errorf("%s: failed without a word", tc.line)
		}
	}
}

// sameNames compares lines joined by "|"; a want without "|" has a name a line.
func sameNames(got, want string) bool {
	if !strings.Contains(want, "|") && !strings.Contains(want, "one two") {
		want = strings.ReplaceAll(want, " ", "|")
	}
	return got == want
}

func TestPkgMapIsUpstreams(t *testing.T) {
	script := upstreamScript(t, "elements/pkg-map/bin/pkg-map")
	file := filepath.Join(t.TempDir(), "map")
	files(t, filepath.Dir(file), map[string]string{"map": mapOfPackages})
	for _, tc := range mapCases {
		if tc.ours {
			continue
		}
		out, err := command.Output(t.Context(), command.Host{}, command.Command{
			Path: "/usr/bin/python3", Args: append([]string{script, "--pkg-map", file}, strings.Fields(tc.line)...),
			Env: append(strings.Fields(tc.env), "PATH=/usr/bin"),
		})
		status := 0
		var exit *command.ExitError
		if errors.As(err, &exit) {
			status = exit.Status
		}
		if got := strings.ReplaceAll(out, "\n", "|"); status != tc.status || !sameNames(got, tc.want) {
			t.Errorf("%s: upstream gives %d %q", tc.line, status, got)
		}
	}
}

func TestPkgMapFindsTheElementsMap(t *testing.T) {
	env := []string{"DISTRO_NAME=debian"}
	tr := newTrial(t, env, "pkg-map", "--element", "el", "a")
	files(t, tr.root, map[string]string{"usr/share/pkg-map/el": mapOfPackages, "usr/share/pkg-map/bad": "{"})
	if status := tr.serve(t); status != 0 || tr.out.String() != "a-default\n" {
		t.Errorf("%d %q %s", status, tr.out.String(), &tr.err)
	}
	for _, tc := range []struct {
		line   string
		status int
		out    string
	}{
		{"--element other a", 2, ""},
		{"--element other --missing-ok a b", 0, "a\nb\n"},
		{"--element bad a", 1, ""},
		{"--element", 1, ""},
		{"a", 1, ""},
	} {
		other := newTrial(t, env, append([]string{"pkg-map"}, strings.Fields(tc.line)...)...)
		other.root = tr.root
		if status := other.serve(t); status != tc.status || other.out.String() != tc.out {
			t.Errorf("%s: %d %q", tc.line, status, other.out.String())
		}
	}
}

func TestPkgMapInstall(t *testing.T) {
	dir, image := t.TempDir(), t.TempDir()
	files(t, dir, map[string]string{
		"good/pkg-map": mapOfPackages, "odd/pkg-map": `{"defualt": {}, "default": {}}`, "none/x": "",
		"dir/pkg-map/x": "", "bad/pkg-map": `{"default": {"a": ["b"]}}`,
	})
	env := func(elements string) []string {
		return []string{"TMP_MOUNT_PATH=" + image, "IMAGE_ELEMENT=" + elements, "IMAGE_ELEMENT_YAML={good: " + dir + "/good, odd: " +
			dir + "/odd, none: " + dir + "/none, dir: " + dir + "/dir, bad: " + dir + "/bad}"}
	}
	tr := newTrial(t, env("good odd none dir"), "pkg-map-install")
	if status := tr.serve(t); status != 0 {
		t.Fatal(tr.err.String())
	}
	if got := read(t, image, pkgMapDir, "good"); got != mapOfPackages {
		t.Error(got)
	}
	if tr.err.Len() > 0 {
		t.Error(tr.err.String())
	}
	if diff := cmp.Diff("Copying pkg-map for good\nCopying pkg-map for odd\n", tr.out.String()); diff != "" {
		t.Error(diff)
	}
	tr = newTrial(t, env("bad"), "pkg-map-install")
	if status := tr.serve(t); status != 1 || !strings.Contains(tr.err.String(), "element bad: "+dir+"/bad/pkg-map is not a valid package map") {
		t.Errorf("%d %s", status, &tr.err)
	}
}
