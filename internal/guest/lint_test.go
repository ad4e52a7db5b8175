// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// sourcesOf are elements "name: file: content"; they lie in /e/NAME.
func sourcesOf(names string, content map[string]string) []PackageSource {
	var all []PackageSource
	for name := range strings.FieldsSeq(names) {
		fsys := fstest.MapFS{}
		for file, text := range content {
			if rest, ok := strings.CutPrefix(file, name+"/"); ok {
				fsys[rest] = &fstest.MapFile{Data: []byte(text)}
			}
		}
		all = append(all, PackageSource{Element: name, Dir: "/e/" + name, FS: fsys})
	}
	return all
}

// Each mistake that diskimage-builder passes over in silence, in a file of element a
// unless it says more.
var silentMistakes = []struct {
	name, yaml string
	facts      PackageFacts
	want       []string // what is said behind the place
}{
	{name: "nothing wrong", yaml: "x:\ny: {phase: pre-install.d, uninstall: true, arch: 'amd64,arm64', when: [A=b, C != d]}\n" +
		"z: [{build-only: }, {installtype: source}, {dib_python_version: 3}, {dib_python_version: '2'}]\n"},
	{name: "uninstall: false", yaml: "x:\n  uninstall: no\n", want: []string{
		`1: package x: "uninstall" is false and so is taken as not there, but to diskimage-builder it is true whatever its value; leave the key out`}},
	{name: "uninstall: false in compatibility", yaml: "x:\n  uninstall: no\n", facts: PackageFacts{Compat: true}, want: []string{
		`1: package x: "uninstall" counts whatever its value (here "False"); leave the key out if it is not meant`}},
	{name: "build-only that looks false", yaml: "x: {build-only: 'no'}\ny: {uninstall: 0}\n", want: []string{
		`1: package x: "build-only" counts whatever its value (here "no"); leave the key out if it is not meant`,
		`2: package y: "uninstall" counts whatever its value (here "0"); leave the key out if it is not meant`}},
	{name: "blanks in arch lists", yaml: "x: {arch: 'i386, amd64'}\ny: {not-arch: 'i386 ,arm64'}\n", want: []string{
		`1: package x: the blanks in arch "i386, amd64" are ignored, but diskimage-builder never matches " amd64"; write the list without`,
		`2: package y: the blanks in not-arch "i386 ,arm64" are ignored, but diskimage-builder never matches "i386 "; write the list without`}},
	{name: "blanks in compatibility", yaml: "x: {arch: 'i386, amd64'}\n", facts: PackageFacts{Compat: true}, want: []string{
		`1: package x: " amd64" in arch never matches because of the blanks; write the list without`}},
	{name: "empty item", yaml: "x: {arch: 'amd64,'}\n", want: []string{`1: package x: arch "amd64," has an empty item`}},
	{name: "foreign names", yaml: "x: {arch: 'x86_64,aarch64'}\n", want: []string{
		`1: package x: no ARCH is called "x86_64"; in arch write "amd64"`, `1: package x: no ARCH is called "aarch64"; in arch write "arm64"`}},
	{name: "unknown phase", yaml: "x: {phase: install}\n", want: []string{
		`1: package x: no packages are installed in the phase "install", so nothing comes of this entry (did you mean "install.d"?); phases are pre-install.d, install.d, post-install.d`}},
	{name: "unknown key", yaml: "x:\n  phase: install.d\n  not_arch: amd64\n", want: []string{
		`3: package x: the key "not_arch" has no effect (did you mean "not-arch"?); keys are phase, uninstall, build-only, installtype, arch, not-arch, dib_python_version, when`}},
	{name: "unknown install type", yaml: "x: {installtype: pakcage}\ny: {installtype: wheel}\n", facts: PackageFacts{InstallTypes: []string{"wheel"}}, want: []string{
		`1: package x: nothing else knows the install type "pakcage" (did you mean "package"?), so the package comes only if DIB_INSTALLTYPE_a or DIB_DEFAULT_INSTALLTYPE says so`}},
	{name: "install type that is no word", yaml: "x: {installtype: yes}\n", want: []string{
		`1: package x: installtype is a boolean, which no install type is equal to; put it in quotes`}},
	{name: "Python that is not", yaml: "x: {dib_python_version: 3.11}\n", want: []string{`1: package x: dib_python_version 3.11 never matches; versions are 2 and 3`}},
	{name: "twice in a file", yaml: "x: {phase: pre-install.d}\nx: {phase: install.d, phase: post-install.d}\n", want: []string{
		`2: package x: is listed twice in this file, and only the last entry counts; write a list of maps to have several`,
		`2: package x: the key "phase" is there twice, and only the last counts`}},
	{name: "when", yaml: "x: {when: 'A == b'}\ny:\n  when:\n    - A = \"b\"\n    - 'A = b '\n", want: []string{
		`1: package x: when: in "A == b" the second = belongs to the value; write one`,
		`4: package y: when: in "A = \"b\"" the quotes belong to the value; write A = b`,
		`5: package y: when: in "A = b " the blanks at the end belong to the value`}},
	{name: "errors behind a condition", yaml: "x: {installtype: package, arch: amd64, not-arch: arm64}\ny: {arch: arm64, when: nonsense}\n", want: []string{
		`1: package x: the build will fail wherever this entry applies: arch and not-arch exclude each other; give one of them`,
		`2: package y: the build will fail wherever this entry applies: when: Malformed when line: <nonsense>; write VARIABLE = value or VARIABLE != value`}},
}

func TestSilentMistakesAreTold(t *testing.T) {
	for _, tc := range silentMistakes {
		t.Run(tc.name, func(t *testing.T) {
			tc.facts.Arch = "amd64"
			_, got, err := CheckPackages(sourcesOf("a", map[string]string{"a/package-installs.yaml": tc.yaml}), tc.facts)
			var want []string
			for _, line := range tc.want {
				want = append(want, "element a: /e/a/package-installs.yaml, line "+line)
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestCertainMistakesAreErrors(t *testing.T) {
	for yaml, want := range map[string]string{
		"ok:\nx: {arch: amd64, not-arch: arm64}\n": "line 2: package x: arch and not-arch exclude each other; give one of them",
		"x: {when: [A=b, nonsense]}\n":             "line 1: package x: when: Malformed when line: <nonsense>",
		"x: {arch: 386}\n":                         "line 1: package x: arch wants a string",
		"x: install.d\n":                           "line 1: package x: want a map of settings, found a string",
		"x: [{}, null]\n":                          "line 1: package x: want a map of settings, found nothing",
		"- x\n":                                    "want a map of packages, found a list",
		"on:\n":                                    "line 1: the package name True is a boolean to YAML 1.1; put it in quotes",
		"x: [\n":                                   "yaml: line",
	} {
		_, _, err := CheckPackages(sourcesOf("a b", map[string]string{"b/package-installs.yaml": yaml}), PackageFacts{Arch: "amd64"})
		if err == nil || !strings.Contains(err.Error(), "element b: reading its packages: /e/b/package-installs.yaml: "+want) {
			t.Errorf("%q: %v", yaml, err)
		}
	}
}

func TestConflictsBetweenElements(t *testing.T) {
	a := map[string]string{
		"a/package-installs.yaml": "stays:\ngoes: {phase: pre-install.d}\nmeant: [{phase: pre-install.d}, {phase: install.d, uninstall: true}]\n" +
			"own: [{}, {uninstall: true}]\nelsewhere: {arch: arm64}\nmaybe: {when: A = b}\nlost: {phase: nowhere}\nbuilt:\n",
		"b/package-installs.json": "{\"stays\": {\"uninstall\": true},\n \"goes\": {\"build-only\": true}, \"elsewhere\": {\"uninstall\": true},\n" +
			" \"maybe\": {\"uninstall\": true}, \"lost\": {\"uninstall\": true}, \"built\": {\"build-only\": true}}",
		"b/package-installs.yml": "x:\n",
	}
	entries, got, err := CheckPackages(sourcesOf("a b", a), PackageFacts{Arch: "amd64"})
	want := []string{
		`element a: /e/a/package-installs.yaml, line 7: package lost: no packages are installed in the phase "nowhere", so nothing comes of this entry; phases are pre-install.d, install.d, post-install.d`,
		"element b: /e/b/package-installs.yml is not read; a list of packages must be called package-installs.yaml or package-installs.json",
		"element b: /e/b/package-installs.json, line 1: package stays: is not removed in install.d, because it is installed there by element a (/e/a/package-installs.yaml, line 1)",
		"element b: /e/b/package-installs.json, line 2: package goes: is removed in install.d, though it was installed in pre-install.d by element a (/e/a/package-installs.yaml, line 2)",
		"element a: /e/a/package-installs.yaml, line 4: package own: is not removed in install.d, because it is installed there by element a (/e/a/package-installs.yaml, line 4)",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	maybe := PackageEntry{Package: "maybe", Element: "a", File: "/e/a/package-installs.yaml", Line: 6, Phase: "install.d", When: []string{"A = b"}}
	if diff := cmp.Diff(maybe, entries[6]); diff != "" || !entries[6].Conditional() || entries[0].Conditional() {
		t.Error(diff)
	}
	for _, e := range entries {
		if e.Package == "elsewhere" && e.Element == "a" {
			t.Error("an entry for another architecture is listed")
		}
	}
}

func TestCheckPackageMap(t *testing.T) {
	check := func(doc string) ([]string, error) {
		return CheckPackageMap(sourcesOf("a", map[string]string{"a/pkg-map": doc})[0])
	}
	got, err := check(`{"defaults": {}, "family": {"rhel": {}, "debian": {}}}`)
	want := []string{
		`element a: /e/a/pkg-map: the section "defaults" has no effect (did you mean "default"?); sections are default, family, distro, release`,
		`element a: /e/a/pkg-map: no distribution is of the family "rhel"; families are redhat, debian, suse, gentoo`,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := check(`{"default": {"a": "b",}}`); err == nil || !strings.Contains(err.Error(), "element a: /e/a/pkg-map is not a valid package map: ") {
		t.Errorf("%v", err)
	}
	if got, err := CheckPackageMap(sourcesOf("a", map[string]string{"a/pkg-map/x": ""})[0]); err != nil || got != nil {
		t.Errorf("a directory: %v %v", got, err)
	}
}

func TestCheckRepositories(t *testing.T) {
	err := CheckRepositories(sourcesOf("a", map[string]string{
		"a/source-repository-x":  "# one\n\n x  git /opt/x  https://host.test/x\ny svn /opt/y https://host.test/y\n$x nonsense\nz package\n",
		"a/source-repository-x~": "nonsense\n",
	})[0])
	const want = "element a: /e/a/source-repository-x, line 4: line: Couldn't parse 'y svn /opt/y https://host.test/y' as a source repository"
	if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}
