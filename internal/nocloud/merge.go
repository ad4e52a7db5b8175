// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// merged is what the cloud-configs of a composed seed say together, as far as
// they are merged by AppendLists.
type merged struct {
	// values are the keys that were seen, by their path, and users the users.
	values map[string]setting
	users  map[string]setting
	// entered are the mappings that were looked into: an alias may lead there again,
	// even from within.
	entered map[*yaml.Node]bool
}

// setting is where a value stands.
type setting struct {
	node *yaml.Node
	at   reporter
}

// document is the attribute in which it stands.
func (s setting) document() string { return s.at.document.Attribute }

// checkMerge finds what two parts say differently. cloud-init would keep one of
// the two without a word.
func (s Seed) checkMerge(out *Problems) {
	m := merged{map[string]setting{}, map[string]setting{}, map[*yaml.Node]bool{}}
	parts := s.parts()
	if len(parts) < 2 {
		return
	}
	for _, p := range parts {
		where := newReporter(p.Document, out)
		if p.Type == "" && isGzip(p.Text) {
			plain, err := gunzip(p.Text)
			if err != nil || len(plain) > MaxSize {
				continue // reported already
			}
			p.Text, where = plain, where.decoded("decompressed")
		}
		text := string(p.Text)
		if p.Merge != "" || p.Type != "" && p.Type != string(cloudConfig) || classify(text) != cloudConfig || ownRule.Match(p.Text) {
			continue
		}
		var problems Problems // reported already
		if root, ok := newReporter(p.Document, &problems).yamlMapping(text, "cloud-config"); ok && root != nil {
			m.mapping("", root, where)
		}
	}
}

// betweenKeys parts the keys of a path, as a dot may be in one.
const betweenKeys = "\x00"

func (m merged) mapping(path string, node *yaml.Node, r reporter) {
	if m.entered[node] {
		return
	}
	m.entered[node] = true
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := resolve(node.Content[i]), resolve(node.Content[i+1])
		if key.ShortTag() == "!!merge" {
			continue
		}
		name := path + key.Value
		if path == "" && key.Value == "users" && value.Kind == yaml.SequenceNode {
			m.userList(value, r)
		}
		earlier, twice := m.values[name]
		if twice && !agree(earlier.node, value) {
			shown := strings.ReplaceAll(name, betweenKeys, ".")
			r.fail(at(key), fmt.Sprintf("%s has another value in %s, which cloud-init would keep", shown, earlier.document()), "give it once")
			continue
		}
		if !twice {
			m.values[name] = setting{value, r}
		}
		if value.Kind == yaml.MappingNode {
			m.mapping(name+betweenKeys, value, r)
		}
	}
}

// agree says whether merging two values keeps all of both.
func agree(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && (a.Kind != yaml.ScalarNode || a.Value == b.Value && a.ShortTag() == b.ShortTag())
}

// userList finds users that two parts describe.
func (m merged) userList(list *yaml.Node, r reporter) {
	for _, item := range list.Content {
		item = resolve(item)
		_, name := field(item, "name")
		if name == nil {
			continue
		}
		earlier, twice := m.users[name.Value]
		if twice && earlier.document() != r.document.Attribute {
			r.fail(at(item), fmt.Sprintf("the user %q is described in %s, too, and cloud-init would follow one of the two", name.Value, earlier.document()), "describe each user in one place")
			continue
		}
		m.users[name.Value] = setting{item, r}
	}
}
