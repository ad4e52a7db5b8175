// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// squashCase is an element tree: contents by file, elements in order.
type squashCase struct {
	name, elements string
	files          map[string]string
	env            []string
	want           string // the result, on one line
	err            string // fragment of the standard error
	// ours means that we differ from upstream 3.13 on purpose.
	ours bool
}

var squashEnv = []string{"ARCH=amd64", "FLAVOUR=small", "DIB_PYTHON_VERSION=3"}

var squashCases = []squashCase{
	{name: "every shape of a spec", elements: "a b", files: map[string]string{
		"a/package-installs.yaml": "one:\ntwo: {}\nthree: []\nfour:\n  phase: pre-install.d\nfive:\n  - phase: post-install.d\n  - uninstall: true\n",
		"b/package-installs.json": `{"zed": null, "alpha": {"build-only": true}}`,
	}, want: `{"pre-install.d":{"install":[["four","a"]]},"install.d":{"install":[["one","a"],["two","a"],["three","a"],["zed","b"],["alpha","b"]],` +
		`"uninstall":[["five","a"],["alpha","b"]]},"post-install.d":{"install":[["five","a"]]}}`},
	{name: "JSON before YAML, elements in their order", elements: "z a", files: map[string]string{
		"z/package-installs.yaml": "second:\n", "z/package-installs.json": "{\"first\": {}}", "a/package-installs.yaml": "third:\n",
	}, want: `{"install.d":{"install":[["first","z"],["second","z"],["third","a"]]}}`},
	{name: "nothing at all", elements: "a", files: map[string]string{"a/readme": ""}, want: `{}`},
	{name: "JSON in a YAML file and YAML in a JSON file", elements: "a", files: map[string]string{
		"a/package-installs.yaml": "{\"x\":\t{}}", "a/package-installs.json": "y:\n",
	}, want: `{"install.d":{"install":[["y","a"],["x","a"]]}}`},
	{name: "arch", elements: "a", files: map[string]string{
		"a/package-installs.yaml": "in: {arch: 'i386,amd64'}\nout: {arch: arm64}\nnotin: {not-arch: amd64}\nnotout: {not-arch: 'arm64,ppc64el'}\n",
	}, want: `{"install.d":{"install":[["in","a"],["notout","a"]]}}`},
	{name: "installtype", elements: "my-el other", files: map[string]string{
		"my-el/package-installs.yaml": "s: {installtype: source}\np: {installtype: package}\nboth:\n",
		"other/package-installs.yaml": "s2: {installtype: source}\np2: {installtype: package}\n",
	}, env: []string{"DIB_INSTALLTYPE_my_el=package"}, want: `{"install.d":{"install":[["p","my-el"],["both","my-el"],["s2","other"]]}}`},
	{name: "default installtype", elements: "a", files: map[string]string{
		"a/package-installs.yaml": "s: {installtype: source}\np: {installtype: package}\n",
	}, env: []string{"DIB_DEFAULT_INSTALLTYPE=package"}, want: `{"install.d":{"install":[["p","a"]]}}`},
	{name: "python version", elements: "a", files: map[string]string{
		"a/package-installs.yaml": "two: {dib_python_version: 2}\nthree: {dib_python_version: 3}\ntext: {dib_python_version: '3'}\nempty: {dib_python_version: ''}\n",
	}, want: `{"install.d":{"install":[["three","a"],["text","a"],["empty","a"]]}}`},
	{name: "when", elements: "a", files: map[string]string{
		"a/package-installs.yaml": "eq: {when: FLAVOUR = small}\ntight: {when: FLAVOUR=small}\nne: {when: FLAVOUR != large}\nnope: {when: FLAVOUR = large}\n" +
			"all: {when: [FLAVOUR=small, ARCH != arm64]}\nsome: {when: [FLAVOUR=small, ARCH = arm64]}\nlast: {when: [ARCH = arm64, FLAVOUR=small]}\ntrailing: {when: 'FLAVOUR = small '}\n",
	}, want: `{"install.d":{"install":[["eq","a"],["tight","a"],["ne","a"],["all","a"]]}}`},
	{name: "when of an unset variable", elements: "a", files: map[string]string{
		"a/package-installs.yaml": "x: {when: [FLAVOUR=large, NOWHERE = 1]}\n",
	}, err: "element a: ELEMENTS/a/package-installs.yaml: package x: when: The variable <NOWHERE> is not set"},
	{name: "malformed when", elements: "a", files: map[string]string{
		"a/package-installs.yaml": "x: {when: FLAVOUR}\n",
	}, err: "Malformed when line: <FLAVOUR>"},
	{name: "arch and not-arch", elements: "a", files: map[string]string{
		"a/package-installs.yaml": "x: {arch: amd64, not-arch: arm64}\n",
	}, err: "package x: arch and not-arch exclude each other"},
	{name: "arch is no string", elements: "a", files: map[string]string{
		"a/package-installs.yaml": "x: {arch: 386}\n",
	}, err: "package x: arch wants a string"},
	{name: "broken YAML", elements: "a", files: map[string]string{"a/package-installs.yaml": "x: [\n"},
		err: "element a: reading its packages: ELEMENTS/a/package-installs.yaml: yaml: line"},
	{name: "a list of packages", elements: "a", files: map[string]string{"a/package-installs.yaml": "- x\n"}, err: "want a map of packages, found a list"},
	{name: "a word for a spec", elements: "a", files: map[string]string{"a/package-installs.yaml": "x: install.d\n"},
		err: "package x: want a map of settings, found a string"},
	{name: "a name that is a boolean", elements: "a", files: map[string]string{"a/package-installs.yaml": "on:\n"},
		err: "the package name True is a boolean to YAML 1.1; put it in quotes", ours: true},
	{name: "unknown phase", elements: "a", files: map[string]string{"a/package-installs.yaml": "x: {phase: install}\n"},
		want: `{"install":{"install":[["x","a"]]}}`},
	{name: "unknown key", elements: "a", files: map[string]string{"a/package-installs.yaml": "x: {not_arch: amd64}\n"},
		want: `{"install.d":{"install":[["x","a"]]}}`},
	{name: "uninstall: false", elements: "a", files: map[string]string{"a/package-installs.yaml": "x: {uninstall: false}\n"},
		want: `{"install.d":{"install":[["x","a"]]}}`, ours: true},
	{name: "uninstall: false in compatibility", elements: "a", files: map[string]string{"a/package-installs.yaml": "x: {uninstall: false}\n"},
		env: []string{"DIB_COMPAT=1"}, want: `{"install.d":{"uninstall":[["x","a"]]}}`},
	{name: "blanks in an architecture list", elements: "a", files: map[string]string{"a/package-installs.yaml": "x: {arch: 'i386, amd64'}\n"},
		want: `{"install.d":{"install":[["x","a"]]}}`, ours: true},
	{name: "blanks in compatibility", elements: "a", files: map[string]string{"a/package-installs.yaml": "x: {arch: 'i386, amd64'}\n"},
		env: []string{"DIB_COMPAT=1"}, want: `{}`},
	{name: "who wants to keep wins, before", elements: "a b", files: map[string]string{
		"a/package-installs.yaml": "x:\n", "b/package-installs.yaml": "x: {uninstall: true}\n",
	}, want: `{"install.d":{"install":[["x","a"]]}}`, ours: true},
	{name: "who wants to keep wins, after", elements: "b a", files: map[string]string{
		"a/package-installs.yaml": "x:\n", "b/package-installs.yaml": "x: {uninstall: true}\n",
	}, want: `{"install.d":{"install":[["x","a"]]}}`, ours: true},
	{name: "a filtered entry cancels nothing", elements: "b a", files: map[string]string{
		"a/package-installs.yaml": "x: {arch: arm64}\n", "b/package-installs.yaml": "x: {uninstall: true}\n",
	}, want: `{"install.d":{"uninstall":[["x","b"]]}}`},
	{name: "build-only of what another keeps", elements: "a b", files: map[string]string{
		"a/package-installs.yaml": "x:\n", "b/package-installs.yaml": "x: {build-only: true}\n",
	}, want: `{"install.d":{"install":[["x","a"],["x","b"]]}}`, ours: true},
	{name: "keeping what another has build-only", elements: "b a", files: map[string]string{
		"a/package-installs.yaml": "x:\n", "b/package-installs.yaml": "x: {build-only: true}\n",
	}, want: `{"install.d":{"install":[["x","b"],["x","a"]]}}`, ours: true},
	{name: "rules hold for each phase by itself", elements: "a b", files: map[string]string{
		"a/package-installs.yaml": "x: {phase: pre-install.d}\n", "b/package-installs.yaml": "x: {uninstall: true}\n",
	}, want: `{"pre-install.d":{"install":[["x","a"]]},"install.d":{"uninstall":[["x","b"]]}}`},
}

func TestSquash(t *testing.T) {
	for _, tc := range squashCases {
		t.Run(tc.name, func(t *testing.T) {
			dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out.json")
			files(t, dir, tc.files)
			tr := newTrial(t, append(append([]string{}, squashEnv...), tc.env...),
				"package-installs-squash", "--elements="+tc.elements, "--path", "/nowhere:"+dir, out)
			status := tr.serve(t)
			said := strings.ReplaceAll(tr.err.String(), dir, "ELEMENTS")
			if tc.err != "" {
				if status != 1 || !strings.Contains(said, tc.err) {
					t.Errorf("status %d, said %s", status, said)
				}
				return
			}
			if status != 0 {
				t.Fatalf("status %d: %s", status, said)
			}
			if got := compact(t, read(t, out)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if said != "" {
				t.Errorf("said %q", said)
			}
		})
	}
}

// TestSquashIsUpstreams compares what 3.13 makes of the same files; it has no
// override rules yet, so that cases about these are left out.
func TestSquashIsUpstreams(t *testing.T) {
	script := upstreamScript(t, "elements/package-installs/bin/package-installs-squash")
	for _, tc := range squashCases {
		if tc.ours {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out.json")
			files(t, dir, tc.files)
			err := command.Host{}.Run(t.Context(), command.Command{
				Path: "/usr/bin/python3", Args: []string{script, "--elements=" + tc.elements, "--path", dir, out},
				Env: append(append([]string{"PATH=/usr/bin:/bin"}, squashEnv...), tc.env...),
			})
			if (err != nil) != (tc.err != "") {
				t.Fatalf("upstream says %v, we %q", err, tc.err)
			}
			if err != nil {
				return
			}
			var ours, theirs any
			if err := json.Unmarshal([]byte(tc.want), &ours); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(read(t, out)), &theirs); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(theirs, ours); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSquashWritesUpstreamsBytes: same file, up to the newline at its end.
func TestSquashWritesUpstreamsBytes(t *testing.T) {
	script := upstreamScript(t, "elements/package-installs/bin/package-installs-squash")
	dir, tmp := t.TempDir(), t.TempDir()
	files(t, dir, map[string]string{"a/package-installs.yaml": "x: {phase: pre-install.d}\ny:\nz: {build-only: true}\n"})
	args := []string{"--elements", "a", "--path", dir}
	tr := newTrial(t, squashEnv, append([]string{"package-installs-squash"}, append(args, tmp+"/ours")...)...)
	if status := tr.serve(t); status != 0 {
		t.Fatal(tr.err.String())
	}
	err := command.Host{}.Run(t.Context(), command.Command{
		Path: "/usr/bin/python3", Args: append([]string{script}, append(args, tmp+"/theirs")...), Env: append([]string{"PATH=/usr/bin"}, squashEnv...)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read(t, tmp, "theirs")+"\n", read(t, tmp, "ours")); diff != "" {
		t.Error(diff)
	}
}

func TestSquashOfABuild(t *testing.T) {
	first, second, image := t.TempDir(), t.TempDir(), t.TempDir()
	files(t, first, map[string]string{"a/package-installs.yaml": "won:\n", "b/package-installs.yaml": "same:\n"})
	files(t, second, map[string]string{"a/package-installs.yaml": "lost:\n", "b/package-installs.yaml": "same:\n", "c/package-installs.yaml": "c:\n"})
	tr := newTrial(t, []string{
		"IMAGE_ELEMENT=c a b", "IMAGE_ELEMENT_YAML={a: " + first + "/a, b: " + first + "/b, c: " + second + "/c}",
		"ELEMENTS_PATH=" + first + ":" + second, "TMP_MOUNT_PATH=" + image,
	}, "package-installs-squash")
	if status := tr.serve(t); status != 0 {
		t.Fatal(tr.err.String())
	}
	if got, want := compact(t, read(t, image, packagesFile)), `{"install.d":{"install":[["c","c"],["won","a"],["same","b"]]}}`; got != want {
		t.Errorf("got %s", got)
	}
	if tr.err.Len() > 0 {
		t.Error(tr.err.String())
	}
}

// TestSquashTellsOfConflicts: those that depend on the environment, which the plan
// cannot know; it has told of the others.
func TestSquashTellsOfConflicts(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out.json")
	files(t, dir, map[string]string{
		"a/package-installs.yaml": "x:\n\ny:\n  when: FLAVOUR = small\nz:\n  when: FLAVOUR = large\n",
		"b/package-installs.yaml": "x: {uninstall: true}\ny: {uninstall: true}\nz: {uninstall: true}\n",
	})
	tr := newTrial(t, squashEnv, "package-installs-squash", "--elements=a b", "--path", dir, out)
	if status := tr.serve(t); status != 0 {
		t.Fatal(tr.err.String())
	}
	want := "package-installs-squash: warning: element b: " + dir + "/b/package-installs.yaml, line 2: package y: is not removed in install.d, " +
		"because it is installed there by element a (" + dir + "/a/package-installs.yaml, line 3)\n"
	if got := tr.err.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestSquashStaysInTheImage: a link in the image must not lead the host's root
// somewhere else.
func TestSquashStaysInTheImage(t *testing.T) {
	image, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(image, "tmp")); err != nil {
		t.Fatal(err)
	}
	tr := newTrial(t, []string{"IMAGE_ELEMENT=a", "IMAGE_ELEMENT_YAML={a: " + t.TempDir() + "}", "TMP_MOUNT_PATH=" + image}, "package-installs-squash")
	if status := tr.serve(t); status != 1 || !strings.Contains(tr.err.String(), "path escapes") {
		t.Errorf("status %d: %s", status, &tr.err)
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Error("written outside of the image")
	}
}

func TestSquashUsage(t *testing.T) {
	for _, line := range [][]string{{"--elements", "a"}, {"--elements", "a", "--path", "b"}, {"--bogus"}} {
		tr := newTrial(t, nil, append([]string{"package-installs-squash"}, line...)...)
		if status := tr.serve(t); status != 2 {
			t.Errorf("%q: status %d", line, status)
		}
	}
	tr := newTrial(t, []string{"IMAGE_ELEMENT_YAML={a: 'builtin:a'}"}, "package-installs-squash", "--elements=a", "--path", "", "/nowhere/out")
	if status := tr.serve(t); status != 1 || !strings.Contains(tr.err.String(), "element a: IMAGE_ELEMENT_YAML has it in a place that cannot be read: stat builtin:a") {
		t.Errorf("status %d: %s", status, &tr.err)
	}
	tr = newTrial(t, []string{"IMAGE_ELEMENT=a"}, "package-installs-squash")
	if status := tr.serve(t); status != 1 || !strings.Contains(tr.err.String(), "IMAGE_ELEMENT_YAML does not say where the element a is") {
		t.Errorf("status %d: %s", status, &tr.err)
	}
}

// compact puts a JSON document on one line; the order stays.
func compact(t *testing.T, doc string) string {
	t.Helper()
	var out strings.Builder
	v, err := parseJSON([]byte(doc))
	if err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	writeJSON(&out, v)
	return out.String()
}

func writeJSON(out *strings.Builder, v value) {
	switch v.kind {
	case kindMap:
		for i, p := range v.pairs {
			out.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + `"` + p.key.text + `":`)
			writeJSON(out, p.value)
		}
		out.WriteString(map[bool]string{true: "{}", false: "}"}[len(v.pairs) == 0])
	case kindList:
		out.WriteString("[")
		for i, item := range v.items {
			out.WriteString(map[bool]string{true: "", false: ","}[i == 0])
			writeJSON(out, item)
		}
		out.WriteString("]")
	default:
		out.WriteString(`"` + v.text + `"`)
	}
}
