// SPDX-License-Identifier: MPL-2.0

package element

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

func TestSetAsks(t *testing.T) {
	world := load(t, tree("os >operating-system", "block-device-efi >block-device"))
	set, err := world.Resolve(Request{Elements: []string{"os", "block-device-efi"}, SkipBase: true})
	if err != nil {
		t.Fatal(err)
	}
	if !set.Contains("os") || set.Contains("block-device") || set.Contains("operating-system") {
		t.Error("Contains is wrong")
	}
	if !set.HasPrefix("block-device-") || set.HasPrefix("operating") {
		t.Error("HasPrefix is wrong")
	}
	if !set.Provides("block-device") || set.Provides("os") {
		t.Error("Provides is wrong")
	}
	want := []Provision{{"block-device", []string{"block-device-efi"}}, {OperatingSystem, []string{"os"}}}
	if diff := cmp.Diff(want, set.Provided); diff != "" {
		t.Error(diff)
	}
}

func TestRelocate(t *testing.T) {
	dir := onDisk(t, "mine >operating-system")
	set, err := load(t, tree("base"), dir).Resolve(Request{Elements: []string{"mine"}})
	if err != nil {
		t.Fatal(err)
	}
	moved := set.Relocate("/build/elements")
	if got := moved.Elements[0].Dir; got != filepath.Join("/build/elements", "base") {
		t.Errorf("base is at %s", got)
	}
	if got := moved.Elements[1].Dir; got != filepath.Join(dir, "mine") {
		t.Errorf("mine is at %s", got)
	}
	if set.Elements[0].Dir != "builtin:base" {
		t.Error("the original was changed")
	}
	if !moved.Contains("base") || moved.Why("mine").String() != "requested" {
		t.Error("the copy lost something")
	}
}

// strange are paths that break careless quoting.
func strange() *Set {
	s := &Set{}
	for name, dir := range map[string]string{
		"plain": "/elements/plain", "b10": "/b10", "b9": "/b9", "yes": "/no", "3": "/3", "n": "/~", "on": "Off", "null": "true", "1e3": "0x1f", "1:30": "~x",
		"space": "/a  b c", "single": "/it's", "double": `/"x"`, "dollar": "/$HOME/$(id)/`id`",
		"glob": "/*?[a-z]", "back": `/a\nb\`, "newline": "/a\nb\n", "tab": "/a\tb", "utf8": "/é/日本",
		"semi": "/a;b&c|d>e<f(g)h#i!j", "brace": "/{a,b}", "tilde": "~", "colon": "/a: b", "odd name]=": "/x", "it's": "/y",
	} {
		s.Elements = append(s.Elements, Element{Name: name, Dir: dir})
	}
	return s
}

func dirs(s *Set) map[string]string {
	all := map[string]string{}
	for _, e := range s.Elements {
		all[e.Name] = e.Dir
	}
	return all
}

func TestEnvironmentYAML(t *testing.T) {
	plain := &Set{Elements: []Element{{Name: "vm", Dir: "/e/vm"}, {Name: "b9", Dir: "builtin:b9"}, {Name: "b10", Dir: "/e/no way"}}}
	want := "b10: \"/e/no way\"\nb9: \"builtin:b9\"\nvm: /e/vm\n"
	if diff := cmp.Diff(want, plain.EnvironmentYAML()); diff != "" {
		t.Error(diff)
	}
	if got := (&Set{}).EnvironmentYAML(); got != "{}\n" {
		t.Errorf("no elements: %q", got)
	}
	var got map[string]string
	if err := yaml.Unmarshal([]byte(strange().EnvironmentYAML()), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dirs(strange()), got); diff != "" {
		t.Error(diff)
	}
}

// output runs a program of the host, or skips the test if there is none.
func output(t *testing.T, environment []string, program string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("no %s: %v", program, err)
	}
	var out bytes.Buffer
	err := command.Host{}.Run(context.Background(), command.Command{
		Path: program, Args: args, Env: append(os.Environ(), environment...), Stdout: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The consumers are Python programs with PyYAML, which reads YAML 1.1.
func TestEnvironmentYAMLInPython(t *testing.T) {
	const script = `
import os, sys
try:
    import yaml
except ImportError:
    sys.exit(0)
for k, v in yaml.safe_load(os.environ["IMAGE_ELEMENT_YAML"]).items():
    sys.stdout.buffer.write(k.encode() + b"\0" + v.encode() + b"\0")
`
	out := output(t, []string{"IMAGE_ELEMENT_YAML=" + strange().EnvironmentYAML()}, "python3", "-c", script)
	if len(out) == 0 {
		t.Skip("no PyYAML")
	}
	if diff := cmp.Diff(dirs(strange()), pairs(out)); diff != "" {
		t.Error(diff)
	}
}

func pairs(out []byte) map[string]string {
	got := map[string]string{}
	words := bytes.Split(out, []byte{0})
	for i := 0; i+1 < len(words); i += 2 {
		got[string(words[i])] = string(words[i+1])
	}
	return got
}

// The consumers are bash hooks that all have this line.
func TestBashArrayFunctionInBash(t *testing.T) {
	const script = `set -ue
eval declare -A elements=($(get_image_element_array))
for name in "${!elements[@]}"; do printf '%s\0%s\0' "$name" "${elements[$name]}"; done`
	t.Chdir(onDisk(t, "a")) // something for a glob to match
	environment := []string{BashArrayVariable + "=" + strange().BashArrayFunction(), "LC_ALL=C"}
	if diff := cmp.Diff(dirs(strange()), pairs(output(t, environment, "bash", "-c", script))); diff != "" {
		t.Error(diff)
	}
	plain := &Set{Elements: []Element{{Name: "vm", Dir: "/e/vm"}, {Name: "base", Dir: "/e/base"}}}
	environment[0] = BashArrayVariable + "=" + plain.BashArrayFunction()
	if got := string(output(t, environment, "bash", "-c", "get_image_element_array")); got != "[vm]=/e/vm [base]=/e/base\n" {
		t.Errorf("got %q", got)
	}
}
