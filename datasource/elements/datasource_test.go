// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	builtin "github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/golden"
)

// attributes are those of a block.
type attributes map[string]any

// fixture is a block that names the elements of testdata.
func fixture(more attributes) attributes {
	all := attributes{"elements": []string{"tiny-os", "app"}, "element_paths": []string{"testdata/elements"},
		"skip_base": true, "architecture": "amd64"}
	for name, value := range more {
		all[name] = value
	}
	return all
}

// execute runs a data source with a block of its own.
func execute(t *testing.T, block attributes) (cty.Value, error) {
	t.Helper()
	var d Datasource
	if err := d.Configure(map[string]any(block)); err != nil {
		return cty.NilVal, err
	}
	return d.Execute()
}

func mustExecute(t *testing.T, block attributes) cty.Value {
	t.Helper()
	value, err := execute(t, block)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// shown is the value as JSON, with PATH for the checkout, and without what
// changes when somebody works on built-in elements or phases: README texts,
// variables, phases that nothing is in.
func shown(t *testing.T, value cty.Value) string {
	t.Helper()
	raw, err := ctyjson.Marshal(value, value.Type())
	if err != nil {
		t.Fatal(err)
	}
	var output map[string]any
	if err := json.Unmarshal(raw, &output); err != nil {
		t.Fatal(err)
	}
	for _, e := range output["elements"].([]any) {
		if e := e.(map[string]any); e["builtin"] == true {
			e["readme"] = ""
		}
	}
	output["variables"] = slices.DeleteFunc(output["variables"].([]any), func(v any) bool {
		elements := v.(map[string]any)["elements"].([]any)
		return !slices.Contains(elements, any("app")) && !slices.Contains(elements, any("tiny-os"))
	})
	output["phases"] = slices.DeleteFunc(output["phases"].([]any), func(p any) bool {
		delete(p.(map[string]any), "meaning")
		return len(p.(map[string]any)["hooks"].([]any)) == 0
	})
	text, _, _ := strings.Cut(output["text"].(string), "Variables:\n")
	output["text"] = strings.Split(text, "\n")
	output["disk"].(map[string]any)["fstab"] = strings.Split(output["disk"].(map[string]any)["fstab"].(string), "\n")
	indented := &bytes.Buffer{}
	encoder := json.NewEncoder(indented)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(output); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(indented.String(), here, "PATH")
}

func TestGolden(t *testing.T) {
	golden.Compare(t, filepath.Join("testdata", "fixture.json"), shown(t, mustExecute(t, fixture(attributes{"environment": map[string]string{"DIB_APP_PROT": "1"}}))))
}

func TestGoldenEvaluated(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("environment.d is sourced on Linux")
	}
	value := mustExecute(t, fixture(attributes{"evaluate": true, "environment": map[string]string{"DIB_INSTALLTYPE_app": "package"}}))
	golden.Compare(t, filepath.Join("testdata", "evaluated.json"), shown(t, value))
}

// Packer keeps data sources in a map; for-expressions refuse null; and over gob a
// number in a list makes Packer crash.
func TestValueIsOfTheTypeThatIsToldAndWhole(t *testing.T) {
	told := hcldec.ImpliedType((&Datasource{}).OutputSpec())
	bare := attributes{"elements": []string{"tiny-os"}, "element_paths": []string{"testdata/elements"}, "skip_base": true}
	for name, block := range map[string]attributes{
		"little": bare, "some": fixture(nil), "built in": {"elements": []string{"debian-minimal", "vm"}},
	} {
		value := mustExecute(t, block)
		if !value.Type().Equals(told) {
			t.Errorf("%s: the type is %#v", name, value.Type())
		}
		err := cty.Walk(value, func(path cty.Path, v cty.Value) (bool, error) {
			if v.IsNull() || !v.IsKnown() || v.Type() == cty.Number {
				t.Errorf("%s: %#v is %#v", name, path, v)
			}
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestValueIsTheSameEveryTime(t *testing.T) {
	first := mustExecute(t, fixture(nil))
	for range 5 {
		if again := mustExecute(t, fixture(nil)); !again.RawEquals(first) {
			t.Fatal("the value changed")
		}
	}
}

// Of what is built in, each element is told whole and in an order in which it
// comes after what it needs.
func TestBuiltInElements(t *testing.T) {
	catalogue, _, err := element.Load(builtin.FS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	value := mustExecute(t, attributes{"elements": []string{"debian-minimal", "vm", "block-device-efi", "cloud-init-nocloud", "openssh-server", "growroot", "devuser"}})
	place := map[string]int{}
	elements := value.GetAttr("elements").AsValueSlice()
	for i, e := range elements {
		place[e.GetAttr("name").AsString()] = i
	}
	for _, name := range []string{"base", "debian-minimal", "bootloader", "cloud-init", "devuser"} {
		if _, ok := place[name]; !ok {
			t.Errorf("%s is not there", name)
		}
	}
	for i, e := range elements {
		name := e.GetAttr("name").AsString()
		if e.GetAttr("builtin").False() || e.GetAttr("because").AsString() == "" || !strings.HasPrefix(e.GetAttr("readme").AsString(), "# ") {
			t.Errorf("%s: %#v", name, e)
		}
		known, _ := catalogue.Lookup(name)
		for _, dep := range known.Deps {
			if at, ok := place[dep]; ok && at > i && !slices.Contains(catalogueDeps(catalogue, dep), name) {
				t.Errorf("%s comes before %s, which it needs", name, dep)
			}
		}
	}
	hooks := 0
	for _, phase := range value.GetAttr("phases").AsValueSlice() {
		for _, h := range phase.GetAttr("hooks").AsValueSlice() {
			hooks++
			if _, ok := place[h.GetAttr("element").AsString()]; !ok {
				t.Errorf("nobody has the hook %#v", h)
			}
		}
	}
	if hooks < 40 {
		t.Errorf("only %d hooks", hooks)
	}
	if disk := value.GetAttr("disk"); disk.GetAttr("table").AsString() != "gpt" || disk.GetAttr("partitions").LengthInt() != 3 {
		t.Errorf("disk: %#v", disk)
	}
}

// catalogueDeps is the closure of an element's dependencies, for cycles.
func catalogueDeps(catalogue *element.Catalog, name string) []string {
	todo, all := []string{name}, []string(nil)
	for len(todo) > 0 {
		e, _ := catalogue.Lookup(todo[0])
		todo = todo[1:]
		for _, dep := range e.Deps {
			if !slices.Contains(all, dep) {
				all, todo = append(all, dep), append(todo, dep)
			}
		}
	}
	return all
}

func TestMistakes(t *testing.T) {
	broken := t.TempDir()
	for name, text := range map[string]string{
		"bad-list/package-installs.yaml": "a: [\n", "bad-list/element-deps": "package-installs\n", "bad-env/environment.d/10-bad": "export A=$NOT_THERE\n",
		"bad-when/package-installs.yaml": "a:\n  when: DIB_NEVER = 1\n", "bad-when/element-deps": "package-installs\n",
		"needy/element-deps": "not-there\n",
	} {
		file := filepath.Join(broken, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{"testdata/elements", broken}
	for name, tc := range map[string]struct {
		block attributes
		want  []string
	}{
		"nothing":      {attributes{"skip_base": true}, []string{"elements: name at least one element"}},
		"unknown":      {fixture(attributes{"elements": []string{"tiny-os", "ap"}}), []string{`elements: element "ap" not found`, "did you mean app"}},
		"unknown dep":  {fixture(attributes{"elements": []string{"tiny-os", "needy"}, "element_paths": paths}), []string{`element "not-there" not found`, "needed by needy", filepath.Join(broken, "needy", "element-deps")}},
		"no system":    {fixture(attributes{"elements": []string{"tools"}}), []string{"no operating system element"}},
		"no path":      {fixture(attributes{"element_paths": []string{"/does/not/exist"}}), []string{`element_paths: element path "/does/not/exist"`}},
		"architecture": {fixture(attributes{"architecture": "x86_64"}), []string{`architecture: "x86_64" is called "amd64"`}},
		"variable":     {fixture(attributes{"environment": map[string]string{"A B": "x"}}), []string{`environment: "A B"`}},
		"no choice":    {fixture(attributes{"path_infrastructure": []string{"app"}}), []string{`path_infrastructure: "app"`}},
		"bad layout":   {fixture(attributes{"environment": map[string]string{"DIB_BLOCK_DEVICE_CONFIG": "- nonsense: 1"}}), []string{"DIB_BLOCK_DEVICE_CONFIG", "nonsense"}},
		"bad list":     {fixture(attributes{"elements": []string{"tiny-os", "bad-list"}, "element_paths": paths}), []string{"elements: element bad-list", filepath.Join(broken, "bad-list", "package-installs.yaml"), "yaml: line"}},
		"several":      {fixture(attributes{"architecture": "x64", "elements": []string{"ap", "tol"}}), []string{"architecture: ", `"ap"`, `"tol"`}},
		"bad environment": {fixture(attributes{"elements": []string{"tiny-os", "bad-env"}, "element_paths": paths, "evaluate": true}),
			[]string{"evaluate: ", `environment.d/10-bad of element "bad-env"`, "NOT_THERE"}},
		"undecidable": {fixture(attributes{"elements": []string{"tiny-os", "bad-when"}, "element_paths": paths, "evaluate": true}),
			[]string{"element bad-when: " + filepath.Join(broken, "bad-when", "package-installs.yaml") + ", line 1: package a", "The variable <DIB_NEVER> is not set"}},
	} {
		if tc.block["evaluate"] == true && runtime.GOOS != "linux" {
			continue
		}
		_, err := execute(t, tc.block)
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in %v", name, want, err)
			}
		}
	}
}

// Values that are not known yet when a template is validated are no mistakes.
func TestUnknownValuesAreWaitedFor(t *testing.T) {
	for _, block := range []attributes{
		fixture(attributes{"elements": []string{unknown}}), fixture(attributes{"elements": []string{}}), fixture(attributes{"architecture": unknown}),
		fixture(attributes{"environment": map[string]string{"DIB_RELEASE": unknown}, "element_paths": []string{"/does/not/exist"}}),
		fixture(attributes{"element_paths": []string{}}),
	} {
		var d Datasource
		if err := d.Configure(map[string]any(block)); err != nil {
			t.Errorf("%v: %v", block, err)
		}
		value, err := d.Execute()
		if err == nil || !value.IsNull() || value.Type() == cty.NilType {
			t.Errorf("%v %#v", err, value)
		}
	}
}

// {{ }} is left to hooks.
func TestTextsAreTakenAsTheyAre(t *testing.T) {
	value := mustExecute(t, fixture(attributes{"root_label": "{{x}}", "environment": map[string]string{"A": "{{ build `ID` }}"}}))
	if label := value.GetAttr("disk").GetAttr("partitions").AsValueSlice()[0].GetAttr("label").AsString(); label != "{{x}}" {
		t.Errorf("%q", label)
	}
}
