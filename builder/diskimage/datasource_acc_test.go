// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dataTemplate is a template with a data source "x" of the given attributes, and
// a null build with the given body.
func dataTemplate(change attributes, body string) string {
	all := attributes{"elements": `["tiny-os"]`, "element_paths": `["@elements@"]`, "skip_base": "true"}
	maps.Copy(all, change)
	var text strings.Builder
	text.WriteString("data \"diskimage-elements\" \"x\" {\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "  %s = %s\n", name, all[name])
	}
	fmt.Fprintf(&text, "}\nsource \"null\" \"n\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"source.null.n\"]\n%s\n}\n", body)
	return text.String()
}

// say is a provisioner that prints an expression as JSON.
func say(expression string) string {
	return "  provisioner \"shell-local\" {\n    env    = { SAID = jsonencode(" + expression + ") }\n    inline = [\"printf 'said %s\\\\n' \\\"$SAID\\\"\"]\n  }\n"
}

// The data source is read by packer over both of its protocols, without root,
// two of a kind in one template; and its lists can be walked through.
func TestAccDataSource(t *testing.T) {
	needPacker(t)
	t.Parallel()
	n := newNobody(t)
	if err := os.MkdirAll(filepath.Join(n.elements, "app/environment.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"app/element-deps": "package-installs\n", "app/environment.d/20-app": "export DIB_APP=on DISTRO_NAME=debian\n",
		"app/package-installs.yaml": "curl:\ntelnet:\n  when: DIB_APP = on\n",
	} {
		if err := os.WriteFile(filepath.Join(n.elements, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const x = "data.diskimage-elements.x"
	body := say("[for e in "+x+".elements : e.name if !e.builtin]") +
		say("{ for p in "+x+".phases : p.name => [for h in p.hooks : \"${h.name} of ${h.element}\"] if p.name == \"root.d\" }") +
		say("[for p in "+x+".packages : \"${p.line} ${p.name} ${p.applies} ${join(\";\", p.conditions)}\"]") +
		say("data.diskimage-elements.evaluated.package_phases[1].install") +
		say("[for v in "+x+".variables : v.elements if v.name == \"DIB_APP\"]") +
		say(x+".disk.partitions[0].mount_point") + say(x+".install_types") + say(x+".warnings")
	text := dataTemplate(attributes{"elements": `["tiny-os", "app"]`, "environment": `{ DIB_AAP = "1" }`}, body) + `
data "diskimage-elements" "evaluated" {
  elements      = [for e in data.diskimage-elements.x.elements : e.name if e.requested]
  element_paths = ["@elements@"]
  skip_base     = true
  evaluate      = true
}
`
	want := []string{
		`said ["app","tiny-os"]`, `said {"root.d":["10-tiny-os of tiny-os"]}`,
		`said ["1 curl yes ","2 telnet undecided when: DIB_APP = on"]`, `said ["curl","telnet"]`, `said [["app"]]`, `said "/"`, `said []`,
		`DIB_AAP has no effect: neither an element of this image nor the builder reads it; did you mean DIB_APP?`,
	}
	for _, protocol := range []string{"", "PACKER_FORCE_GOB=1"} {
		status, out := n.run(t, "build", "t.pkr.hcl", text, protocol)
		for _, line := range want {
			if status != 0 || !strings.Contains(out, line) {
				t.Errorf("%q: status %d, no %q in\n%s", protocol, status, line, out)
			}
		}
	}
	// Nothing is known of what data sources give while a template is validated.
	text += `source "diskimage" "later" {
  elements      = ["tiny-os"]
  element_paths = ["@elements@"]
  architecture  = data.diskimage-elements.x.architecture
}
`
	if status, out := n.run(t, "validate", "t.pkr.hcl", strings.Replace(text, `sources = [`, `sources = ["source.diskimage.later", `, 1)); status != 0 {
		t.Errorf("validate: status %d:\n%s", status, out)
	}
}

// What is wrong is found by validate, and names element and file.
func TestAccDataSourceMistakes(t *testing.T) {
	needPacker(t)
	n := newNobody(t)
	for name, text := range map[string]string{"broken/element-deps": "package-installs\n", "broken/package-installs.yaml": "curl: [\n",
		"needy/element-deps": "nowhere\n"} {
		file := filepath.Join(n.elements, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		change attributes
		want   []string
	}{
		"unknown element": {attributes{"elements": `["tiny-oss"]`}, []string{`elements: element "tiny-oss" not found`, "did you mean tiny-os?"}},
		"unknown dependency": {attributes{"elements": `["tiny-os", "needy"]`},
			[]string{`element "nowhere" not found`, filepath.Join(n.elements, "needy/element-deps")}},
		"missing path":   {attributes{"element_paths": `["/does/not/exist"]`}, []string{`element_paths: element path "/does/not/exist"`}},
		"no list":        {attributes{"elements": `null`}, []string{"elements: name at least one element"}},
		"malformed yaml": {attributes{"elements": `["tiny-os", "broken"]`}, []string{"elements: element broken", filepath.Join(n.elements, "broken/package-installs.yaml"), "line"}},
		"architecture":   {attributes{"architecture": `"x86_64"`}, []string{`architecture: "x86_64" is called "amd64"`}},
		"no attribute":   {attributes{"element": `["tiny-os"]`}, []string{`An argument named "element" is not expected here`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"validate", "build"} {
				status, out := n.run(t, verb, "t.pkr.hcl", dataTemplate(tc.change, ""))
				if status != 1 || strings.Contains(out, "panic") {
					t.Errorf("%s: status %d:\n%s", verb, status, out)
				}
				flat := strings.Join(strings.Fields(out), " ")
				for _, want := range tc.want {
					if !strings.Contains(flat, want) {
						t.Errorf("%s: no %q in\n%s", verb, want, out)
					}
				}
			}
		})
	}
}

// The builder warns of a variable that nobody reads and goes on.
func TestAccUnknownVariableIsAWarning(t *testing.T) {
	needPacker(t)
	n := newNobody(t)
	for name, want := range map[string]string{"DIB_IMAGE_SIEZ": "did you mean DIB_IMAGE_SIZE?", "DIB_REPOREF_mine": "", "DIB_IMAGE_SIZE": ""} {
		status, out := n.run(t, "validate", "t.pkr.hcl", hclTemplate(attributes{"environment": `{ ` + name + ` = "1" }`}, "", ""))
		flat := strings.Join(strings.Fields(out), " ")
		if status != 0 || want != "" && !strings.Contains(flat, want) || want == "" && strings.Contains(flat, name) {
			t.Errorf("%s: status %d:\n%s", name, status, out)
		}
	}
}

// The example of a policy ends a pipeline when an element brings what is
// forbidden, and lets others pass; it needs no root.
func TestAccPolicyExample(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	example, err := filepath.Abs("../../example/policy.pkr.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, evaluate := range []string{"true", "false"} {
		for forbidden, want := range map[string]string{
			`["telnet"]`: "",
			`["openssh-server", "telnet"]`: "package openssh-server, which element openssh-server brings " +
				"(builtin:openssh-server/package-installs.yaml, line",
		} {
			status, out := runPacker(t, w.dir, w.env(), "build", "-only=policy.*", "-var", "evaluate="+evaluate, "-var", "forbidden_packages="+forbidden, example)
			if want == "" && status != 0 || want != "" && status == 0 || !strings.Contains(out, want) || !strings.Contains(out, "75-debian-minimal-baseinstall[debian-minimal]") {
				t.Errorf("evaluate %s, forbidden %s: status %d:\n%s", evaluate, forbidden, status, out)
			}
		}
	}
	w.assertClean()
}
