// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func listed(name string, files map[string]string) PackageSource {
	tree := fstest.MapFS{}
	for file, text := range files {
		tree[file] = &fstest.MapFile{Data: []byte(text)}
	}
	return PackageSource{Element: name, Dir: "/e/" + name, FS: tree}
}

const evaluatedYAML = `vim:
nano: {phase: post-install.d, when: [DIB_EDITOR != vim, ARCH = amd64]}
gcc: {build-only: true, installtype: source}
arm-tools: {arch: "arm64,armhf"}
pc-tools: {not-arch: arm64}
rsyslog: {uninstall: true}
py3: {dib_python_version: 3}
`

func TestEvaluatePackages(t *testing.T) {
	sources := []PackageSource{listed("app", map[string]string{
		"package-installs.yaml": evaluatedYAML, "pkg-map": `{"distro": {"debian": {"vim": "vim-tiny vim-common", "pc-tools": ""}}}`,
	})}
	decided, phases, err := EvaluatePackages(sources, PackageFacts{Arch: "amd64"}, []string{
		"ARCH=amd64", "DIB_EDITOR=vim", "DIB_DEFAULT_INSTALLTYPE=source", "DIB_PYTHON_VERSION=3", "DISTRO_NAME=debian"})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range decided {
		answer := map[bool]string{true: "yes", false: "no"}[d.Applies]
		lines = append(lines, strings.Join([]string{d.Package, d.Phase, d.Action(), answer, strings.Join(d.Mapped, " "), strings.Join(d.Conditions(), "; ")}, "|"))
	}
	want := []string{
		"vim|install.d|install|yes|vim-tiny vim-common|",
		"nano|post-install.d|install|no|nano|when: DIB_EDITOR != vim; when: ARCH = amd64",
		"gcc|install.d|build-only|yes|gcc|installtype: source",
		"pc-tools|install.d|install|yes||not-arch: arm64",
		"rsyslog|install.d|uninstall|yes|rsyslog|",
		"py3|install.d|install|yes|py3|dib_python_version: 3",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]PackagePhase{{"install.d", []string{"gcc", "py3", "vim-common", "vim-tiny"}, []string{"gcc", "rsyslog"}}}, phases); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEvaluatePackagesMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"broken":  {map[string]string{"package-installs.yaml": "a: [\n"}, []string{"element app: ", "/e/app/package-installs.yaml", "yaml: line"}},
		"pkg-map": {map[string]string{"pkg-map": "{"}, []string{"element app: ", "/e/app/pkg-map is not a valid package map"}},
		"not set": {map[string]string{"package-installs.yaml": "b:\na: {when: DIB_A = 1}"},
			[]string{"element app: /e/app/package-installs.yaml, line 2: package a: ", "The variable <DIB_A> is not set"}},
	} {
		_, _, err := EvaluatePackages([]PackageSource{listed("app", tc.files)}, PackageFacts{Arch: "amd64"}, []string{"ARCH=amd64"})
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}

// What phases do in the end is what package-installs-squash writes.
func TestEvaluationAgreesWithSquash(t *testing.T) {
	dir := t.TempDir()
	var sources []PackageSource
	for _, e := range [][2]string{{"one", evaluatedYAML}, {"two", "rsyslog:\nvim: {uninstall: true}\nless: {build-only: true}\n"}} {
		sources = append(sources, listed(e[0], map[string]string{"package-installs.yaml": e[1]}))
		if err := os.MkdirAll(filepath.Join(dir, e[0]), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, e[0], "package-installs.yaml"), []byte(e[1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"ARCH=amd64", "DIB_EDITOR=nano", "DIB_PYTHON_VERSION=3"}
	out := filepath.Join(dir, "out.json")
	tool := newTrial(t, env, "package-installs-squash", "--elements", "one two", "--path", dir, out)
	if err := squash(t.Context(), &tool.call); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var squashed map[string]map[string][][2]string
	if err := json.Unmarshal(text, &squashed); err != nil {
		t.Fatal(err)
	}
	_, phases, err := EvaluatePackages(sources, PackageFacts{Arch: "amd64"}, env)
	if err != nil {
		t.Fatal(err)
	}
	first := func(list [][2]string) (all []string) {
		for _, pair := range list {
			all = append(all, pair[0])
		}
		slices.Sort(all)
		return all
	}
	var want []PackagePhase
	for _, phase := range packagePhases {
		if squashed[phase] != nil {
			want = append(want, PackagePhase{phase, first(squashed[phase]["install"]), first(squashed[phase]["uninstall"])})
		}
	}
	if diff := cmp.Diff(want, phases, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-squash +evaluated:\n%s", diff)
	}
}

func TestUnconditionalPackages(t *testing.T) {
	entries, _, err := CheckPackages([]PackageSource{listed("app", map[string]string{"package-installs.yaml": evaluatedYAML})}, PackageFacts{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	want := []PackagePhase{{"install.d", []string{"pc-tools", "vim"}, []string{"rsyslog"}}}
	if diff := cmp.Diff(want, UnconditionalPackages(entries)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
