// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"regexp"
	"strings"
)

// segments reads what stands here of a word and adds it.
func (l *lexer) segments(into []segment) ([]segment, error) {
	switch {
	case l.has("\\\n"):
		l.skip(2)
		return into, nil
	case l.has("\\"):
		l.skip(1)
		if l.pos == len(l.source) {
			return literal(into, "\\", true), nil
		}
		return literal(into, l.rune(), true), nil
	case l.has("'"):
		end := strings.IndexByte(l.rest()[1:], '\'')
		if end < 0 {
			return nil, l.fail("a single quote (') has no end")
		}
		text := l.skip(end + 2)
		return literal(into, text[1:len(text)-1], true), nil
	case l.has(`"`):
		return l.doubleQuoted(into)
	case l.has("$"), l.has("`"):
		return l.expansion(into, false)
	case l.has("<("), l.has(">("):
		text, err := l.balanced(1, '(', ')')
		return append(into, segment{text: text, opaque: true}), err
	}
	if brace := bracePattern.FindString(l.rest()); brace != "" {
		return append(into, segment{text: l.skip(len(brace)), opaque: true}), nil
	}
	if tilde := tildePattern.FindString(l.rest()); tilde != "" && tildeCounts(into) {
		if l.skip(len(tilde)); len(tilde) > 1 {
			return append(into, segment{text: tilde, opaque: true}), nil
		}
		return append(into, segment{text: homeDirectory, quoted: true}), nil
	}
	return literal(into, l.ordinary(), false), nil
}

// ordinary takes a character, with those that follow as long as they mean
// nothing to a shell.
func (l *lexer) ordinary() string {
	first := len(l.rune())
	l.pos -= first // an ordinary character is no line's end
	end := strings.IndexAny(l.rest()[first:], " \t\n;&|()<>\\'\"$`{}~")
	if end < 0 {
		return l.skip(len(l.rest()))
	}
	return l.skip(first + end)
}

var (
	// bracePattern is what a shell makes several words of.
	bracePattern = regexp.MustCompile(`^\{[^\s{}'"$]*(?:,|\.\.)[^\s{}'"$]*\}`)
	tildePattern = regexp.MustCompile(`^~[A-Za-z0-9_.-]*`)
	// assignmentStart is what a word must begin with to be an assignment.
	assignmentStart = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\+?=`)
)

// tildeCounts: a tilde means a directory at the beginning of a word, and in an
// assignment after "=" and ":".
func tildeCounts(before []segment) bool {
	if len(before) == 0 {
		return true
	}
	last := before[len(before)-1]
	return !last.quoted && assignmentStart.MatchString(before[0].text) && (strings.HasSuffix(last.text, "=") || strings.HasSuffix(last.text, ":"))
}

// rune takes one character.
func (l *lexer) rune() string {
	for i := range l.rest() {
		if i > 0 {
			return l.skip(i)
		}
	}
	return l.skip(len(l.rest()))
}

// longSegment is where literals are no longer joined, which would take time in
// the square of their length.
const longSegment = 1024

// literal adds text, to the last segment if that is of the same kind.
func literal(into []segment, text string, quoted bool) []segment {
	if n := len(into); n > 0 && len(into[n-1].text) < longSegment && into[n-1].name == "" && !into[n-1].opaque && into[n-1].quoted == quoted {
		into[n-1].text += text
		return into
	}
	return append(into, segment{text: text, quoted: quoted})
}

func (l *lexer) doubleQuoted(into []segment) ([]segment, error) {
	begin := l.line
	l.skip(1)
	into = append(into, segment{quoted: true}) // "" is a word, too
	var err error
	for l.pos < len(l.source) {
		switch {
		case l.has(`"`):
			l.skip(1)
			return into, nil
		case l.has("\\\n"):
			l.skip(2)
		case l.has("\\$"), l.has("\\`"), l.has(`\"`), l.has(`\\`):
			into = literal(into, l.skip(2)[1:], true)
		case l.has("$"), l.has("`"):
			if into, err = l.expansion(into, true); err != nil {
				return nil, err
			}
		default:
			end := strings.IndexAny(l.rest()[1:], "\\\"$`")
			if end < 0 {
				end = len(l.rest()) - 1
			}
			into = literal(into, l.skip(end+1), true)
		}
	}
	return nil, &syntaxError{begin, `a double quote (") has no end`}
}

var (
	namePattern      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
	parameterPattern = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(\[[@*]\])?(\}|:?[-=+?])`)
	specialPattern   = regexp.MustCompile(`^\$[0-9@*#?$!-]`)
	pwdPattern       = regexp.MustCompile("^(?:\\$\\(\\s*pwd\\s*\\)|`\\s*pwd\\s*`)$")
)

// expansion reads what begins with "$" or a backtick.
func (l *lexer) expansion(into []segment, quoted bool) ([]segment, error) {
	if l.depth++; l.depth > maxNesting {
		return nil, l.fail("this is nested too deeply")
	}
	defer func() { l.depth-- }()
	switch {
	case l.has("`"):
		end := strings.IndexByte(l.rest()[1:], '`')
		if end < 0 {
			return nil, l.fail("a backtick (`) has no end")
		}
		return append(into, substitution(l.skip(end+2), quoted)), nil
	case l.has("$("):
		text, err := l.balanced(1, '(', ')')
		return append(into, substitution(text, quoted)), err
	case l.has("${"):
		return l.parameter(into, quoted)
	case specialPattern.MatchString(l.rest()):
		return append(into, segment{text: l.skip(2), quoted: quoted, opaque: true}), nil
	case l.has("$'") && !quoted:
		end := strings.IndexByte(l.rest()[2:], '\'')
		if end < 0 {
			return nil, l.fail("a single quote (') has no end")
		}
		text := l.skip(end + 3)
		return append(into, segment{text: text[2 : len(text)-1], quoted: true, opaque: strings.Contains(text, `\`)}), nil
	case l.has(`$"`) && !quoted:
		l.skip(1)
		return into, nil
	}
	l.skip(1)
	if name := namePattern.FindString(l.rest()); name != "" {
		l.skip(len(name))
		return append(into, segment{name: name, quoted: quoted}), nil
	}
	return literal(into, "$", quoted), nil
}

// substitution is a command substitution, of which only pwd has an equal.
func substitution(text string, quoted bool) segment {
	if pwdPattern.MatchString(text) {
		return segment{text: workingDirectory, quoted: true}
	}
	return segment{text: text, quoted: quoted, opaque: true}
}

// parameter reads "${…}".
func (l *lexer) parameter(into []segment, quoted bool) ([]segment, error) {
	match := parameterPattern.FindStringSubmatch(l.rest())
	if match == nil {
		text, err := l.balanced(1, '{', '}')
		return append(into, segment{text: text, quoted: quoted, opaque: true}), err
	}
	s := segment{name: match[1], all: match[2] != "", quoted: quoted}
	l.skip(len(match[0]))
	if match[3] == "}" {
		return append(into, s), nil
	}
	s.operator = match[3]
	begin := l.line
	var err error
	for l.pos < len(l.source) {
		switch {
		case l.has("}"):
			l.skip(1)
			return append(into, s), nil
		case quoted && !l.has("$") && !l.has("`") && !l.has(`\`) && !l.has(`"`):
			s.argument = literal(s.argument, l.rune(), true)
		default:
			if s.argument, err = l.segments(s.argument); err != nil {
				return nil, err
			}
		}
	}
	return nil, &syntaxError{begin, "${" + s.name + " has no }"}
}

// balanced reads from here, where after some characters a bracket opens, to
// the bracket that closes it.
func (l *lexer) balanced(before int, opening, closing byte) (string, error) {
	text, depth := l.rest(), 0
	var quote byte
	for i := before; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == opening:
			depth++
		case c == closing:
			if depth--; depth == 0 {
				return l.skip(i + 1), nil
			}
		}
	}
	return "", l.fail("%s has no end", firstLine(text))
}

// firstLine is the beginning of a text, for messages.
func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "…"
	}
	return text
}
