// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"fmt"
	"strings"
)

// text is the output for people: the plan's own words, then what is only here.
func (r *result) text(o *DatasourceOutput) string {
	var b strings.Builder
	b.WriteString(r.plan.Resolution())
	b.WriteString("Environment files:\n")
	for _, f := range o.EnvironmentFiles {
		fmt.Fprintf(&b, "  %s[%s]\n", f.Name, f.Element)
	}
	if len(o.InstallTypes) > 0 {
		b.WriteString("Install types:\n")
	}
	for _, t := range o.InstallTypes {
		fmt.Fprintf(&b, "  %s: %s\n", t.Name, t.Applies)
	}
	writePackages(&b, o.Packages)
	b.WriteString("Variables:\n")
	for _, v := range o.Variables {
		fmt.Fprintf(&b, "  %s\n", describe(v))
	}
	for _, w := range o.Warnings {
		fmt.Fprintf(&b, "Note: %s\n", w)
	}
	return b.String()
}

func writePackages(b *strings.Builder, packages []Package) {
	b.WriteString("Packages:\n")
	for _, p := range packages {
		fmt.Fprintf(b, "  %-16s %-10s %s[%s]", p.Phase, p.Action, p.Name, p.Element)
		if len(p.Mapped) > 0 && strings.Join(p.Mapped, " ") != p.Name {
			fmt.Fprintf(b, " = %s", strings.Join(p.Mapped, " "))
		}
		if len(p.Conditions) > 0 {
			fmt.Fprintf(b, " (%s: %s)", strings.Join(p.Conditions, "; "), p.Applies)
		}
		b.WriteString("\n")
	}
}

// describe is a line on a variable: name, defaults, readers.
func describe(v Variable) string {
	line := v.Name
	if v.Prefix {
		line += "…"
	}
	switch len(v.Defaults) {
	case 0:
	case 1:
		line += fmt.Sprintf(" (default %q)", v.Defaults[0])
	default:
		line += fmt.Sprintf(" (defaults %q)", v.Defaults)
	}
	readers := v.Elements
	if v.Builder {
		readers = append([]string{"the builder"}, readers...)
	}
	return line + ": " + strings.Join(readers, ", ")
}
