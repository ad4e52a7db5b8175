// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// upstreamCase is a call of one of upstream's programs, and what came of it.
type upstreamCase struct {
	Args []string          `json:"args"`
	Env  map[string]string `json:"env"`
}

type upstreamResult struct {
	Status int    `json:"status"`
	Out    string `json:"out"`
}

// runUpstream runs all cases in one Python.
func runUpstream(t *testing.T, program string, cases []upstreamCase) []upstreamResult {
	t.Helper()
	input, err := json.Marshal(map[string]any{"program": upstreamScript(t, program), "cases": cases})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "testdata/run.py")
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var results []upstreamResult
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	return results
}

func environ(env map[string]string) []string {
	var all []string
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

// maker makes random inputs, the same in every run.
type maker struct{ *rand.Rand }

func newMaker(seed uint64) maker { return maker{rand.New(rand.NewPCG(seed, 4))} }

func (m maker) of(choices ...string) string { return choices[m.IntN(len(choices))] }

func (m maker) some(percent int) bool { return m.IntN(100) < percent }

// spec is one entry of a package-installs file as YAML in flow style; mostly sound.
func (m maker) spec(phases ...string) string {
	var keys []string
	if len(phases) == 0 {
		phases = []string{"pre-install.d", "install.d", "post-install.d", "post-install.d", "install", "'install.d '"}
	}
	add := func(percent int, key string, values ...string) {
		if m.some(percent) {
			keys = append(keys, key+": "+m.of(values...))
		}
	}
	add(map[bool]int{true: 100, false: 50}[len(phases) == 1], "phase", phases...)
	add(20, "uninstall", "true", "false", "no", "", "0", "'no'", "[]")
	add(15, "build-only", "true", "false", "1", "~")
	add(25, "installtype", "source", "package", "repo", "'package'", "~", "yes", "1", "[source]")
	add(25, "arch", "amd64", "arm64", "'amd64,arm64'", "'arm64, amd64'", "' amd64'", "~", "'i386,arm64,'", "''", "64")
	add(20, "not-arch", "amd64", "arm64", "'amd64,arm64'", "'arm64, amd64'", "~", "''", "64")
	add(20, "dib_python_version", "2", "3", "'3'", "3.0", "''", "~", "0", "03", "0x3", "false")
	add(35, "when", "A = one", "A=one", "A != one", "A !=two", "'A =  one'", "'A = one '", "'A == one'", "B = two words", "B != ", "C = ",
		"[A = one, B = two words]", "[A = one, B != two words]", "[]", "~", "[A=one, NOWHERE=x]", "NOWHERE != x", "A", "'= one'", "A > one", "1", "'A = \"one\"'", "''")
	add(5, "not_arch", "amd64")
	m.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return "{" + strings.Join(keys, ", ") + "}"
}

// list is a package-installs file. Names are unique in a phase, as 3.13 knows no rules
// for those that are not.
func (m maker) list(prefix string) string {
	var doc strings.Builder
	for i := range 1 + m.IntN(4) {
		fmt.Fprintf(&doc, "%s%d: ", prefix, i)
		switch {
		case m.some(20):
			doc.WriteString(m.of("", "~", "{}", "[]", "''", "false", "0"))
		case m.some(25):
			doc.WriteString("[" + m.spec("pre-install.d") + ", " + m.spec("post-install.d") + "]")
		case m.some(2):
			doc.WriteString(m.of("word", "[null]", "1", "[word]"))
		default:
			doc.WriteString(m.spec())
		}
		doc.WriteString("\n")
	}
	return doc.String()
}

func TestSquashIsUpstreamsForGeneratedLists(t *testing.T) {
	const program = "elements/package-installs/bin/package-installs-squash"
	upstreamScript(t, program)
	m, dir := newMaker(1), t.TempDir()
	var cases []upstreamCase
	var lists []map[string]string
	for i := range 400 {
		place := filepath.Join(dir, fmt.Sprint(i))
		content := map[string]string{"one/package-installs.yaml": m.list("a"), "two-b/package-installs.yaml": m.list("b")}
		if m.some(30) {
			content["one/package-installs.json"] = m.list("c")
		}
		files(t, place, content)
		lists = append(lists, content)
		env := map[string]string{"ARCH": m.of("amd64", "arm64"), "A": m.of("one", "two"), "B": "two words", "C": "", "DIB_PYTHON_VERSION": "3"}
		for _, name := range []string{"DIB_DEFAULT_INSTALLTYPE", "DIB_INSTALLTYPE_two_b"} {
			if m.some(50) {
				env[name] = m.of("source", "package", "repo")
			}
		}
		cases = append(cases, upstreamCase{[]string{"--elements=one two-b", "--path=" + place, filepath.Join(place, "theirs")}, env})
	}
	failed := 0
	for i, theirs := range runUpstream(t, program, cases) {
		c := cases[i]
		place := filepath.Dir(c.Args[2])
		tr := newTrial(t, append(environ(c.Env), "DIB_COMPAT=1"), append([]string{"package-installs-squash"}, append(c.Args[:2:2], place+"/ours")...)...)
		status := tr.serve(t)
		if status != theirs.Status {
			t.Errorf("status %d, upstream %d: %s\n%s %v", status, theirs.Status, &tr.err, lists[i], c.Env)
			continue
		}
		if status != 0 {
			failed++
			continue
		}
		// Phases and actions are in the order of a build in ours.
		var want, got any
		if err := errors.Join(json.Unmarshal([]byte(read(t, place, "theirs")), &want), json.Unmarshal([]byte(read(t, place, "ours")), &got)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s %v", diff, lists[i], c.Env)
		}
	}
	if failed < 40 || failed > 300 {
		t.Errorf("%d of %d cases fail: not much of a comparison", failed, len(cases))
	}
}

// mapDoc is a pkg-map file.
func (m maker) mapDoc() string {
	names := func() map[string]string {
		all := map[string]string{}
		for _, name := range []string{"a", "b", "c", "d", "e-f"} {
			if m.some(45) {
				all[name] = m.of("x", "y z", "", "some-lib", "1")
			}
		}
		return all
	}
	doc := map[string]any{}
	if m.some(70) {
		doc["default"] = names()
	}
	if m.some(70) {
		doc["family"] = map[string]any{"redhat": names(), "debian": names(), m.of("suse", "gentoo"): names()}
	}
	if m.some(60) {
		doc["distro"] = map[string]any{"fedora": names(), "debian": names(), "opensuse": names()}
	}
	if m.some(60) {
		doc["release"] = map[string]any{"fedora": map[string]any{"23": names()}, "centos": map[string]any{"8": names(), "9-stream": names()}, "debian": map[string]any{"bookworm": names()}}
	}
	if m.some(10) {
		doc["nonsense"] = names()
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err) // maps of strings
	}
	return string(text)
}

func TestPkgMapIsUpstreamsForGeneratedMaps(t *testing.T) {
	const program = "elements/pkg-map/bin/pkg-map"
	upstreamScript(t, program)
	m, dir := newMaker(2), t.TempDir()
	var cases []upstreamCase
	for i := range 400 {
		file := filepath.Join(dir, fmt.Sprint(i))
		doc := m.mapDoc()
		if m.some(3) {
			doc = m.of("{", "", "nonsense", `{"default": {"a": "b",}}`)
		}
		if !m.some(3) {
			files(t, dir, map[string]string{fmt.Sprint(i): doc})
		}
		args := []string{"--pkg-map", file}
		env := map[string]string{}
		distro, release := m.of("debian", "ubuntu", "fedora", "centos", "centos7", "rhel", "rhel7", "opensuse", "gentoo", "elsewhere"), m.of("bookworm", "23", "8", "8-stream", "9-stream", "")
		if m.some(50) {
			args = append(args, "--distro", distro, "--release="+release)
		} else if m.some(95) {
			env["DISTRO_NAME"], env["DIB_RELEASE"] = distro, release
		}
		for _, option := range []string{"--missing-ok", "--debug", "--prefix=-", "--element=x"} {
			if m.some(map[bool]int{true: 3, false: 40}[option == "--element=x"]) {
				args = append(args, option)
			}
		}
		for _, name := range []string{"a", "b", "c", "d", "e-f"} {
			if m.some(50) {
				args = append(args, name)
			}
		}
		cases = append(cases, upstreamCase{args, env})
	}
	count := map[int]int{}
	for i, theirs := range runUpstream(t, program, cases) {
		c := cases[i]
		tr := newTrial(t, environ(c.Env), append([]string{"pkg-map"}, c.Args...)...)
		status := tr.serve(t)
		if status != theirs.Status || tr.out.String() != theirs.Out {
			doc, _ := os.ReadFile(c.Args[1])
			t.Errorf("%q %v: %d %q; upstream %d %q\n%s\n%s", c.Args[2:], c.Env, status, tr.out.String(), theirs.Status, theirs.Out, &tr.err, doc)
		}
		count[status]++
	}
	if count[0] < 100 || count[1] < 50 || count[2] < 5 {
		t.Errorf("not much of a comparison: %v", count)
	}
}

func TestSvcMapIsUpstreamsForGeneratedMaps(t *testing.T) {
	const program = "elements/svc-map/extra-data.d/10-merge-svc-map-files"
	upstreamScript(t, program)
	m, dir := newMaker(3), t.TempDir()
	var cases []upstreamCase
	for i := range 150 {
		place := filepath.Join(dir, fmt.Sprint(i))
		content := map[string]string{"image/tmp/x": ""}
		for _, element := range []string{"a", "b"} {
			var doc strings.Builder
			for n := range 1 + m.IntN(3) {
				service := element + fmt.Sprint(n)
				if m.some(4) {
					service = "shared"
				}
				fmt.Fprintf(&doc, "%s:\n  none: x\n", service)
				for _, key := range []string{"debian", "ubuntu", "redhat", "fedora", "suse", "opensuse", "default"} {
					if m.some(30) {
						fmt.Fprintf(&doc, "  %s: %s-%s\n", key, service, key)
					}
				}
			}
			content[element+"/svc-map"] = doc.String()
		}
		files(t, place, content)
		cases = append(cases, upstreamCase{nil, map[string]string{
			"IMAGE_ELEMENT": "a b", "IMAGE_ELEMENT_YAML": "{a: " + place + "/a, b: " + place + "/b}", "TMP_MOUNT_PATH": place + "/image",
			"DISTRO_NAME": m.of("debian", "ubuntu", "fedora", "centos", "rhel", "opensuse", "gentoo"),
		}})
	}
	for i, theirs := range runUpstream(t, program, cases) {
		c, place := cases[i], filepath.Join(dir, fmt.Sprint(i))
		tr := newTrial(t, environ(c.Env), "svc-map-merge", place+"/ours")
		if status := tr.serve(t); status != theirs.Status {
			t.Errorf("%d: status %d, upstream %d %s", i, status, theirs.Status, theirs.Out)
		} else if status == 0 {
			if diff := cmp.Diff(read(t, place, "image"+svcMapMerged), read(t, place, "ours")); diff != "" {
				t.Errorf("%v: %s", c.Env, diff)
			}
		}
	}
}

// scalarText is what may be a plain scalar of several kinds.
func (m maker) scalarText() string {
	if m.some(25) {
		word := m.of("yes", "no", "on", "off", "true", "false", "null", "~", "y", "n", ".inf", "-.inf", ".nan", "nan", "inf", "none", "2001-12-14", "2001-1-1", "0o17", "1e5")
		if m.some(30) {
			word = strings.ToUpper(word)
		} else if m.some(30) {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		return m.of("", "", "", "-", "+", "0", ".") + word + m.of("", "", "", "", "0", ".0", "_")
	}
	var text strings.Builder
	for range 1 + m.IntN(7) {
		text.WriteString(m.of("0", "1", "7", "8", "0", "1", "59", "60", "_", ":", ".", "-", "+", "e", "E+", "e-", "x", "0x", "0b", "a", "F", "b", ".5"))
	}
	return text.String()
}

func TestScalarsArePyYAMLsForGeneratedTexts(t *testing.T) {
	if err := exec.Command("/usr/bin/python3", "-c", "import yaml").Run(); err != nil {
		t.Skip("no python3 with yaml here to compare with")
	}
	m := newMaker(4)
	var texts []string
	for range 1500 {
		texts = append(texts, m.scalarText())
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", `import json, sys, yaml
def one(text):
    try:
        v = yaml.safe_load("- " + text + "\n")
        return [type(v[0]).__name__, str(v[0])] if isinstance(v, list) and len(v) == 1 else ["other", ""]
    except Exception:
        return ["error", ""]
json.dump([one(t) for t in json.load(sys.stdin)], sys.stdout)`)
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs [][2]string
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]kind{"NoneType": kindNull, "bool": kindBool, "int": kindInt, "float": kindFloat, "str": kindString,
		"date": kindOther, "datetime": kindOther, "list": kindList, "dict": kindMap}
	count := map[string]int{}
	for i, text := range texts {
		count[theirs[i][0]]++
		want, known := kinds[theirs[i][0]]
		v, err := parseYAML([]byte("- " + text + "\n"))
		if !known || err != nil || v.kind != kindList || len(v.items) != 1 {
			if known && theirs[i][0] != "error" {
				t.Errorf("%q: %v, PyYAML %q", text, err, theirs[i])
			}
			continue
		}
		got := v.items[0]
		if got.kind != want || want != kindOther && want < kindList && got.text != theirs[i][1] {
			t.Errorf("%q: %s %q, PyYAML %q", text, got.kind, got.text, theirs[i])
		}
	}
	for _, name := range []string{"int", "float", "str", "bool"} {
		if count[name] < 20 {
			t.Errorf("not much of a comparison: %v", count)
		}
	}
}

// TestInstallsAreUpstreamsForGeneratedLists: what install-packages is called with, for
// lists of several elements with and without maps, each phase and action.
func TestInstallsAreUpstreamsForGeneratedLists(t *testing.T) {
	theirs := upstreamScript(t, "elements/package-installs/bin")
	m, dir := newMaker(5), t.TempDir()
	for i := range 16 {
		list := map[string]map[string][][2]string{}
		for _, phase := range []string{"pre-install.d", "install.d"} {
			list[phase] = map[string][][2]string{}
			for range m.IntN(6) {
				action := m.of("install", "uninstall")
				list[phase][action] = append(list[phase][action], [2]string{m.of("a", "b", "c", "d", "e-f"), m.of("one", "two")})
			}
		}
		doc, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		files(t, dir, map[string]string{"list.json": string(doc), "log": "", "one.map": m.mapDoc(),
			"bin/install-packages*": "#!/bin/bash\necho \"$@\" >>" + dir + "/log\nexit 0\n",
			// Called with --prefix - --missing-ok --element E. One element has a map.
			"bin/pkg-map*": "#!/bin/bash\nelement=$5\nshift 5\nif [ $element = one ]; then exec " + upstream + "/elements/pkg-map/bin/pkg-map --prefix - --missing-ok --pkg-map " +
				dir + "/one.map \"$@\"; fi\nprintf -- '-%s\\n' \"$@\"\n"})
		env := []string{"DISTRO_NAME=debian", "DIB_DEBUG_TRACE=0", "PATH=" + dir + "/bin:/usr/bin:/bin"}
		args := []string{"--phase", m.of("pre-install.d", "install.d", "post-install.d"), dir + "/list.json"}
		if m.some(50) {
			args = append(args, "--uninstall")
		}
		gotStatus := newTrial(t, env, append([]string{"package-installs-v2"}, args...)...).serve(t)
		got := calls(t, dir)
		_, _, wantStatus := runProgram(t, env, filepath.Join(theirs, "package-installs-v2"), args...)
		want := calls(t, dir)
		if diff := cmp.Diff(want, got); diff != "" || gotStatus != wantStatus {
			t.Errorf("%d: %q with %s: status %d, upstream %d\n%s", i, args, doc, gotStatus, wantStatus, diff)
		}
	}
}
