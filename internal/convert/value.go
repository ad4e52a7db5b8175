// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"errors"
	"strings"
)

// value is what a script set a variable to.
type value struct {
	list     []string // one text unless it is an array
	exported bool
	set      bool
	array    bool // shells export no arrays
}

func text(t string) value { return value{list: []string{t}, set: true} }

func (v value) text() string { return strings.Join(v.list[:min(1, len(v.list))], "") }

// errTooLarge: doubling a variable over and over would fill any memory.
var errTooLarge = errors.New("the script makes texts too large to be read")

// largestExpansion bounds the bytes that all expansions of a script give; each
// text counts for perText more.
const (
	largestExpansion = 16 << 20
	perText          = 16
)

// scope expands words with the variables of a script.
type scope struct {
	values map[string]value
	// set changes a variable; unset is told of one that nothing sets, in the
	// place of which a default is taken.
	set    func(name string, v value)
	unset  func(name, instead string)
	budget int
}

// fields expands a word to words, as a shell does for arguments.
func (s *scope) fields(w word) ([]string, error) {
	f := fields{scope: s}
	if err := f.add(w.segments); err != nil {
		return nil, err
	}
	f.end()
	return f.done, nil
}

// single expands a word without splitting, as a shell does in assignments.
func (s *scope) single(segments []segment) (string, error) {
	var b strings.Builder
	for _, part := range segments {
		list, err := s.expand(part)
		if err != nil {
			return "", err
		}
		b.WriteString(strings.Join(list, " "))
	}
	return b.String(), nil
}

// expand gives the texts of a segment: several only for "${array[@]}".
func (s *scope) expand(part segment) ([]string, error) {
	list, err := s.texts(part)
	for _, t := range list {
		s.budget -= len(t) + perText
	}
	if err == nil && s.budget < 0 {
		err = errTooLarge
	}
	return list, err
}

func (s *scope) texts(part segment) ([]string, error) {
	switch {
	case part.opaque:
		return []string{unreadable + strings.ReplaceAll(part.text, unreadable, "") + unreadable}, nil
	case part.name == "":
		return []string{part.text}, nil
	}
	v := s.values[part.name]
	list := v.list
	if !part.all && v.set {
		list = []string{v.text()}
	}
	// With a colon in front, empty is as good as unset.
	has := v.set && (!strings.HasPrefix(part.operator, ":") || v.text() != "")
	operator := strings.TrimPrefix(part.operator, ":")
	switch {
	case operator == "+" && has:
		return s.argument(part)
	case has && operator != "+":
		return list, nil
	case operator == "+":
		return nil, nil
	case operator == "-" || operator == "=":
		instead, err := s.argument(part)
		if err != nil {
			return nil, err
		}
		if !v.set && standing(part.name) == "" {
			s.unset(part.name, strings.Join(instead, ""))
		}
		if operator == "=" {
			s.set(part.name, value{list: instead, set: true, exported: v.exported})
		}
		return instead, nil
	case v.set:
		return list, nil
	}
	if mark := standing(part.name); mark != "" {
		return []string{mark}, nil
	}
	return []string{variable + part.name + variable}, nil
}

func (s *scope) argument(part segment) ([]string, error) {
	t, err := s.single(part.argument)
	return []string{t}, err
}

// standing is the mark of a variable that every shell has.
func standing(name string) string {
	return map[string]string{"PWD": workingDirectory, "HOME": homeDirectory}[name]
}

// fields collects words.
type fields struct {
	scope *scope
	done  []string
	now   strings.Builder
	open  bool // a word has begun, be it empty
}

func (f *fields) end() {
	if f.open {
		f.done = append(f.done, f.now.String())
	}
	f.now.Reset()
	f.open = false
}

func (f *fields) add(segments []segment) error {
	for _, part := range segments {
		list, err := f.scope.expand(part)
		if err != nil {
			return err
		}
		for i, t := range list {
			if i > 0 && part.all {
				f.end()
			}
			if part.quoted || part.name == "" {
				f.now.WriteString(t)
				f.open = true
				continue
			}
			f.split(t)
		}
	}
	return nil
}

// split adds an unquoted value, of which blanks make several words. What only
// a shell can read stays in one piece.
func (f *fields) split(t string) {
	inside := false
	for _, r := range t {
		if string(r) == unreadable {
			inside = !inside
		}
		if !inside && strings.ContainsRune(" \t\n", r) {
			f.end()
			continue
		}
		f.now.WriteRune(r)
		f.open = true
	}
}
