// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"io"
	"regexp"
	"strconv"
	"strings"
)

var parserLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// syntaxError reports a parse error at the place where the parser stopped.
//
// The parser names the line in which the broken construct began, or the one
// before it, and never a column. How far it had read says more: it reads no
// further than it must. So the text is parsed once more, byte by byte.
func (r reporter) syntaxError(text string, err error) {
	stop := &byteReader{text: text}
	_, _ = parseYAML(stop)
	said := parserLine.FindStringSubmatch(err.Error())
	what := strings.TrimPrefix(err.Error(), said[0])
	where := placeOf(text, culprit(text[:stop.read], what))
	if began, _ := strconv.Atoi(said[1]); began > 0 && startMatters.MatchString(what) {
		where = place{began, 0}
	}
	parser := what
	what, advice := explain(what)
	switch {
	case strings.Contains(parser, "mapping values") && unspaced.MatchString(entry(text, where.line-1)):
		advice = "put a blank behind the colon of the line before"
	case strings.Contains(parser, "could not find expected ':'") && unspaced.MatchString(entry(text, where.line)):
		advice = "put a blank behind its colon"
	}
	if column := tabIndent(text, where.line); column > 0 {
		where.column, what, advice = column, "a tab in the indentation, which YAML does not allow", "indent with spaces"
	} else if where.column > 0 && strings.HasPrefix(lineFrom(text, where), "\t") {
		what, advice = strayTabText, "use spaces"
	}
	r.fail(where, what, advice)
}

// startMatters are errors that are seen long after what caused them: an open
// quote, a line that is no key.
var startMatters = regexp.MustCompile(`end of stream|could not find expected ':'`)

var anchorName = regexp.MustCompile(`unknown anchor '(.*)'`)

// culprit is the offset of what the parser complained about after it had read
// this much: what the complaint names, or else the beginning of the last line with
// something in it.
func culprit(read, what string) int {
	at := -1
	switch name := anchorName.FindStringSubmatch(what); {
	case name != nil:
		at = strings.LastIndex(read, "*"+name[1])
	case strings.Contains(what, "mapping values"):
		at = strings.LastIndexByte(read, ':')
	case strings.Contains(what, "escape"):
		at = strings.LastIndexByte(read, '\\')
	case strings.Contains(what, "cannot start any token"), strings.Contains(what, "tab character"):
		at = lastTokenStart(read, "@`%\t")
	case what == errDocuments.Error():
		at = strings.LastIndex(read, "\n---") + 1
	}
	if at >= 0 {
		return at
	}
	read = strings.TrimRight(read, " \t\r\n")
	start := strings.LastIndexByte(read, '\n') + 1
	return start + len(read[start:]) - len(strings.TrimLeft(read[start:], " "))
}

// lastTokenStart finds the last of some characters that is not inside a word.
func lastTokenStart(read, characters string) int {
	for i := len(read) - 1; i > 0; i-- {
		if strings.IndexByte(characters, read[i]) >= 0 && strings.IndexByte(" \t\n[{,:-?", read[i-1]) >= 0 {
			return i
		}
	}
	return -1
}

// entry is a line without the dashes and blanks that begin it.
func entry(text string, line int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	return strings.TrimLeft(lines[line-1], " -")
}

// lineFrom is the text from a place on.
func lineFrom(text string, p place) string { return text[offsetOf(text, p):] }

// explain gives the parser's words in the user's.
func explain(what string) (text, advice string) {
	switch {
	case what == errDocuments.Error():
		return "a second YAML document begins here", "give one document only"
	case strings.Contains(what, "mapping values are not allowed"):
		return "a `key: value` stands where none can (" + what + ")", "check the indentation, and quote values that contain `: `"
	case strings.Contains(what, "did not find expected key"), strings.Contains(what, "did not find expected '-' indicator"),
		strings.Contains(what, "did not find expected <document start>"):
		return "this does not continue what stands above it (" + what + ")", "check the indentation of this line and of those before it"
	case strings.Contains(what, "could not find expected ':'"):
		return "text that is neither a key, a list item nor a value (" + what + ")", "check that the key has its colon, and the indentation"
	case strings.Contains(what, "cannot start any token"):
		return "a character that cannot begin a value (" + what + ")", "quote the value; values must not begin with @, ` or %"
	case strings.Contains(what, "unknown anchor"):
		return what, "quote values that begin with *"
	case strings.Contains(what, "end of stream"):
		return "a quote or bracket that opens here is never closed", "close it"
	}
	return what, "correct the YAML here"
}

// tabIndent is the column of the first tab in a line's leading blanks, 0 if none.
func tabIndent(text string, line int) int {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return 0
	}
	blanks := lines[line-1]
	blanks = blanks[:len(blanks)-len(strings.TrimLeft(blanks, " \t"))]
	return strings.IndexByte(blanks, '\t') + 1
}

// byteReader gives out one byte at a time and knows how many it gave.
type byteReader struct {
	text string
	read int
}

func (b *byteReader) Read(p []byte) (int, error) {
	if b.read == len(b.text) {
		return 0, io.EOF
	}
	p[0] = b.text[b.read]
	b.read++
	return 1, nil
}
