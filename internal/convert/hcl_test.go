// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"bytes"
	"strings"
	"testing"
	"text/template"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// asPacker evaluates a template's only source as packer does: HCL first, then
// the templates inside of strings.
func asPacker(t *testing.T, text []byte) map[string]cty.Value {
	t.Helper()
	file, diags := hclsyntax.ParseConfig(text, "x.pkr.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	if formatted := hclwrite.Format(text); !bytes.Equal(formatted, text) {
		t.Errorf("not as packer fmt has it:\n%s", text)
	}
	env := function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String}}, Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal("env:" + args[0].AsString()), nil
		},
	})
	ctx := &hcl.EvalContext{Functions: map[string]function.Function{"chomp": stdlib.ChompFunc, "env": env, "pathexpand": env}}
	variables := map[string]cty.Value{}
	values := map[string]cty.Value{}
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		switch block.Type {
		case "variable":
			value, diags := block.Body.Attributes["default"].Expr.Value(ctx)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			variables[block.Labels[0]] = value
		case "source":
			ctx.Variables = map[string]cty.Value{
				"var": cty.ObjectVal(variables), "path": cty.ObjectVal(map[string]cty.Value{"cwd": cty.StringVal("/cwd")}),
			}
			for name, a := range block.Body.Attributes {
				value, diags := a.Expr.Value(ctx)
				if diags.HasErrors() {
					t.Fatalf("%s: %v\n%s", name, diags, text)
				}
				values[name] = value
			}
		}
	}
	return values
}

func rendered(t *testing.T, text string) string {
	t.Helper()
	parsed, err := template.New("").Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var b strings.Builder
	if err := parsed.Execute(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var awkward = []string{
	"", "plain", `say "hi"`, `back\slash`, "${var.x}", "$${x}", "%{ if x }", "%%{", "$", "%", "{{ .X }}", "{{{", "}}", "{{`", "a\nb", "a\nb\nc", "a\nb\n\n",
	"\n- local_loop:\n    name: image0\n", "EOT\nEOT\nEOTT\n", "a\n${b}\n%{c}\n{{d}}\n", "a\n$${b}\nc", "\ttab\r\n", "ü 日本 \u00a0\u200b", "#", "'", "*/", " a \n b \n c ",
}

// A value is the same after all that packer does to it.
func TestValuesSurvive(t *testing.T) {
	for _, text := range awkward {
		checkSurvives(t, text)
	}
}

func checkSurvives(t *testing.T, text string) {
	t.Helper()
	s := source{label: "x", attributes: []attribute{
		{"one", text}, {"list", []string{text, "a"}}, {"map", []Variable{{"A", text}, {"b c", text}}}, {"b", true}, {"n", int64(5)},
	}, file: text, checksums: []string{"md5"}, invocation: Invocation{Program: diskProgram, Arguments: []string{text}}}
	values := asPacker(t, render([]string{text}, []source{s}))
	for name, value := range map[string]cty.Value{
		"one": values["one"], "list": values["list"].Index(cty.Zero), "map": values["map"].GetAttr("A"), "map of odd name": values["map"].GetAttr("b c"),
	} {
		// HCL texts are in normal form C.
		if got, want := rendered(t, value.AsString()), cty.NormalizeString(text); got != want {
			t.Errorf("%s: %q became %q", name, want, got)
		}
	}
}

// What stands for a directory or a variable becomes an expression of HCL.
func TestMarksBecomeExpressions(t *testing.T) {
	for text, want := range map[string]string{
		workingDirectory + "/x":                                  "/cwd/x",
		homeDirectory + "/x:" + workingDirectory:                 "env:~/x:/cwd",
		"a$" + variable + "NAME" + variable + "%{":               "a$env:NAME%{",
		"{{" + variable + "N" + variable + "}}":                  "{{env:N}}",
		"%" + variable + "A" + variable + "$" + workingDirectory: "%env:A$/cwd",
	} {
		values := asPacker(t, render(nil, []source{{label: "x", attributes: []attribute{{"one", text}}}}))
		if got := rendered(t, values["one"].AsString()); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestLabels(t *testing.T) {
	sources := []source{{label: "a"}, {label: "a"}, {label: "22.04 ü"}, {label: ""}, {label: variable + "X" + variable}, {label: "_a"}}
	label(sources)
	var got []string
	for _, s := range sources {
		got = append(got, s.label)
	}
	if text := strings.Join(got, " "); text != "a a-2 image_22_04__ image_ image__X image__a" {
		t.Error(text)
	}
}
