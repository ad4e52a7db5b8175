// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"
)

// nodes reports what PyYAML's constructor would refuse, and keys given twice.
func (r reporter) nodes(n *yaml.Node) {
	r.tag(n)
	if n.Kind == yaml.MappingNode {
		r.keys(n)
	}
	for i, child := range n.Content {
		if n.Kind == yaml.SequenceNode || i%2 == 1 {
			r.plainValue(n, child)
		}
		r.nodes(child)
	}
}

// anchors reports an anchor that stands twice; first has those seen before.
func (r reporter) anchors(n *yaml.Node, first map[string]*yaml.Node) {
	if n.Anchor != "" {
		if earlier, twice := first[n.Anchor]; twice {
			r.fail(at(n), fmt.Sprintf("the anchor &%s stands twice (first in line %d), which cloud-init's YAML parser refuses", n.Anchor, earlier.Line+r.base), "give one of them another name")
			return
		}
		first[n.Anchor] = n
	}
	for _, child := range n.Content {
		r.anchors(child, first)
	}
}

// plainValue checks a value without quotes, which is no key.
func (r reporter) plainValue(parent, n *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!merge":
		r.fail(at(n), "<< stands for no key, and cloud-init's parser cannot read it", "quote it")
	case !plain(n):
	case n.Value == "=":
		r.fail(at(n), "a bare = is a special value that cloud-init's parser cannot read", "quote it")
	case parent.Style&yaml.FlowStyle != 0 && strings.HasSuffix(n.Value, ":"):
		r.danglingColon(n)
	}
}

// danglingColon: in [] and {}, PyYAML takes what ends in a colon for a key, and
// our parser takes the colon for a part of the text.
func (r reporter) danglingColon(n *yaml.Node) {
	r.fail(at(n), "a colon at the end, which makes the text a key without a value to cloud-init's YAML parser", "quote the text, or give the key a value")
}

// plain says whether a node is a scalar without quotes.
func plain(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Style == 0 }

const bracesAdvice = "quote text in braces; a jinja template needs `## template: jinja` as its first line"

// keys checks the keys of one mapping. The last of two equal keys would win
// without a word.
func (r reporter) keys(n *yaml.Node) {
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := resolve(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			r.fail(at(n.Content[i]), fmt.Sprintf("a %s cannot be a key", kindName(key)), bracesAdvice)
			continue
		}
		// Our parser also loses a bracket behind a ? without a key.
		if plain(key) && key.Value == "" {
			r.fail(at(n.Content[i]), "an empty key", "quote it if it is to be empty text, else write the key before the colon")
			continue
		}
		if value := n.Content[i+1]; n.Style&yaml.FlowStyle != 0 && plain(key) && strings.HasSuffix(key.Value, ":") && plain(value) && value.Value == "" {
			r.danglingColon(n.Content[i])
		}
		if key.ShortTag() == "!!merge" {
			r.merge(key, resolve(n.Content[i+1]))
			continue
		}
		id := key.ShortTag() + " " + key.Value
		if earlier, twice := first[id]; twice {
			r.fail(at(key), fmt.Sprintf("the key %q is given twice (first in line %d); only the last would count", key.Value, earlier.Line+r.base), "merge the two")
			continue
		}
		first[id] = key
	}
}

// merge checks what is merged into a mapping by <<.
func (r reporter) merge(key, value *yaml.Node) {
	merged := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		merged = value.Content
	}
	for _, m := range merged {
		if resolve(m).Kind != yaml.MappingNode {
			r.fail(at(key), "<< merges mappings, and this is none", "write <<: *name of an anchored mapping")
			return
		}
	}
}

// pythonTags are the tags that PyYAML's SafeLoader constructs, and of what.
var pythonTags = map[string]yaml.Kind{
	"!!null": yaml.ScalarNode, "!!bool": yaml.ScalarNode, "!!int": yaml.ScalarNode, "!!float": yaml.ScalarNode,
	"!!binary": yaml.ScalarNode, "!!timestamp": yaml.ScalarNode, "!!str": yaml.ScalarNode,
	"!!python/unicode": yaml.ScalarNode, "!!merge": yaml.ScalarNode,
	"!!seq": yaml.SequenceNode, "!!omap": yaml.SequenceNode, "!!pairs": yaml.SequenceNode,
	"!!map": yaml.MappingNode, "!!set": yaml.MappingNode,
}

// tag checks that a node's tag is known and fits what it stands before.
func (r reporter) tag(n *yaml.Node) {
	tag := n.ShortTag()
	if n.Kind == yaml.AliasNode || tag == "!" || tag == "" {
		return
	}
	kind, known := pythonTags[tag]
	switch {
	case !known:
		r.fail(at(n), fmt.Sprintf("cloud-init does not know the tag %s", tag), "remove it, or quote the text that begins with !")
	case kind != n.Kind:
		r.fail(at(n), fmt.Sprintf("the tag %s before a %s", tag, kindName(n)), "remove it")
	case tag == "!!binary" && !base64Like(n.Value):
		r.fail(at(n), "text that is not base64 after !!binary", "encode it again")
	case tag == "!!omap", tag == "!!pairs":
		r.pairs(n)
	case plain(n) && digitless.MatchString(n.Value):
		r.fail(at(n), "a number without digits, which cloud-init's parser cannot read", "quote it if it is no number")
	case n.Style == 0 && badDate(n.Value):
		r.fail(at(n), "a date that does not exist, which cloud-init's parser cannot read", "quote it if it is no date")
	}
}

// pairs checks the items of an ordered mapping.
func (r reporter) pairs(n *yaml.Node) {
	for _, item := range n.Content {
		if item = resolve(item); item.Kind != yaml.MappingNode || len(item.Content) != 2 {
			r.fail(at(item), "an item of an ordered mapping that is not one key with its value", "write `- key: value`")
			return
		}
	}
}

// base64Like judges as Python's binascii does: what of ASCII is not in the
// alphabet is skipped, and what follows enough padding is not looked at.
func base64Like(text string) bool {
	if strings.ContainsFunc(text, func(c rune) bool { return c > unicode.MaxASCII }) {
		return false
	}
	digits, padding := 0, 0 // in the group of four
	for _, c := range text {
		switch {
		case c == '=' && digits >= 2:
			if padding++; digits+padding == 4 {
				return true
			}
		case c == '+', c == '/', '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z':
			digits, padding = (digits+1)%4, 0
		}
	}
	return digits == 0
}

// digitless looks like a binary or hexadecimal number to PyYAML, which then fails.
var digitless = regexp.MustCompile(`^[-+]?0[bx]_+$`)

var dateLike = regexp.MustCompile(`^(\d{4}-\d\d?-\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?:\d\d:\d\d)(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)?$`)

// badDate finds what looks like a timestamp and is none. Without a time, only
// two-digit months and days look like one.
func badDate(text string) bool {
	m := dateLike.FindStringSubmatch(text)
	if m == nil || m[2] == "" && len(m[1]) < len("2006-01-02") {
		return false
	}
	if day, err := time.Parse("2006-1-2", m[1]); err != nil || day.Year() == 0 {
		return true
	}
	_, err := time.Parse("15:04:05", m[2])
	return m[2] != "" && err != nil
}
