// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// kind is what a value of a data file is, in the eyes of YAML 1.1.
type kind int

const (
	kindNull kind = iota
	kindBool
	kindInt
	kindFloat
	kindString
	kindOther // a timestamp or a tagged scalar
	kindList
	kindMap
)

func (k kind) String() string {
	return [...]string{"nothing", "a boolean", "an integer", "a number", "a string", "a special value", "a list", "a map"}[k]
}

// value is a piece of a JSON or YAML file. Maps keep the order of the file.
type value struct {
	kind kind
	// text is a scalar as Python's str() shows it, which is what elements'
	// values are compared with (element contract §4, quirk 36).
	text  string
	items []value // of a list
	pairs []pair  // of a map
	twice []value // keys of a map that took the place of earlier ones of their name
	line  int     // where it stands in its file, from 1; a key's for an entry of a map
}

type pair struct{ key, value value }

// get returns the value of a string key.
func (v value) get(key string) (value, bool) {
	for _, p := range v.pairs {
		if p.key.kind == kindString && p.key.text == key {
			return p.value, true
		}
	}
	return value{}, false
}

// put sets a key and tells whether it was set before; as in a Python dictionary
// the last value wins and the first place stays.
func (v *value) put(key, val value) bool {
	for i, p := range v.pairs {
		if p.key.kind == key.kind && p.key.text == key.text {
			v.pairs[i].value = val
			return true
		}
	}
	v.pairs = append(v.pairs, pair{key, val})
	return false
}

// empty says whether Python takes the value for false.
func (v value) empty() bool {
	switch v.kind {
	case kindNull:
		return true
	case kindBool:
		return v.text == "False"
	case kindInt:
		return v.text == "0"
	case kindFloat:
		return strings.Trim(v.text, "-0.") == ""
	case kindList:
		return len(v.items) == 0
	case kindMap:
		return len(v.pairs) == 0
	}
	return v.text == ""
}

// readValue reads a file as JSON and, if it is none, as YAML 1.1, which is how
// package-installs files are read whatever they are called (element contract §4.1).
func readValue(file string) (value, error) {
	doc, err := os.ReadFile(file)
	if err != nil {
		return value{}, err
	}
	v, err := parseValue(file, doc)
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// parseValue is readValue for the content of the file of that name.
func parseValue(name string, doc []byte) (value, error) {
	v, jsonErr := parseJSON(doc)
	if jsonErr == nil {
		return v, nil
	}
	v, err := parseYAML(doc)
	if err != nil && strings.HasSuffix(name, ".json") {
		err = fmt.Errorf("as JSON: %w; as YAML: %w", jsonErr, err)
	}
	return v, err
}

// parseJSON reads one JSON document with the order of its maps.
func parseJSON(doc []byte) (value, error) {
	r := &jsonReader{Decoder: json.NewDecoder(bytes.NewReader(doc)), doc: doc, line: 1}
	r.UseNumber()
	v, err := r.value(0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return value{}, err
	}
	if _, err := r.Token(); !errors.Is(err, io.EOF) {
		return value{}, errors.New("more text after the end of the JSON document")
	}
	return v, nil
}

// maxDepth bounds nesting; real files have three levels.
const maxDepth = 64

// jsonReader is a decoder that knows the line it is in.
type jsonReader struct {
	*json.Decoder
	doc  []byte
	line int
	seen int64 // offset up to which lines are counted
}

// token returns the next token and the line at whose end it is.
func (r *jsonReader) token() (json.Token, int, error) {
	token, err := r.Token()
	end := r.InputOffset()
	r.line += bytes.Count(r.doc[r.seen:end], []byte("\n"))
	r.seen = end
	return token, r.line, err
}

func (r *jsonReader) value(depth int) (v value, err error) {
	if depth > maxDepth {
		return value{}, errors.New("nested too deeply")
	}
	token, line, err := r.token()
	if err != nil {
		return value{}, err
	}
	switch t := token.(type) {
	case nil:
		v = value{kind: kindNull, text: "None"}
	case bool:
		v = boolean(t)
	case string:
		v = value{kind: kindString, text: t}
	case json.Number:
		v = number(t.String())
	case json.Delim:
		if t == '[' {
			v, err = r.list(depth)
		} else {
			v, err = r.object(depth)
		}
	default:
		err = fmt.Errorf("unexpected %v", token)
	}
	v.line = line
	return v, err
}

func (r *jsonReader) list(depth int) (value, error) {
	list := value{kind: kindList}
	for r.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		list.items = append(list.items, item)
	}
	_, _, err := r.token()
	return list, err
}

func (r *jsonReader) object(depth int) (value, error) {
	m := value{kind: kindMap}
	for r.More() {
		key, err := r.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		val, err := r.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		if m.put(key, val) {
			m.twice = append(m.twice, key)
		}
	}
	_, _, err := r.token()
	return m, err
}
