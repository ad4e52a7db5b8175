// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/schema"
)

var (
	jinjaExpression = regexp.MustCompile(`\{\{[^\n]*?\}\}`)
	jinjaStatement  = regexp.MustCompile(`(?m)^[ \t]*\{%[^\n]*%\}[ \t]*$`)
	jinjaComment    = regexp.MustCompile(`\{#[^\n]*?#\}`)
)

// templated judges of a cloud-config that is a template what no rendering
// changes: keys, and values without expressions. A template that is no YAML
// before it is rendered says nothing. With statements (if, for) what stands
// there need not come out, so nothing is an error.
func (r reporter) templated(body string) {
	blank := func(with rune) func(string) string {
		return func(found string) string { return strings.Repeat(string(with), utf8.RuneCountInString(found)) }
	}
	text := jinjaComment.ReplaceAllStringFunc(body, blank(' '))
	text = jinjaExpression.ReplaceAllStringFunc(text, blank(schema.Placeholder))
	statements := jinjaStatement.MatchString(text)
	text = jinjaStatement.ReplaceAllStringFunc(text, blank(' '))
	if strings.Contains(text, "{{") || strings.Contains(text, "{%") || strings.Contains(text, "{#") || classify(strings.TrimLeft(text, " \n")) != cloudConfig {
		return
	}
	read, err := parseText(lineBreaks.Replace(text))
	if err != nil || read.root == nil || read.root.Kind != yaml.MappingNode {
		return
	}
	found := schema.CloudConfig(read.root, r.options)
	for i := range found {
		found[i].Warning = found[i].Warning || statements
	}
	r.findings(found)
}
