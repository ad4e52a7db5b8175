// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// render writes the template, in the form that "packer fmt" gives it.
func render(header []string, sources []source) []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body()
	comment(body, header)
	body.AppendNewline()
	plugin := body.AppendNewBlock("packer", nil).Body().AppendNewBlock("required_plugins", nil).Body()
	plugin.SetAttributeValue("diskimage", cty.ObjectVal(map[string]cty.Value{
		"version": cty.StringVal(">= 0.1.0"),
		"source":  cty.StringVal("github.com/seed-736dd801/diskimage"),
	}))
	for _, name := range variables(sources) {
		body.AppendNewline()
		block := body.AppendNewBlock("variable", []string{name}).Body()
		block.SetAttributeRaw("type", hclwrite.TokensForIdentifier("string"))
		block.SetAttributeRaw("default", hclwrite.TokensForFunctionCall("env", hclwrite.TokensForValue(cty.StringVal(name))))
	}
	for _, s := range sources {
		body.AppendNewline()
		s.render(body)
	}
	return hclwrite.Format(f.Bytes())
}

// variables lists the variables of the template, each once.
func variables(sources []source) []string {
	var names []string
	for _, s := range sources {
		for _, a := range s.attributes {
			for _, t := range a.texts() {
				names = append(names, variablesOf(t)...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// texts are all texts in the value.
func (a attribute) texts() []string {
	switch v := a.value.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case []Variable:
		var all []string
		for _, one := range v {
			all = append(all, one.Value)
		}
		return all
	}
	return nil
}

func (s source) render(body *hclwrite.Body) {
	lines := []string{s.invocation.String()}
	if s.invocation.Where != "" {
		lines[0] = s.invocation.Where + ": " + lines[0]
	}
	for _, m := range s.said {
		lines = append(lines, m.Level.String()+": "+m.Text)
	}
	comment(body, lines)
	block := body.AppendNewBlock("source", []string{"diskimage", s.label}).Body()
	for _, a := range s.attributes {
		block.SetAttributeRaw(a.name, tokens(a.value))
	}
	body.AppendNewline()
	build := body.AppendNewBlock("build", nil).Body()
	build.SetAttributeValue("sources", cty.ListVal([]cty.Value{cty.StringVal("source.diskimage." + s.label)}))
	if len(s.checksums) == 0 {
		return
	}
	build.AppendNewline()
	sums := build.AppendNewBlock("post-processor", []string{"checksum"}).Body()
	sums.SetAttributeRaw("checksum_types", tokens(s.checksums))
	sums.SetAttributeRaw("output", slices.Concat(quote(), interpolation("build.OutputDirectory"),
		between("/"+s.file+"."), escaped("{{ .ChecksumType }}"), unquote()))
}

// comment writes lines above what follows.
func comment(body *hclwrite.Body, lines []string) {
	for _, line := range lines {
		line = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, line)
		body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte("# " + strings.TrimRight(line, " ") + "\n")}})
	}
}

// tokens are the expression of a value.
func tokens(value any) hclwrite.Tokens {
	switch v := value.(type) {
	case string:
		return textTokens(v)
	case bool:
		return hclwrite.TokensForValue(cty.BoolVal(v))
	case int64:
		return hclwrite.TokensForValue(cty.NumberIntVal(v))
	case []string:
		var items []hclwrite.Tokens
		for _, t := range v {
			items = append(items, textTokens(t))
		}
		return hclwrite.TokensForTuple(items)
	case []Variable:
		var items []hclwrite.ObjectAttrTokens
		for _, one := range v {
			name := hclwrite.TokensForValue(cty.StringVal(one.Name))
			if hclsyntax.ValidIdentifier(one.Name) {
				name = hclwrite.TokensForIdentifier(one.Name)
			}
			items = append(items, hclwrite.ObjectAttrTokens{Name: name, Value: longTokens(one.Value)})
		}
		return hclwrite.TokensForObject(items)
	}
	return hclwrite.TokensForValue(cty.NilVal)
}

func quote() hclwrite.Tokens {
	return hclwrite.Tokens{{Type: hclsyntax.TokenOQuote, Bytes: []byte(`"`)}}
}

func unquote() hclwrite.Tokens {
	return hclwrite.Tokens{{Type: hclsyntax.TokenCQuote, Bytes: []byte(`"`)}}
}

// textTokens are a string, with what stands for the marks in it.
func textTokens(t string) hclwrite.Tokens {
	return slices.Concat(quote(), between(t), unquote())
}

// longTokens are a string that has lines of its own, such as a layout.
func longTokens(t string) hclwrite.Tokens {
	odd := strings.ContainsFunc(t, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' })
	if odd || strings.Count(t, "\n") < 2 || strings.Contains(t, "$${") || strings.Contains(t, "%%{") {
		return textTokens(t)
	}
	end := "EOT"
	for slices.ContainsFunc(strings.Split(t, "\n"), func(line string) bool { return strings.TrimSpace(line) == end }) {
		end += "T"
	}
	body, whole := strings.CutSuffix(t, "\n")
	body = strings.NewReplacer("${", "$${", "%{", "%%{").Replace(protected(body))
	here := "<<" + end + "\n" + body + "\n" + end
	if !whole {
		here = "chomp(" + here + "\n)"
	}
	return hclwrite.Tokens{{Type: hclsyntax.TokenStringLit, Bytes: []byte(here)}}
}

// between is what stands between the quotes.
func between(t string) hclwrite.Tokens {
	var all hclwrite.Tokens
	for t != "" {
		at := markPattern.FindStringIndex(t)
		if at == nil {
			return append(all, escaped(protected(t))...)
		}
		mark := t[at[0]:at[1]]
		all = append(all, beforeInterpolation(protected(t[:at[0]]))...)
		t = t[at[1]:]
		switch {
		case mark == workingDirectory:
			all = append(all, interpolation("path.cwd")...)
		case mark == homeDirectory:
			all = append(all, interpolation(`pathexpand("~")`)...)
		default:
			all = append(all, interpolation("var."+strings.Trim(mark, variable))...)
		}
	}
	return all
}

// protected keeps packer's own templates, which it renders inside of strings,
// from taking braces for theirs.
func protected(t string) string { return strings.ReplaceAll(t, "{{", "{{`{{`}}") }

// escaped is a literal in a quoted string.
func escaped(t string) hclwrite.Tokens {
	all := hclwrite.TokensForValue(cty.StringVal(t))
	return all[1 : len(all)-1]
}

// beforeInterpolation is one, too: a "$" or "%" at its end would escape the
// "${" that follows.
func beforeInterpolation(t string) hclwrite.Tokens {
	if !strings.HasSuffix(t, "$") && !strings.HasSuffix(t, "%") {
		return escaped(t)
	}
	return append(escaped(t[:len(t)-1]), interpolation(`"`+t[len(t)-1:]+`"`)...)
}

func interpolation(expression string) hclwrite.Tokens {
	return hclwrite.Tokens{
		{Type: hclsyntax.TokenTemplateInterp, Bytes: []byte("${")},
		{Type: hclsyntax.TokenIdent, Bytes: []byte(expression)},
		{Type: hclsyntax.TokenTemplateSeqEnd, Bytes: []byte("}")},
	}
}

func sourceName(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
		return r
	}
	return '_'
}

// label makes the names of sources words of HCL, each another one.
func label(sources []source) {
	taken := map[string]bool{}
	for i := range sources {
		name := strings.Map(sourceName, asWritten(sources[i].label))
		if name == "" || !(name[0] >= 'a' && name[0] <= 'z' || name[0] >= 'A' && name[0] <= 'Z') {
			name = "image_" + name
		}
		unique := name
		for n := 2; taken[unique]; n++ {
			unique = fmt.Sprintf("%s-%d", name, n)
		}
		taken[unique] = true
		sources[i].label = unique
	}
}
