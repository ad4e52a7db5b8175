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
	lines := runeLines(j.text)
	_, users := field(root, "users")
	for _, user := range items(users) {
		if key, rules := field(user, "sudo"); len(items(rules)) > 0 {
			j.extra = singleRule(lines, key, rules) || j.extra
		}
	}
	changed := make([]string, len(lines))
	for i, line := range lines {
		changed[i] = string(line)
	}
	text := strings.Join(changed, "\n")
	if _, err := parseYAML(strings.NewReader(text)); err == nil {
		j.text = text
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
func singleRule(lines [][]rune, key, rules *yaml.Node) bool {
	for _, rule := range rules.Content {
		if rule.Kind != yaml.ScalarNode || rule.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return false
		}
	}
	line := lines[rules.Line-1]
	if rules.Style&yaml.FlowStyle != 0 {
		end := closingBracket(line, rules.Column-1)
		if end == 0 {
			return false
		}
		for i := rules.Column - 1; i <= end; i++ {
			line[i] = ' '
		}
		line[rules.Column-1] = 'x'
		return true
	}
	before, after := lines[key.Line-1][:key.Column-1], lines[key.Line-1][key.Column-1:]
	if !keyAlone.MatchString(string(after)) {
		return false
	}
	lines[key.Line-1] = []rune(string(before) + "sudo: x")
	for i := rules.Line - 1; i < rules.Content[len(rules.Content)-1].Line; i++ {
		lines[i] = nil
	}
	return true
}

// closingBracket is where the list ends that begins at start, 0 if it does not end in
// this line or there is none.
func closingBracket(line []rune, start int) int {
	if start >= len(line) || line[start] != '[' {
		return 0
	}
	var quote rune
	for i, c := range line[start:] {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case c == ']':
			return start + i
		}
	}
	return 0
}
