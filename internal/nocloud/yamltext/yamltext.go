// SPDX-License-Identifier: MPL-2.0

// Package yamltext writes YAML that every reader takes alike: PyYAML, which is
// cloud-init's parser and follows YAML 1.1, and those that follow YAML 1.2.
//
// Mappings are ordered, so the same value always gives the same text. A text is
// quoted wherever some reader would take it for anything else (no, 0777, 1:30,
// 1e3, ~, 2024-01-01), and is a literal block where it has lines and can be one.
package yamltext

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Map is a mapping in the order in which it is written.
type Map []Entry

// Entry is a key of a mapping with its value: a string, a bool, an int, a Map
// or a List.
type Entry struct {
	Key   string
	Value any
}

// List is a sequence of what an Entry may have as value.
type List []any

// Strings makes a List of texts.
func Strings(texts []string) List {
	list := make(List, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

// Add appends a key.
func (m *Map) Add(key string, value any) { *m = append(*m, Entry{key, value}) }

// Text writes the mapping as a block, each line ended by a newline; an empty one
// is {}.
func (m Map) Text() string {
	if len(m) == 0 {
		return "{}\n"
	}
	var w writer
	w.mapping(m, 0)
	return w.String()
}

// indentation of one level, in blanks.
const indentation = 2

type writer struct{ strings.Builder }

func (w *writer) mapping(m Map, depth int) {
	for i, e := range m {
		if i > 0 {
			w.indent(depth)
		}
		w.WriteString(Scalar(e.Key) + ":")
		w.value(e.Value, depth)
	}
}

func (w *writer) indent(depth int) { w.WriteString(strings.Repeat(" ", depth)) }

// value writes what follows a key, with the end of the line.
func (w *writer) value(v any, depth int) {
	switch v := v.(type) {
	case Map:
		if len(v) == 0 {
			w.WriteString(" {}\n")
			return
		}
		w.WriteString("\n")
		w.indent(depth + indentation)
		w.mapping(v, depth+indentation)
	case List:
		if len(v) == 0 {
			w.WriteString(" []\n")
			return
		}
		w.WriteString("\n")
		w.list(v, depth+indentation)
	default:
		w.WriteString(" ")
		w.scalar(v, depth)
	}
}

func (w *writer) list(l List, depth int) {
	for _, item := range l {
		w.indent(depth)
		switch item := item.(type) {
		case Map:
			w.WriteString("- ")
			if len(item) == 0 {
				w.WriteString("{}\n")
			} else {
				w.mapping(item, depth+indentation)
			}
		case List:
			w.WriteString("- " + flow(item) + "\n")
		default:
			w.WriteString("- ")
			w.scalar(item, depth)
		}
	}
}

// flow writes a list within a list in one line.
func flow(l List) string {
	items := make([]string, len(l))
	for i, item := range l {
		switch item := item.(type) {
		case List:
			items[i] = flow(item)
		case string:
			items[i] = Scalar(item)
			if strings.ContainsAny(item, ",[]{}") {
				items[i] = Quoted(item)
			}
		default:
			items[i] = fmt.Sprint(item)
		}
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// scalar writes a scalar and the end of its line.
func (w *writer) scalar(v any, depth int) {
	text, isText := v.(string)
	if isText && literal(text) {
		w.block(text, depth+indentation)
		return
	}
	if isText {
		w.WriteString(Scalar(text) + "\n")
		return
	}
	fmt.Fprintf(w, "%v\n", v)
}

// block writes a literal block: | keeps one newline at the end, |- none, |+ all.
func (w *writer) block(text string, depth int) {
	body := strings.TrimRight(text, "\n")
	w.WriteString("|")
	switch len(text) - len(body) {
	case 0:
		w.WriteString("-")
	case 1:
	default:
		w.WriteString("+")
	}
	w.WriteString("\n")
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line != "" {
			w.indent(depth)
			w.WriteString(line)
		}
		w.WriteString("\n")
	}
}

// literal says whether a text can be a literal block that needs no indentation
// to be told: it has lines, the first of which begins with no blank, and holds
// no character that must be escaped.
func literal(text string) bool {
	if !strings.Contains(text, "\n") || strings.ContainsAny(text[:1], " \t\n") {
		return false
	}
	return !strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && c != '\t' && escaped(c) })
}

// escaped says whether a character may stand in YAML only as an escape in
// double quotes, or is taken for a line's end by some reader.
func escaped(c rune) bool {
	return c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
		c >= 0xd800 && c < 0xe000 || c >= 0xfffd && c <= 0xffff
}

// plain is a text that no reader takes for anything else, if it is no reserved
// word: it begins with a letter or a slash, so it is no number, date or
// indicator, and a colon or # in it is followed or preceded by no blank.
var plain = regexp.MustCompile(`^[A-Za-z/]([A-Za-z0-9_./+@%=,()-]|:[A-Za-z0-9_./+@%=,()-]| [A-Za-z0-9_./+@%=,()-])*$`)

// reserved are the words that YAML 1.1 takes for something else than text.
var reserved = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// Scalar writes a text in one line, in quotes where it needs them.
func Scalar(text string) string {
	if plain.MatchString(text) && !slices.Contains(reserved, strings.ToLower(text)) {
		return text
	}
	return Quoted(text)
}

// Quoted writes a text in double quotes, as YAML and JSON both read it.
func Quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\r':
			b.WriteString(`\r`)
		case escaped(c):
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(c), 16)[1:])
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
