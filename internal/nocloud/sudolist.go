// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// singleRules writes a text in the place of each user's list of sudo rules. Before
// 23.3 the target's schema refuses lists, which the same version carries out, and
// they are much in use. Nothing else moves.
func (j *judged) singleRules() {
	root, err := parseYAML(strings.NewReader(j.text))
	if err != nil || root == nil {
		return
	}
	f := newFinder(j.text)
	f.scalars(root)
	found := false
	_, users := field(root, "users")
	for _, user := range items(users) {
		if key, rules := field(user, "sudo"); len(items(rules)) > 0 {
			found = f.singleRule(key, rules) || found
		}
	}
	if !found {
		return
	}
	changed := make([]string, len(f.lines))
	for i, line := range f.lines {
		changed[i] = string(line)
	}
	text := strings.Join(changed, "\n")
	if _, err := parseYAML(strings.NewReader(text)); err == nil {
		j.text, j.extra = text, true
	}
}

// items are those of a list.
func items(n *yaml.Node) []*yaml.Node {
	if n = resolve(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

var keyAlone = regexp.MustCompile(`^["']?sudo["']?\s*:\s*(?:#.*)?$`)

// singleRule changes the lines of one list, if it is written as most are: one rule a
// line, or all of them between brackets in one line.
func (f *finder) singleRule(key, rules *yaml.Node) bool {
	for _, rule := range rules.Content {
		if rule.Kind != yaml.ScalarNode || rule.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return false
		}
	}
	if rules.Style&yaml.FlowStyle != 0 {
		line, end := f.lines[rules.Line-1], f.closingBracket(rules.Line-1, rules.Column-1)
		if end == 0 {
			return false
		}
		for i := rules.Column - 1; i <= end; i++ {
			line[i] = ' '
		}
		line[rules.Column-1] = 'x'
		return true
	}
	if !keyAlone.MatchString(f.rest(key.Line-1, key.Column-1)) {
		return false
	}
	before := f.lines[key.Line-1][:key.Column-1]
	f.lines[key.Line-1] = []rune(string(before) + "sudo: x")
	for i := rules.Line - 1; i < rules.Content[len(rules.Content)-1].Line; i++ {
		f.lines[i] = nil
	}
	return true
}

// closingBracket is the column, from 0, where the list ends that begins at start, 0 if
// it does not end in this line or there is none.
func (f *finder) closingBracket(line, start int) int {
	if !strings.HasPrefix(f.rest(line, start), "[") {
		return 0
	}
	for i := start; i < len(f.lines[line]); i++ {
		if f.lines[line][i] == ']' && !f.quoted[line][i] {
			return i
		}
	}
	return 0
}
