// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// onPath plans an image of the user's elements, given as files of the parts "1"
// and "2" of a search path; PATH stands for its place in what comes back.
func onPath(t *testing.T, content map[string]string, env map[string]string, wanted ...string) ([]string, error) {
	t.Helper()
	dir := t.TempDir()
	content["1/os/element-provides"], content["2/x/y/z"] = "operating-system\n", ""
	for name, text := range content {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	catalogue, _, err := element.Load(elements.FS(), []string{dir + "/1", dir + "/2"})
	if err != nil {
		t.Fatal(err)
	}
	r := request()
	r.Elements, r.SkipBase, r.Environment = append(wanted, "os"), true, env
	p, err := New(r, catalogue, ableHost())
	if err != nil {
		return strings.Split(strings.ReplaceAll(err.Error(), dir, "PATH"), "\n"), err
	}
	var notes []string
	for _, note := range p.Notes {
		notes = append(notes, strings.ReplaceAll(note, dir, "PATH"))
	}
	return notes, nil
}

func TestListsAreCheckedBeforeTheBuild(t *testing.T) {
	got, err := onPath(t, map[string]string{
		"1/mine/element-deps":                         "package-installs\ninstall-types\nsource-repositories\n",
		"1/mine/package-installs.yaml":                "a: {phase: install}\nb: {installtype: wheel}\nc: {installtype: egg}\nd: {installtype: tool}\n",
		"1/mine/install.d/mine-wheel-install/10-mine": "",
		"1/mine/pkg-map":                              `{"famliy": {}}`,
	}, map[string]string{"DIB_INSTALLTYPE_other": "egg"}, "mine")
	want := []string{
		`element mine: PATH/1/mine/package-installs.yaml, line 1: package a: no packages are installed in the phase "install", so nothing comes of this entry (did you mean "install.d"?); phases are pre-install.d, install.d, post-install.d`,
		`element mine: PATH/1/mine/package-installs.yaml, line 4: package d: nothing else knows the install type "tool", so the package comes only if DIB_INSTALLTYPE_mine or DIB_DEFAULT_INSTALLTYPE says so`,
		`element mine: PATH/1/mine/pkg-map: the section "famliy" has no effect (did you mean "family"?); sections are default, family, distro, release`,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestBrokenListsAreErrorsOfElements(t *testing.T) {
	broken := map[string]string{
		"1/mine/element-deps":          "package-installs\nsource-repositories\n",
		"1/mine/package-installs.yaml": "a: {when: nonsense}\n",
		"1/mine/pkg-map":               "{",
		"1/mine/source-repository-x":   "x svn /x https://host.test/x\n",
	}
	got, _ := onPath(t, broken, nil, "mine")
	want := []string{
		"elements: element mine: reading its packages: PATH/1/mine/package-installs.yaml: line 1: package a: when: Malformed when line: <nonsense>; write VARIABLE = value or VARIABLE != value",
		"elements: element mine: PATH/1/mine/pkg-map is not a valid package map: unexpected end of JSON input",
		"elements: element mine: PATH/1/mine/source-repository-x, line 1: line: Couldn't parse 'x svn /x https://host.test/x' as a source repository; it must be: NAME git|tar|file|package /DESTINATION LOCATION [REF]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, _ := onPath(t, broken, map[string]string{"NO_SOURCE_REPOSITORIES": "1"}, "mine"); len(got) != 2 {
		t.Errorf("without source repositories: %q", got)
	}
}

func TestFilesThatNothingReadsAreTold(t *testing.T) {
	got, err := onPath(t, map[string]string{
		"1/mine/package-installs.yaml": "a: [broken, but nobody reads it\n", "1/mine/static/etc/x": "", "1/mine/source-repository-x": "x git\n",
	}, nil, "mine")
	var want []string
	for file, by := range map[string]string{"package-installs.yaml": "package-installs", "source-repository-x": "source-repositories", "static": "install-static"} {
		want = append(want, "element mine: PATH/1/mine/"+file+" is not used, because the element "+by+" is not in the image; name it in element-deps")
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestShadowedListsAreTold(t *testing.T) {
	got, err := onPath(t, map[string]string{
		"1/mine/element-deps": "package-installs\n", "1/mine/package-installs.yaml": "a:\n", "2/mine/package-installs.yaml": "b:\n",
		"1/same/package-installs.json": "{}", "2/same/package-installs.json": "{}",
		"2/unused/package-installs.yaml": "b:\n",
	}, nil, "mine", "same")
	want := []string{"element mine: PATH/2/mine/package-installs.yaml is not read, because PATH/1/mine comes first on the path; diskimage-builder reads both"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}
