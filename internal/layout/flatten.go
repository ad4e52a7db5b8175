// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// plugins are the words that begin a node (element contract §5.4).
var plugins = []string{"local_loop", "partitioning", "lvm", "mkfs", "mount", "fstab"}

// node is one entry of the flattened document.
type node struct {
	plugin, name, base string
	line               int
	settings           []setting
	partitions         []*node // of partitioning only; their plugin is "partition"
}

// setting is a key of a node. Values stay YAML nodes: their text is taken as it
// was written, so that YAML's typing (0700, yes, 1e3) cannot change it.
type setting struct {
	key   string
	value *yaml.Node
}

// errorf names the node, the key and the line. An empty key is left out.
func (n *node) errorf(key, format string, args ...any) error {
	where := fmt.Sprintf("block device layout, line %d: %s %q", n.line, n.plugin, n.name)
	if key != "" {
		where += fmt.Sprintf(", key %q", key)
	}
	return fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...))
}

// find returns the value of a key, or nil.
func (n *node) find(key string) *yaml.Node {
	for _, s := range n.settings {
		if s.key == key && s.value.Tag != "!!null" {
			return s.value
		}
	}
	return nil
}

// text is a scalar as it was written; "" when absent.
func (n *node) text(key string) (string, error) {
	v := n.find(key)
	if v == nil {
		return "", nil
	}
	if v.Kind != yaml.ScalarNode {
		return "", n.errorf(key, "this must be a single value, not a list or map")
	}
	return v.Value, nil
}

// words is a list of scalars, or one scalar split at spaces.
func (n *node) words(key string) ([]string, error) {
	v := n.find(key)
	if v == nil {
		return nil, nil
	}
	if v.Kind == yaml.ScalarNode {
		return strings.Fields(v.Value), nil
	}
	var out []string
	for _, e := range v.Content {
		if e = follow(e); v.Kind != yaml.SequenceNode || e.Kind != yaml.ScalarNode {
			return nil, n.errorf(key, "this must be a list of words")
		}
		out = append(out, e.Value)
	}
	return out, nil
}

func (n *node) number(key string, def int) (int, error) {
	text, err := n.text(key)
	if err != nil || text == "" {
		return def, err
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 {
		return 0, n.errorf(key, "%q is not a whole number of 0 or more", text)
	}
	return i, nil
}

func follow(v *yaml.Node) *yaml.Node {
	for v.Kind == yaml.AliasNode {
		v = v.Alias
	}
	return v
}

// maxNodes and maxDepth bound what aliases may blow a small document up to; one
// that holds itself has no end at all.
const (
	maxNodes = 20_000
	maxDepth = 64
)

func bounded(n *yaml.Node, left *int, depth int) error {
	if *left--; *left < 0 || depth > maxDepth {
		return fmt.Errorf("block device layout, line %d: the document is too large or nested too deeply; does an anchor (&) hold its own alias (*)?", n.Line)
	}
	n = follow(n)
	for _, child := range n.Content {
		if err := bounded(child, left, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// flatten turns nested and flat documents into one list of nodes in which
// children stand before their parent (element contract §5.3).
func flatten(doc []byte) ([]*node, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(doc, &root); err != nil {
		return nil, fmt.Errorf("block device layout, line %d: this is not YAML: %s; check the indentation, the brackets and the quotes",
			lastLineRead(doc), parserLine.ReplaceAllString(err.Error(), ""))
	}
	if len(root.Content) == 0 {
		return nil, errors.New("the block device layout is empty: it must be a list with at least a local_loop")
	}
	left := maxNodes
	if err := bounded(&root, &left, 0); err != nil {
		return nil, err
	}
	list := follow(root.Content[0])
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("block device layout, line %d: the document must be a list of plugins", list.Line)
	}
	var nodes []*node
	for _, entry := range list.Content {
		entry = follow(entry)
		if entry.Kind != yaml.MappingNode || len(entry.Content) != 2 {
			return nil, fmt.Errorf("block device layout, line %d: an entry must be a map with exactly one key, the plugin (%s)",
				entry.Line, strings.Join(plugins, ", "))
		}
		key := entry.Content[0]
		if !slices.Contains(plugins, key.Value) {
			return nil, fmt.Errorf("block device layout, line %d: %q is not a plugin%s: use one of %s",
				key.Line, key.Value, nearest.Hint(key.Value, plugins), strings.Join(plugins, ", "))
		}
		var err error
		if nodes, err = emit(nodes, key, follow(entry.Content[1]), ""); err != nil {
			return nil, err
		}
	}
	return nodes, unique(nodes)
}

// parserLine is where the parser sees a mistake: the line in which the broken
// construct began, or the one before it.
var parserLine = regexp.MustCompile(`^yaml: (line \d+: )?`)

// lastLineRead is the line at which the parser of a broken document gave up: it
// reads no further than it must.
func lastLineRead(doc []byte) int {
	stop := byByte{bytes.NewReader(doc)}
	var ignored yaml.Node
	// The error is known already.
	_ = yaml.NewDecoder(stop).Decode(&ignored)
	read := bytes.TrimRight(doc[:len(doc)-stop.Len()], " \t\r\n")
	return bytes.Count(read, []byte("\n")) + 1
}

// byByte gives out one byte at a time.
type byByte struct{ *bytes.Reader }

func (b byByte) Read(p []byte) (int, error) { return b.Reader.Read(p[:min(len(p), 1)]) }

// emit appends a plugin's children and then itself.
func emit(nodes []*node, key, value *yaml.Node, base string) ([]*node, error) {
	n, err := newNode(key.Value, key.Line, value, base)
	if err != nil {
		return nil, err
	}
	nodes, err = n.take(nodes, value)
	if err != nil {
		return nil, err
	}
	return append(nodes, n), nil
}

func newNode(plugin string, line int, value *yaml.Node, base string) (*node, error) {
	n := &node{plugin: plugin, line: line, base: base}
	if value.Kind != yaml.MappingNode {
		return nil, n.errorf("", "its settings must be a map")
	}
	for i := 0; i+1 < len(value.Content); i += 2 {
		k, v := value.Content[i], follow(value.Content[i+1])
		switch {
		case k.Value == "name" && v.Kind == yaml.ScalarNode:
			n.name = v.Value
		case k.Value == "base" && v.Kind == yaml.ScalarNode:
			if base != "" && v.Value != base {
				return nil, n.errorf("base", "it is nested in %q but names %q: leave the key out or move the node", base, v.Value)
			}
			n.base = v.Value
		}
	}
	if n.name == "" && n.base != "" {
		n.name = plugin + "_" + n.base
	}
	if n.name == "" {
		return nil, n.errorf("name", "it has neither a name nor a base to derive one from")
	}
	return n, nil
}

// take reads a node's keys: nested plugins become nodes, "partitions" become
// partitions with nodes of their own, the rest are settings.
func (n *node) take(nodes []*node, value *yaml.Node) ([]*node, error) {
	var err error
	for i := 0; i+1 < len(value.Content); i += 2 {
		k, v := value.Content[i], follow(value.Content[i+1])
		switch {
		case k.Value == "name" || k.Value == "base":
		case slices.Contains(plugins, k.Value):
			nodes, err = emit(nodes, k, v, n.name)
		case k.Value == "partitions" && n.plugin == "partitioning":
			nodes, err = n.takePartitions(nodes, v)
		case n.find(k.Value) != nil:
			err = n.errorf(k.Value, "the key stands twice")
		default:
			n.settings = append(n.settings, setting{k.Value, v})
		}
		if err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func (n *node) takePartitions(nodes []*node, list *yaml.Node) ([]*node, error) {
	if list.Kind != yaml.SequenceNode {
		return nil, n.errorf("partitions", "this must be a list of partitions")
	}
	for i, entry := range list.Content {
		entry = follow(entry)
		p, err := newNode("partition", entry.Line, entry, "")
		if err != nil {
			return nil, n.errorf("partitions", "entry %d: %w", i+1, err)
		}
		if nodes, err = p.take(nodes, entry); err != nil {
			return nil, err
		}
		n.partitions = append(n.partitions, p)
	}
	return nodes, nil
}

// unique refuses two nodes of one name.
func unique(nodes []*node) error {
	seen := map[string]*node{}
	for _, n := range nodes {
		for _, m := range append(slices.Clone(n.partitions), n) {
			if other, ok := seen[m.name]; ok {
				return m.errorf("name", "the name is taken already by the %s in line %d", other.plugin, other.line)
			}
			seen[m.name] = m
		}
	}
	return nil
}
