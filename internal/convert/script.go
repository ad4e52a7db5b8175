// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// block is what stands between if and fi, do and done, and so on.
type block struct {
	kind string // if, loop, case, group, function, subshell
	// before has what changed inside, as it was before; touched what another
	// branch changed.
	before  map[string]value
	touched map[string]bool
}

// script reads commands one after the other and remembers what they set.
type script struct {
	scope
	file   string
	line   int
	blocks []block
	// allExported is in effect after "set -a".
	allExported bool
	// maybe tells that "||", or "&&" behind a test, stands before the command.
	maybe    bool
	previous string // the command before
	function bool   // the next group is the body of one
	moved    bool   // cd was called
	found    []Invocation
	said     messages
}

// readScript finds the calls of disk-image-create in a script.
func readScript(file, source string) ([]Invocation, messages, error) {
	s := &script{file: file, scope: scope{values: map[string]value{}, budget: largestExpansion}}
	s.scope.set = s.assign
	s.scope.unset = s.tellUnset
	if err := s.run(source); err != nil {
		if wrong := (*syntaxError)(nil); errors.As(err, &wrong) {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		return nil, nil, fmt.Errorf("%s: line %d: %w", file, s.line, err)
	}
	return s.found, s.said, nil
}

func (s *script) where() string { return fmt.Sprintf("%s:%d", s.file, s.line) }

func (s *script) tell(level Level, format string, args ...any) {
	s.said.add(level, s.where(), format, args...)
}

func (s *script) tellUnset(name, instead string) {
	s.tell(Note, "$%s is not set in the script, so the value written for that case is taken: %q", name, asWritten(instead))
}

// remember notes for the block what a variable was.
func (s *script) remember(name string) {
	if n := len(s.blocks); n > 0 {
		if _, noted := s.blocks[n-1].before[name]; !noted {
			s.blocks[n-1].before[name] = s.values[name]
		}
	}
}

// forget is unset.
func (s *script) forget(name string) {
	s.remember(name)
	if s.maybe {
		s.values[name] = uncertain(name, s.values[name])
		return
	}
	s.values[name] = value{}
}

// assign sets a variable.
func (s *script) assign(name string, v value) {
	s.remember(name)
	old := s.values[name]
	v.exported = v.exported || old.exported || s.allExported
	if old.array && !v.array {
		// Without an index, the first of an array is meant.
		v.array = true
		v.list = append([]string{v.text()}, old.list[min(1, len(old.list)):]...)
	}
	if s.maybe {
		v = uncertain(name, v)
	}
	s.values[name] = v
}

// uncertain is the value of a variable of which only a run can tell it.
func uncertain(name string, v value) value {
	return value{list: []string{unreadable + "$" + name + unreadable}, set: true, exported: v.exported}
}

func (s *script) run(source string) error {
	tokens, err := lex(source)
	if err != nil {
		return err
	}
	var words []word
	line := 0
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case t.operator == "":
			if len(words) == 0 {
				line = t.line
			}
			words = append(words, t.word)
		case strings.ContainsAny(t.operator, "<>"):
			if i+1 < len(tokens) && tokens[i+1].operator == "" {
				i++ // the file
			}
		case t.operator == "(" && len(words) == 1 && i+1 < len(tokens) && tokens[i+1].operator == ")":
			words, s.function = nil, true
			i++
		default:
			s.line = max(line, 1)
			if len(words) == 0 {
				s.line = t.line
			}
			if err := s.end(words, t.operator); err != nil {
				return err
			}
			words = nil
		}
	}
	return nil
}

// end carries out a command that an operator ends.
func (s *script) end(words []word, operator string) error {
	pattern := operator == ")" && len(s.blocks) > 0 && s.blocks[len(s.blocks)-1].kind == "case"
	if !pattern {
		rest, err := s.reserved(words)
		if err == nil && len(rest) > 0 {
			err = s.command(rest)
		}
		if err != nil {
			return err
		}
	}
	switch operator {
	case "(":
		return s.open("subshell")
	case ")":
		if !pattern {
			s.close("subshell")
		}
	case ";;", ";&", ";;&":
		s.branch()
	}
	switch {
	case operator == "||":
		s.maybe = true
	case operator == "&&":
		s.maybe = s.maybe || slices.Contains([]string{"[", "[[", "test", "grep", "command", "which", "type", "false"}, s.previous)
	case operator != "|" && operator != "|&":
		s.maybe = false
	}
	return nil
}

func (s *script) open(kind string) error {
	if len(s.blocks) >= maxNesting {
		return errors.New("blocks are nested too deeply")
	}
	s.blocks = append(s.blocks, block{kind, map[string]value{}, map[string]bool{}})
	return nil
}

// branch ends one of several branches: each begins with what was before all.
func (s *script) branch() {
	n := len(s.blocks)
	if n == 0 {
		return
	}
	for name, old := range s.blocks[n-1].before {
		s.blocks[n-1].touched[name] = true
		s.values[name] = old
	}
}

// close ends the innermost block. What it changed holds behind it only if it ran.
func (s *script) close(kind string) {
	n := len(s.blocks)
	if n == 0 || (kind == "subshell") != (s.blocks[n-1].kind == "subshell") {
		return
	}
	b := s.blocks[n-1]
	s.blocks = s.blocks[:n-1]
	for name, old := range b.before {
		switch {
		case b.kind == "subshell":
			s.values[name] = old
		case b.kind == "group":
		case !slices.Equal(s.values[name].list, old.list) || s.values[name].exported != old.exported || b.touched[name]:
			s.values[name] = uncertain(name, value{exported: old.exported || s.values[name].exported})
		}
		if n > 1 {
			if _, noted := s.blocks[n-2].before[name]; !noted {
				s.blocks[n-2].before[name] = old
			}
		}
	}
}

// reserved takes the shell's own words off the front of a command.
func (s *script) reserved(words []word) ([]word, error) {
	for len(words) > 0 {
		first := bare(words[0])
		switch first {
		case "!", "then", "do", "time":
		case "if":
			if err := s.open("if"); err != nil {
				return nil, err
			}
		case "while", "until":
			if err := s.open("loop"); err != nil {
				return nil, err
			}
		case "elif", "else":
			s.branch()
		case "for", "select", "case":
			return nil, s.header(first, words)
		case "{":
			kind := map[bool]string{true: "function", false: "group"}[s.function]
			s.function = false
			if err := s.open(kind); err != nil {
				return nil, err
			}
		case "fi", "done", "esac", "}":
			s.close(first)
		case "function":
			s.function = true
			words = words[min(1, len(words)-1):]
		default:
			return words, nil
		}
		words = words[1:]
	}
	return nil, nil
}

// header begins a loop over words, or a case: its words are no command.
func (s *script) header(kind string, words []word) error {
	if kind == "case" {
		return s.open("case")
	}
	err := s.open("loop")
	if len(words) > 1 {
		if name := bare(words[1]); namePattern.FindString(name) == name && name != "" {
			s.assign(name, uncertain(name, s.values[name]))
		}
	}
	return err
}

// bare is a word without quotes and expansions, else empty.
func bare(w word) string {
	if len(w.segments) == 1 && w.segments[0].name == "" && !w.segments[0].quoted && !w.segments[0].opaque && !w.isArray {
		return w.segments[0].text
	}
	return ""
}

var assignmentPattern = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(\+?)=`)

// assignment is "NAME=value" taken apart.
type assignment struct {
	name string
	v    value
}

// assignment reads a word that is one.
func (s *script) assignment(w word) (assignment, bool, error) {
	if len(w.segments) == 0 || w.segments[0].name != "" || w.segments[0].quoted || w.segments[0].opaque {
		return assignment{}, false, nil
	}
	match := assignmentPattern.FindStringSubmatch(w.segments[0].text)
	if match == nil {
		return assignment{}, false, nil
	}
	a := assignment{name: match[1], v: value{set: true, array: w.isArray}}
	if w.isArray {
		for _, item := range w.array {
			list, err := s.fields(item)
			if err != nil {
				return a, true, err
			}
			a.v.list = append(a.v.list, list...)
		}
	} else {
		segments := slices.Clone(w.segments)
		segments[0].text = segments[0].text[len(match[0]):]
		t, err := s.single(segments)
		if err != nil {
			return a, true, err
		}
		a.v.list = []string{t}
	}
	if match[2] == "+" {
		return a, true, s.appendTo(&a, w.isArray)
	}
	return a, true, nil
}

// appendTo makes the value of "+=".
func (s *script) appendTo(a *assignment, list bool) error {
	old, added := s.values[a.name], a.v.text()
	a.v.list = slices.Concat(old.list, a.v.list)
	if !list {
		a.v.list = append([]string{old.text() + added}, old.list[min(1, len(old.list)):]...)
	}
	for _, t := range a.v.list {
		s.budget -= len(t) + perText
	}
	if s.budget < 0 {
		return errTooLarge
	}
	return nil
}

// base is the name of a program without its directory.
func base(t string) string { return path.Base(t) }
