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

// put sets a key; as in a Python dictionary the last value wins and the first
// place stays.
func (v *value) put(key, val value) {
	for i, p := range v.pairs {
		if p.key.kind == key.kind && p.key.text == key.text {
			v.pairs[i].value = val
			return
		}
	}
	v.pairs = append(v.pairs, pair{key, val})
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
	v, jsonErr := parseJSON(doc)
	if jsonErr == nil {
		return v, nil
	}
	v, err = parseYAML(doc)
	if err != nil && strings.HasSuffix(file, ".json") {
		err = fmt.Errorf("as JSON: %w; as YAML: %w", jsonErr, err)
	}
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// parseJSON reads one JSON document with the order of its maps.
func parseJSON(doc []byte) (value, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	v, err := decodeJSON(dec, 0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return value{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return value{}, errors.New("more text after the end of the JSON document")
	}
	return v, nil
}

// maxDepth bounds nesting; real files have three levels.
const maxDepth = 64

func decodeJSON(dec *json.Decoder, depth int) (value, error) {
	if depth > maxDepth {
		return value{}, errors.New("nested too deeply")
	}
	token, err := dec.Token()
	if err != nil {
		return value{}, err
	}
	switch t := token.(type) {
	case nil:
		return value{kind: kindNull, text: "None"}, nil
	case bool:
		return boolean(t), nil
	case string:
		return value{kind: kindString, text: t}, nil
	case json.Number:
		return number(t.String()), nil
	case json.Delim:
		if t == '[' {
			return decodeJSONList(dec, depth)
		}
		return decodeJSONMap(dec, depth)
	}
	return value{}, fmt.Errorf("unexpected %v", token)
}

func decodeJSONList(dec *json.Decoder, depth int) (value, error) {
	list := value{kind: kindList}
	for dec.More() {
		item, err := decodeJSON(dec, depth+1)
		if err != nil {
			return value{}, err
		}
		list.items = append(list.items, item)
	}
	_, err := dec.Token()
	return list, err
}

func decodeJSONMap(dec *json.Decoder, depth int) (value, error) {
	m := value{kind: kindMap}
	for dec.More() {
		key, err := decodeJSON(dec, depth+1)
		if err != nil {
			return value{}, err
		}
		val, err := decodeJSON(dec, depth+1)
		if err != nil {
			return value{}, err
		}
		m.put(key, val)
	}
	_, err := dec.Token()
	return m, err
}
