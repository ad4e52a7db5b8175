// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// yamlDocument parses text as the one YAML document it must be and reports
// all that PyYAML, cloud-init's parser, would refuse or take otherwise than
// written. It returns the root, nil if there is none (only comments), and
// whether the document could be read.
func (r reporter) yamlDocument(text string) (root *yaml.Node, ok bool) {
	if !r.printable(text) {
		return nil, false
	}
	before := len(*r.out)
	text = lineBreaks.Replace(strings.TrimPrefix(text, "\ufeff"))
	read, err := parseText(text)
	if err != nil {
		r.syntaxError(text, err)
		return nil, false
	}
	r.lexical(read)
	if read.root != nil {
		r.plainValue(read.root, read.root)
		r.nodes(read.root)
		r.anchors(read.root, map[string]*yaml.Node{})
	}
	return read.root, len((*r.out)[before:].Errors()) == 0
}

// lineBreaks makes all that ends a line in YAML a newline, so that parser and
// checks count the same lines.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// unspaced is a key whose colon has no blank behind it, which makes one text.
var unspaced = regexp.MustCompile(`^[a-z_-]+:[^\s/]`)

// yamlMapping is yamlDocument for a text whose top level must be a mapping.
// The root is nil if the text is wrong or empty; what names it in messages.
func (r reporter) yamlMapping(text, what string) (root *yaml.Node, ok bool) {
	root, ok = r.yamlDocument(text)
	if !ok || root == nil {
		return nil, ok
	}
	if isNull(root) {
		return nil, true
	}
	if root.Kind != yaml.MappingNode {
		advice := ""
		if unspaced.MatchString(root.Value) {
			advice = "put a blank behind the colon"
		}
		r.fail(at(root), fmt.Sprintf("the top level is a %s, where %s must be a mapping (key: value)", kindName(root), what), advice)
		return nil, false
	}
	return root, true
}

// Two things that PyYAML reads and our parser refuses: a tab as the first
// character of a block scalar, and in [] or {} a key without a blank before its
// value, as in {a:{b: c}}.
const (
	blockTab  = "found a tab character where an indentation space is expected"
	tightPair = "did not find expected ',' or"
)

// maxRefusals bounds the work for texts with many of them: each costs a reading.
const maxRefusals = 100

// reading is what parseText read in place of what was written.
type reading struct {
	// root is nil if there are only comments.
	root *yaml.Node
	// text has the lines of what was written.
	text string
	// tabs are the lines, from 0, that have an x for a tab behind their indentation.
	tabs []int
}

// parseText is parseYAML without these refusals: such a tab is read as an x, and
// the blank is put in. A pair that is wrong to PyYAML stays wrong; whether such
// a tab was part of a block scalar after all is for lexical to see.
func parseText(text string) (read reading, err error) {
	read.text = text
	limit := min(maxRefusals, 1+strings.Count(text, "\t")+strings.Count(text, ":[")+strings.Count(text, ":{"))
	for ; limit > 0; limit-- {
		if read.root, err = parseYAML(strings.NewReader(read.text)); err == nil {
			return read, nil
		}
		stop := &byteReader{text: read.text}
		_, _ = parseYAML(stop)
		switch before := read.text[:stop.read]; {
		case strings.Contains(err.Error(), blockTab):
			tab := strings.LastIndexByte(before, '\t')
			read.text = read.text[:tab] + "x" + read.text[tab+1:]
			read.tabs = append(read.tabs, strings.Count(before[:tab], "\n"))
		case strings.Contains(err.Error(), tightPair):
			colon := max(strings.LastIndex(before, ":["), strings.LastIndex(before, ":{"))
			if colon < 0 {
				return read, err
			}
			read.text = read.text[:colon+1] + " " + read.text[colon+1:]
		default:
			return read, err
		}
	}
	return read, err
}

var errDocuments = errors.New("a second document")

// parseYAML reads a single document; nil means that it is empty.
func parseYAML(in io.Reader) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(in)
	var doc, more yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	switch err := decoder.Decode(&more); {
	case err == nil:
		return nil, errDocuments
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// printable finds control characters that YAML does not allow unescaped
// (PyYAML: "special characters are not allowed").
func (r reporter) printable(text string) bool {
	for i, c := range text {
		switch {
		case c == '\t', c == '\n', c == '\r', c == 0x85, c >= 0x20 && c < 0x7f:
		case c < 0xa0, c == 0xfffe, c == 0xffff:
			r.fail(placeOf(text, i), fmt.Sprintf("the control character U+%04X is not allowed in YAML", c),
				`remove it, or write it as an escape in double quotes ("\x1b")`)
			return false
		}
	}
	return true
}

// field finds a key of a mapping, also in what is merged into it by <<.
func field(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	return fieldOf(mapping, name, map[*yaml.Node]bool{})
}

// fieldOf is field without the mappings seen before: one may be merged into
// itself.
func fieldOf(mapping *yaml.Node, name string, seen map[*yaml.Node]bool) (key, value *yaml.Node) {
	mapping = resolve(mapping)
	if mapping == nil || mapping.Kind != yaml.MappingNode || seen[mapping] {
		return nil, nil
	}
	seen[mapping] = true
	var merged *yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		k := resolve(mapping.Content[i])
		if k.ShortTag() == "!!merge" {
			merged = resolve(mapping.Content[i+1])
		} else if k.Value == name {
			return k, resolve(mapping.Content[i+1])
		}
	}
	if merged == nil || merged.Kind != yaml.SequenceNode {
		return fieldOf(merged, name, seen)
	}
	for _, m := range merged.Content {
		if k, v := fieldOf(m, name, seen); k != nil {
			return k, v
		}
	}
	return nil, nil
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func at(n *yaml.Node) place { return place{n.Line, n.Column} }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// kindName names a node's kind in messages.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "list"
	}
	if isNull(n) {
		return "null value"
	}
	return "plain value"
}
