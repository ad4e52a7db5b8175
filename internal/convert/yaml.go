// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// property is a key of an entry of a diskimage-builder file (reference §1.4).
type property struct {
	key string
	// option is what it becomes; "" for ramdisk and environment, and for
	// elements, which are operands.
	option string
	kind   propertyKind
	// words are those that are allowed, if there is a choice.
	words []string
}

type propertyKind int

const (
	oneText propertyKind = iota
	yesNo
	number
	repeated
	list
	texts
)

// properties are in the order in which diskimage-builder makes options of them.
func properties() []property {
	return []property{
		{"imagename", "-o", oneText, nil},
		{"arch", "-a", oneText, strings.Fields("aarch64 amd64 arm64 armhf powerpc ppc64 ppc64el ppc64le s390x x86_64")},
		{"types", "-t", list, strings.Fields("qcow2 tar tgz squashfs vhd docker aci raw")},
		{"environment", "", texts, nil},
		{"ramdisk", "", yesNo, nil},
		{"debug-trace", "-x", repeated, nil},
		{"uncompressed", "-u", yesNo, nil},
		{"clear", "-c", yesNo, nil},
		{"logfile", "--logfile", oneText, nil},
		{"checksum", "--checksum", yesNo, nil},
		{"image-size", "--image-size", number, nil},
		{"image-extra-size", "--image-extra-size", number, nil},
		{"image-cache", "--image-cache", oneText, nil},
		{"max-online-resize", "--max-online-resize", number, nil},
		{"min-tmpfs", "--min-tmpfs", number, nil},
		{"mkfs-journal-size", "--mkfs-journal-size", number, nil},
		{"mkfs-options", "--mkfs-options", oneText, nil},
		{"no-tmpfs", "--no-tmpfs", yesNo, nil},
		{"offline", "--offline", yesNo, nil},
		{"qemu-img-options", "--qemu-img-options", texts, nil},
		{"root-label", "--root-label", oneText, nil},
		{"ramdisk-element", "--ramdisk-element", oneText, nil},
		{"install-type", "--install-type", oneText, strings.Fields("source package")},
		{"docker-target", "--docker-target", oneText, nil},
		{"packages", "-p", list, nil},
		{"skip-base", "-n", yesNo, nil},
		{"elements", "", list, nil},
	}
}

func propertyNames() []string {
	var names []string
	for _, p := range properties() {
		names = append(names, p.key)
	}
	return names
}

// setting is the value of a property.
type setting struct {
	words []string   // a text, number or list; "true" for yes
	pairs []Variable // of a map, in its order
}

// entry is an item of the file: an image, or a part of one.
type entry struct {
	where    string
	settings map[string]setting
}

// entryReader collects every mistake of a file.
type entryReader struct {
	file  string
	wrong []error
}

func (r *entryReader) fail(n *yaml.Node, format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Errorf("%s:%d: %s", r.file, n.Line, fmt.Sprintf(format, args...)))
}

// readEntries reads a YAML file of diskimage-builder.
func readEntries(file, source string) ([]entry, error) {
	var document yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(source))
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	r := &entryReader{file: file}
	if document.Kind == 0 || document.Content[0].Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("%s: it is not a list of images; each begins with \"- imagename: …\"", file)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: there is a second document in it; diskimage-builder reads one per file", file)
	}
	var entries []entry
	for _, n := range document.Content[0].Content {
		n = target(n)
		if n.Kind != yaml.MappingNode {
			r.fail(n, "%q is not an image; write \"imagename: …\" and the like", firstLine(n.Value))
			continue
		}
		if len(entries) == maxImages {
			return nil, errTooMany
		}
		entries = append(entries, r.entry(n))
	}
	return entries, errors.Join(r.wrong...)
}

// target follows an alias; yaml.v3 lets none lead to itself from a scalar or
// list of scalars, which is all that is read here.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (r *entryReader) entry(n *yaml.Node) entry {
	e := entry{where: fmt.Sprintf("%s:%d", r.file, n.Line), settings: map[string]setting{}}
	pairs, err := flattened(n, 0)
	if err != nil {
		r.fail(n, "%v", err)
	}
	for _, pair := range pairs {
		at := slices.IndexFunc(properties(), func(p property) bool { return p.key == pair.key.Value })
		if at < 0 {
			r.fail(pair.key, "%q is not a key of diskimage-builder%s", pair.key.Value, nearest.Hint(pair.key.Value, propertyNames()))
			continue
		}
		e.settings[pair.key.Value] = r.setting(properties()[at], target(pair.value))
	}
	return e
}

// pair is a key of a map and its value.
type pair struct{ key, value *yaml.Node }

// flattened lists the keys of a map, those that "<<" merges in first.
func flattened(n *yaml.Node, depth int) ([]pair, error) {
	n = target(n)
	if depth > 10 || n.Kind != yaml.MappingNode {
		return nil, errors.New("what \"<<\" merges in is not a map, or too deep")
	}
	var merged, own []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag != "!!merge" {
			own = append(own, pair{key, value})
			continue
		}
		sources := []*yaml.Node{value}
		if target(value).Kind == yaml.SequenceNode {
			sources = slices.Clone(target(value).Content)
			slices.Reverse(sources) // earlier ones win
		}
		for _, source := range sources {
			more, err := flattened(source, depth+1)
			if err != nil {
				return nil, err
			}
			if merged = append(merged, more...); len(merged) > 10000 {
				return nil, errors.New("what \"<<\" merges in is too large")
			}
		}
	}
	return append(merged, own...), nil
}

func (r *entryReader) setting(p property, n *yaml.Node) setting {
	switch p.kind {
	case list:
		return setting{words: r.list(p, n)}
	case texts:
		return setting{pairs: r.pairs(p, n)}
	case yesNo:
		value, ok := boolean(n)
		if !ok {
			r.fail(n, "%s: %s is not true or false", p.key, shown(n))
		}
		return setting{words: map[bool][]string{true: {"true"}}[value]}
	case number, repeated:
		value, err := strconv.ParseInt(n.Value, 0, 64)
		switch {
		case err != nil || n.Tag != "!!int":
			r.fail(n, "%s: %s is not a whole number", p.key, shown(n))
		case p.kind == number && value < 1:
			r.fail(n, "%s: %d is less than 1", p.key, value)
		case p.kind == repeated && (value < 0 || value > 2):
			r.fail(n, "%s: %d is none of 0, 1, 2", p.key, value)
		}
		return setting{words: []string{strconv.FormatInt(value, 10)}}
	}
	return setting{words: []string{r.text(p, n)}}
}

func (r *entryReader) list(p property, n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s: %s is not a list; write [a, b]", p.key, shown(n))
		return nil
	}
	var words []string
	for _, item := range n.Content {
		words = append(words, r.text(p, target(item)))
	}
	return words
}

func (r *entryReader) pairs(p property, n *yaml.Node) []Variable {
	all, err := flattened(n, 0)
	if err != nil {
		r.fail(n, "%s: %s is not a map; write { NAME: value }", p.key, shown(n))
	}
	var variables []Variable
	for _, one := range all {
		value := r.text(property{key: p.key + ": " + one.key.Value}, target(one.value))
		variables = slices.DeleteFunc(variables, func(v Variable) bool { return v.Name == one.key.Value })
		variables = append(variables, Variable{one.key.Value, value})
	}
	return variables
}

// otherThanText are plain scalars that a reader of YAML 1.1 takes for booleans
// or numbers, while this one takes them for texts.
var otherThanText = regexp.MustCompile(`^(?:(?i:yes|no|on|off)|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)$`)

func (r *entryReader) text(p property, n *yaml.Node) string {
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fail(n, "%s: %s is not a text", p.key, shown(n))
	case n.Tag != "!!str" || plain && otherThanText.MatchString(n.Value):
		r.fail(n, "%s: %s is not a text to YAML; put it in quotes: \"%s\"", p.key, shown(n), n.Value)
	case strings.ContainsAny(n.Value, marks+"\x00"):
		r.fail(n, "%s: the text has a control character", p.key)
	case len(p.words) > 0 && !slices.Contains(p.words, n.Value):
		r.fail(n, "%s: %q is none of %s%s", p.key, n.Value, strings.Join(p.words, ", "), nearest.Hint(n.Value, p.words))
	}
	return n.Value
}

// boolean reads YAML 1.1's, which has more words for it.
func boolean(n *yaml.Node) (value, ok bool) {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return false, false
	}
	switch strings.ToLower(n.Value) {
	case "true", "yes", "on":
		return true, true
	case "false", "no", "off":
		return false, true
	}
	return false, false
}

// shown is a node in a message.
func shown(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a map"
	}
	return strconv.Quote(firstLine(n.Value))
}
