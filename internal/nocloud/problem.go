// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/schema"
)

// Problem is one thing that is wrong with a seed.
type Problem struct {
	// Attribute and Source are those of the Document.
	Attribute, Source string
	// Part names the part inside the document (of a MIME message, of an
	// archive, of compressed data); empty for the document itself.
	Part string
	// Line and Column are counted from 1, columns in characters; 0 if there
	// is no such place.
	Line, Column int
	// Text says what is wrong, Advice what to do about it. Neither repeats
	// values of the document, which may be secret.
	Text, Advice string
	// Warning marks what cloud-init would accept, but not as one might think;
	// ByVersion that another version of it gives no reason for the warning.
	Warning, ByVersion bool
}

// Error is the problem in one line: place, what is wrong, what to do.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Attribute)
	if p.Source != "" {
		fmt.Fprintf(&b, " (%s)", p.Source)
	}
	if p.Part != "" {
		fmt.Fprintf(&b, ", %s", p.Part)
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, ", line %d", p.Line)
	}
	if p.Column > 0 {
		fmt.Fprintf(&b, ", column %d", p.Column)
	}
	fmt.Fprintf(&b, ": %s", p.Text)
	if p.Advice != "" {
		fmt.Fprintf(&b, "; %s", p.Advice)
	}
	return b.String()
}

// Problems are all that a check found, in the order of the documents.
type Problems []Problem

// Unsaid leaves out warnings about a value of which told warns already, by the same
// path in the same document.
func (ps Problems) Unsaid(told Problems) Problems {
	same := func(p, t Problem) bool {
		path, _, _ := strings.Cut(p.Text, " ")
		return p.Warning && p.Attribute == t.Attribute && p.Part == t.Part && strings.HasPrefix(t.Text, path+" ")
	}
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool {
		return slices.ContainsFunc(told, func(t Problem) bool { return same(p, t) })
	})
}

// Errors are the problems that make the seed wrong.
func (ps Problems) Errors() Problems { return ps.pick(false) }

// Warnings are the problems that cloud-init would live with.
func (ps Problems) Warnings() Problems { return ps.pick(true) }

func (ps Problems) pick(warning bool) Problems {
	var out Problems
	for _, p := range ps {
		if p.Warning == warning {
			out = append(out, p)
		}
	}
	return out
}

// Err joins all errors, without the warnings; nil if there are none.
func (ps Problems) Err() error {
	var errs []error
	for _, p := range ps.Errors() {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

// reporter collects the problems of one document, or of a part of it whose
// first line is the document's line base+1.
type reporter struct {
	document Document
	part     string
	base     int
	depth    int
	options  schema.Options
	raw      bool // see Seed.Raw
	out      *Problems
}

func newReporter(d Document, out *Problems) reporter {
	return reporter{document: d, base: -d.Added, out: out}
}

// within reports on a part that starts after line base of the current text.
func (r reporter) within(part string, base int) reporter {
	if r.part != "" && part != "" {
		part = r.part + ", " + part
	}
	r.part, r.base, r.depth = cmp.Or(part, r.part), r.base+base, r.depth+1
	return r
}

// decoded reports on a part whose lines are counted anew, since they do not
// stand in the document as they are.
func (r reporter) decoded(part string) reporter {
	r = r.within(part, 0)
	r.base = 0
	return r
}

// place is a position in a text, counted from 1; zero is no position.
type place struct{ line, column int }

func (r reporter) fail(at place, text, advice string) {
	r.add(at, text, advice, false)
}

func (r reporter) warn(at place, text, advice string) {
	r.add(at, text, advice, true)
}

func (r reporter) add(at place, text, advice string, warning bool) {
	if at.line > 0 {
		at.line = max(1, at.line+r.base)
	}
	if r.document.Generated {
		at = place{} // nobody wrote these lines
	}
	*r.out = append(*r.out, Problem{
		Attribute: r.document.Attribute, Source: r.document.Source, Part: r.part,
		Line: at.line, Column: at.column, Text: text, Advice: advice, Warning: warning,
	})
}

// placeOf is the position of a byte offset.
func placeOf(text string, offset int) place {
	before := text[:offset]
	line := strings.Count(before, "\n") + 1
	start := strings.LastIndexByte(before, '\n') + 1
	return place{line, len([]rune(before[start:])) + 1}
}
