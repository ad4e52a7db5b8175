// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const strayTabText = "a tab outside quotes, which cloud-init's YAML parser refuses"

// lexical finds what our parser reads in a text and PyYAML does not, upon which
// cloud-init would ignore the whole document: tabs outside quotes, block scalars
// and comments; \' in double quotes; a comment that touches | or >; a byte order
// mark before a line.
func (r reporter) lexical(text reading) {
	f := newFinder(text.text)
	if text.root != nil {
		f.scalars(text.root)
	}
	f.closeBlock(len(f.lines))
	for _, p := range f.escapes {
		r.fail(p, `\' in double quotes, which cloud-init's YAML parser refuses`, "write ' alone")
	}
	for _, p := range f.comments {
		r.fail(p, "a comment right after the sign of a block, which cloud-init's YAML parser refuses", "put a blank before #")
	}
	for _, p := range f.loneTags {
		r.fail(p, "a lone ! is a tag to YAML, and no part of the text behind it", "quote the text if it begins with !, else remove it")
	}
	for i, line := range f.lines {
		if column := f.strayMark(i, line); column > 0 {
			r.fail(place{i + 1, column}, "a byte order mark in the midst of the text, which is a character to cloud-init's YAML parser", "remove it; files put together often have one")
			return
		}
		column := f.strayTab(i, line)
		if !f.block[i] && slices.Contains(text.tabs, i) {
			column = indentation(line) + 1
		}
		if column > 0 {
			r.fail(place{i + 1, column}, strayTabText, "use spaces")
			return
		}
	}
}

// finder knows which parts of a text are inside scalars.
type finder struct {
	lines [][]rune
	// quoted has a true for every character inside quotes; whole lines of block
	// scalars are in block.
	quoted [][]bool
	block  []bool
	// open is the block scalar last seen, nil if other nodes came after it.
	open *yaml.Node
	// text is the line, from 0, behind its sign.
	text int
	// escapes and comments are the places of wrong ones.
	escapes, comments []place
	// loneTags are the places of tags without a name.
	loneTags []place
	// closing are closing quotes, behind which a comment needs no blank; lines and
	// columns from 0.
	closing map[place]bool
}

func newFinder(text string) *finder {
	f := &finder{lines: runeLines(text), closing: map[place]bool{}}
	for _, line := range f.lines {
		f.quoted = append(f.quoted, make([]bool, len(line)))
	}
	f.block = make([]bool, len(f.lines))
	return f
}

var (
	blockSign       = regexp.MustCompile(`^ *(?:[!&]\S* +)*[|>]`)
	beforeTag       = regexp.MustCompile(`^[ \t]*(?:&\S+[ \t]*)?`)
	loneTag         = regexp.MustCompile(`^!(?:<!>)?(?:[ \t]|$)`)
	touchingComment = regexp.MustCompile(`^[|>][-+0-9]*#`)
)

// sign is where a block scalar's | or > stands, from 0: its tag and anchor may
// have lines of their own.
func (f *finder) sign(n *yaml.Node) (line, column int) {
	for line, column = n.Line-1, n.Column-1; line < len(f.lines); line, column = line+1, 0 {
		rest := f.rest(line, column)
		if at := blockSign.FindStringIndex(rest); at != nil {
			return line, column + utf8.RuneCountInString(rest[:at[1]]) - 1
		}
	}
	return n.Line - 1, n.Column - 1
}

// rest is a line from a column on, both from 0. With byte order marks amid the text
// our parser's columns can lie behind its end.
func (f *finder) rest(line, column int) string {
	return string(f.lines[line][min(column, len(f.lines[line])):])
}

// scalars walks the nodes in the order of the text.
func (f *finder) scalars(n *yaml.Node) {
	if n.Line > 0 {
		f.closeBlock(n.Line - 1)
		f.loneTag(n)
	}
	switch {
	case n.Kind != yaml.ScalarNode:
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		line, column := f.sign(n)
		f.open, f.text = n, line+1
		if at := touchingComment.FindStringIndex(f.rest(line, column)); at != nil {
			f.comments = append(f.comments, place{line + 1, column + at[1]})
		}
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		f.quote(n)
	}
	for _, child := range n.Content {
		f.scalars(child)
	}
}

// loneTag looks for a ! alone before a node. Mostly it is a shell's "not" without
// quotes, and the command would run without it; PyYAML also reads a number in
// quotes behind it as a number. Our parser leaves no trace of it.
func (f *finder) loneTag(n *yaml.Node) {
	column := n.Column - 1
	for line := n.Line - 1; line < len(f.lines); line, column = line+1, 0 {
		rest := f.rest(line, column)
		before := beforeTag.FindString(rest)
		column += utf8.RuneCountInString(before)
		p := place{line + 1, column + 1}
		switch rest = rest[len(before):]; {
		case loneTag.MatchString(rest) && !slices.Contains(f.loneTags, p):
			f.loneTags = append(f.loneTags, p)
			return
		case rest != "" && rest[0] != '#':
			return
		}
	}
}

// closeBlock marks the lines of the block scalar last seen, before those of
// the next node: blank ones and those that are indented as its text is. What
// then comes are comments.
func (f *finder) closeBlock(last int) {
	if f.open == nil {
		return
	}
	written := f.lines[f.text:max(f.text, last)]
	indent := math.MaxInt // no text
	if first := firstText(written); first != nil {
		if value := firstText(runeLines(f.open.Value)); value != nil {
			indent = indentation(first) - indentation(value)
		}
	}
	for i, line := range written {
		if n := indentation(line); n < len(line) && n < indent {
			break
		}
		f.block[f.text+i] = true
	}
	f.open = nil
}

// firstText is the first line with more than blanks, nil if there is none.
func firstText(lines [][]rune) []rune {
	for _, line := range lines {
		if indentation(line) < len(line) {
			return line
		}
	}
	return nil
}

// indentation is the number of blanks that a line begins with.
func indentation(line []rune) int {
	for i, c := range line {
		if c != ' ' {
			return i
		}
	}
	return len(line)
}

func runeLines(text string) (lines [][]rune) {
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, []rune(line))
	}
	return lines
}

// quote marks a quoted scalar from its opening to its closing quote.
func (f *finder) quote(n *yaml.Node) {
	mark := '\''
	if n.Style&yaml.DoubleQuotedStyle != 0 {
		mark = '"'
	}
	line := n.Line - 1
	column := min(n.Column-1, len(f.lines[line])) // see rest
	for !slices.Contains(f.lines[line][column:], mark) {
		if line, column = line+1, 0; line == len(f.lines) {
			return
		}
	}
	column += slices.Index(f.lines[line][column:], mark) // past a tag or an anchor
	for column++; line < len(f.lines); line, column = line+1, 0 {
		for ; column < len(f.lines[line]); column++ {
			c := f.lines[line][column]
			if c == mark && (mark == '"' || !f.follows(line, column, mark)) {
				f.closing[place{line, column}] = true
				return
			}
			f.quoted[line][column] = true
			if c == mark || c == '\\' && mark == '"' {
				if c != mark && f.follows(line, column, '\'') {
					f.escapes = append(f.escapes, place{line + 1, column + 1})
				}
				column++ // an escaped character
				if column < len(f.lines[line]) {
					f.quoted[line][column] = true
				}
			}
		}
	}
}

func (f *finder) follows(line, column int, mark rune) bool {
	return column+1 < len(f.lines[line]) && f.lines[line][column+1] == mark
}

// strayTab is the column of the first tab of a line that stands in no scalar
// and no comment, 0 if there is none.
func (f *finder) strayTab(i int, line []rune) int { return f.stray('\t', i, line) }

// strayMark is the column of a byte order mark, as strayTab is of a tab. It begins
// no line of a block either.
func (f *finder) strayMark(i int, line []rune) int {
	const mark = '\ufeff'
	if len(line) > 0 && line[0] == mark && !f.quoted[i][0] {
		return 1
	}
	return f.stray(mark, i, line)
}

// stray is the column of a character of a line that stands in no scalar and no
// comment, 0 if there is none.
func (f *finder) stray(wanted rune, i int, line []rune) int {
	if f.block[i] {
		return 0
	}
	for j, c := range line {
		switch {
		case f.quoted[i][j]:
		case c == wanted:
			return j + 1
		case c == '#' && (j == 0 || line[j-1] == ' ' || f.closing[place{i, j - 1}]):
			return 0
		}
	}
	return 0
}
