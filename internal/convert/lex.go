// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"fmt"
	"regexp"
	"strings"
)

// segment is a part of a word that is expanded in one way.
type segment struct {
	// text is literal, or source text that only a shell can read (opaque).
	text           string
	quoted, opaque bool
	// name is that of a parameter, $name or ${name operator argument}; all tells
	// "[@]".
	name, operator string
	all            bool
	argument       []segment
}

// word is what a shell expands to words, or to the list of an array.
type word struct {
	segments []segment
	array    []word
	isArray  bool
}

// token is a word or an operator.
type token struct {
	word     word
	operator string // "" for a word
	line     int
}

// syntaxError says where a script cannot be read at all.
type syntaxError struct {
	line int
	text string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

// maxNesting bounds expansions within expansions, and blocks within blocks.
const maxNesting = 100

type lexer struct {
	source    string
	pos, line int
	depth     int
	heredocs  []heredoc
	tokens    []token
}

// heredoc is one whose text begins at the next line.
type heredoc struct {
	end  string
	tabs bool
}

// lex takes a script apart into words and operators.
func lex(source string) ([]token, error) {
	l := &lexer{source: strings.ReplaceAll(source, "\r\n", "\n"), line: 1}
	for l.pos < len(l.source) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	l.operator("\n")
	return l.tokens, nil
}

func (l *lexer) fail(format string, args ...any) error {
	return &syntaxError{l.line, fmt.Sprintf(format, args...)}
}

func (l *lexer) rest() string { return l.source[l.pos:] }

func (l *lexer) has(prefix string) bool { return strings.HasPrefix(l.rest(), prefix) }

// skip moves on over n bytes and counts lines.
func (l *lexer) skip(n int) string {
	text := l.source[l.pos : l.pos+n]
	l.line += strings.Count(text, "\n")
	l.pos += n
	return text
}

func (l *lexer) operator(text string) {
	l.tokens = append(l.tokens, token{operator: text, line: l.line})
}

// operators that end a word, longest first. Those with < and > redirect.
var (
	operators   = []string{"&>>", "<<<", ";;&", "&&", "||", "|&", ";;", ";&", "&>", ">>", ">&", "<&", ">|", "<>", "&", "|", ";", "(", ")", "<", ">"}
	redirection = regexp.MustCompile(`^[0-9]*(?:[<>]|&>)`)
)

func (l *lexer) next() error {
	switch {
	case l.has("\\\n"):
		l.skip(2)
	case l.has(" "), l.has("\t"):
		l.skip(1)
	case l.has("\n"):
		l.operator("\n")
		l.skip(1)
		l.skipHeredocs()
	case l.has("#"):
		if end := strings.IndexByte(l.rest(), '\n'); end >= 0 {
			l.skip(end)
		} else {
			l.skip(len(l.rest()))
		}
	case redirection.MatchString(l.rest()) && !l.has("<(") && !l.has(">("):
		l.skip(len(l.rest()) - len(strings.TrimLeft(l.rest(), "0123456789")))
		return l.redirect()
	case strings.ContainsRune("&|;()", rune(l.source[l.pos])):
		l.skipOperator()
	default:
		return l.readWord()
	}
	return nil
}

func (l *lexer) skipOperator() {
	for _, op := range operators {
		if l.has(op) {
			l.operator(op)
			l.skip(len(op))
			return
		}
	}
}

// redirect leaves the operator for the reader of commands, but takes the end
// mark of a here-document.
func (l *lexer) redirect() error {
	if !l.has("<<") || l.has("<<<") {
		l.skipOperator()
		return nil
	}
	l.skip(2)
	doc := heredoc{tabs: l.has("-")}
	if doc.tabs {
		l.skip(1)
	}
	for l.has(" ") || l.has("\t") {
		l.skip(1)
	}
	start := l.pos
	if _, err := l.wordHere(); err != nil {
		return err
	}
	doc.end = strings.NewReplacer(`'`, "", `"`, "", `\`, "").Replace(l.source[start:l.pos])
	l.heredocs = append(l.heredocs, doc)
	return nil
}

func (l *lexer) skipHeredocs() {
	for _, doc := range l.heredocs {
		for l.pos < len(l.source) {
			line, _, _ := strings.Cut(l.rest(), "\n")
			l.skip(min(len(line)+1, len(l.rest())))
			if doc.tabs {
				line = strings.TrimLeft(line, "\t")
			}
			if line == doc.end {
				break
			}
		}
	}
	l.heredocs = nil
}

func (l *lexer) readWord() error {
	line := l.line
	w, err := l.wordHere()
	if err == nil {
		l.tokens = append(l.tokens, token{word: w, line: line})
	}
	return err
}

var arrayPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\+?=$`)

// wordHere reads a word that begins here.
func (l *lexer) wordHere() (word, error) {
	w := word{}
	for l.pos < len(l.source) && !strings.ContainsRune(" \t\n;&|)<>", rune(l.source[l.pos])) || l.has("<(") || l.has(">(") {
		if l.has("(") {
			if len(w.segments) != 1 || !arrayPattern.MatchString(w.segments[0].text) {
				return w, nil
			}
			var err error
			w.isArray = true
			if w.array, err = l.array(); err != nil {
				return w, err
			}
			continue
		}
		more, err := l.segments(w.segments)
		if err != nil {
			return w, err
		}
		w.segments = more
	}
	return w, nil
}

// array reads "(word …)".
func (l *lexer) array() ([]word, error) {
	if l.depth++; l.depth > maxNesting {
		return nil, l.fail("this is nested too deeply")
	}
	defer func() { l.depth-- }()
	l.skip(1)
	inner := &lexer{source: l.source, pos: l.pos, line: l.line, depth: l.depth}
	for inner.pos < len(inner.source) {
		if inner.has(")") {
			inner.skip(1)
			l.pos, l.line = inner.pos, inner.line
			var words []word
			for _, t := range inner.tokens {
				if t.operator == "" {
					words = append(words, t.word)
				}
			}
			return words, nil
		}
		if err := inner.next(); err != nil {
			return nil, err
		}
	}
	return nil, l.fail("the list that begins with ( has no end")
}
