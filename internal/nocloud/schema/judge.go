// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Options are what a judgement depends on beside the document.
type Options struct {
	// Target is the version that will read the document, if it is known.
	Target Version
	// OwnKeys are top-level keys that modules of the user's own read.
	OwnKeys []string
	// PlainPasswords allows passwords that can be read in the document.
	PlainPasswords bool
}

// Finding is one thing that is wrong, at a place counted from 1.
type Finding struct {
	Line, Column int
	// Text begins with the path of the value; Advice says what to write.
	Text, Advice string
	Warning      bool
	// ByVersion marks a warning that another version of cloud-init gives no reason
	// for.
	ByVersion bool
}

// maxFindings is when a judge stops: more than that nobody reads.
const maxFindings = 50

// oldest is the release without which nothing is said about the age of what it knows.
var oldest = Version{Major: 22, Minor: 4}

// newest is the release up to which an unknown target is told of what is deprecated:
// what is to be written instead is mostly as new, and most targets do not know it yet.
var newest = Version{Major: 25, Minor: 1}

type visit struct {
	node *yaml.Node
	as   *Type
}

type judge struct {
	Options
	findings []Finding
	seen     map[visit]bool
}

func newJudge(o Options) *judge { return &judge{Options: o, seen: map[visit]bool{}} }

// CloudConfig judges a cloud-config, of which root is the mapping.
func CloudConfig(root *yaml.Node, o Options) []Finding {
	j := newJudge(o)
	j.value("", root, cloudConfig)
	return j.sorted()
}

// sorted gives the findings in the order of the text.
func (j *judge) sorted() []Finding {
	slices.SortStableFunc(j.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return j.findings
}

func (j *judge) add(n *yaml.Node, warning bool, advice, format string, args ...any) {
	if len(j.findings) < maxFindings {
		j.findings = append(j.findings, Finding{Line: n.Line, Column: n.Column, Text: fmt.Sprintf(format, args...), Advice: advice, Warning: warning})
	}
}

func (j *judge) fail(n *yaml.Node, advice, format string, args ...any) {
	j.add(n, false, advice, format, args...)
}

func (j *judge) warn(n *yaml.Node, advice, format string, args ...any) {
	j.add(n, true, advice, format, args...)
}

// value judges one value. Every value is judged once as each type, however many
// aliases lead there.
func (j *judge) value(path string, n *yaml.Node, t *Type) {
	n = resolve(n)
	if n == nil || j.seen[visit{n, t}] || len(j.findings) >= maxFindings {
		return
	}
	j.seen[visit{n, t}] = true
	f := formOf(n)
	if f == unknown {
		return
	}
	switch {
	case f&(t.forms|t.tolerated) == 0:
		if !j.converted(path, n, f, t) {
			return
		}
	case f&t.forms == 0 && f == text && dashed.MatchString(n.Value):
		j.fail(n, t.how(f, n), "%s is text; it must be %s", path, t.wanted())
		return
	case f&t.forms == 0:
		j.warn(n, t.how(f, n), "%s is %s, which cloud-init takes, but its schema wants %s", path, called(f), t.wanted())
	case f == text && t.spelt && booleanForm.MatchString(n.Value):
		j.warn(n, "write it without quotes", "%s is text where true or false belongs", path)
		return
	case f == text && t.words != nil && !slices.Contains(t.words, n.Value):
		advice := suggestion(n.Value, t.words)
		if t.forms&^(text|null) != 0 && strings.HasPrefix(advice, "write ") {
			advice = "write " + t.wanted()
		}
		j.fail(n, advice, "%s is not a value that cloud-init knows", path)
		return
	}
	j.formAge(path, n, f, t)
	switch {
	case f == mapping && (t.keys != nil || t.others != nil):
		j.mapping(path, n, t)
	case f == list && t.items != nil:
		j.list(path, n, t)
	}
	if t.check != nil {
		t.check(j, path, n)
	}
}

// suggestion names what is most like a word, or what there is.
func suggestion(given string, words []string) string {
	if like, ok := typo(given, words, 3); ok {
		return fmt.Sprintf("did you mean %s?", like)
	}
	return "write " + oneOf(words)
}

// converted reports a value of another form than its type has, and says whether
// cloud-init makes something sensible of it all the same.
func (j *judge) converted(path string, n *yaml.Node, f form, t *Type) bool {
	switch {
	case f == null:
		if t.fails {
			j.fail(n, cmp.Or(t.advice, "give it a value, or leave it out"), "%s has no value; cloud-init fails on it", path)
		} else {
			j.warn(n, "give it a value, or leave it out", "%s has no value, and cloud-init's schema wants %s", path, t.wanted())
		}
		return false
	case f&(integer|decimal|boolean|date) != 0 && t.forms&text != 0:
		return j.number(path, n, f, t)
	case f == text && t.forms&boolean != 0 && booleanForm.MatchString(n.Value):
		j.add(n, !t.strict, "write it without quotes", "%s is text where true or false belongs%s", path, truthy(t, n.Value))
		return false
	case f == text && t.forms&(integer|decimal) != 0 && integerForm.MatchString(n.Value):
		j.warn(n, "write it without quotes", "%s is text where a number belongs", path)
		return false
	case f == integer && t.forms&boolean != 0 && (n.Value == "0" || n.Value == "1"):
		j.warn(n, "write true or false", "%s is a number where true or false belongs", path)
		return false
	}
	j.fail(n, t.how(f, n), "%s is %s; it must be %s", path, called(f), t.wanted())
	return false
}

func truthy(t *Type, value string) string {
	if t.strict && !truth(value) {
		return "; cloud-init takes every text for true"
	}
	return ""
}

// number reports a number, boolean or date where text belongs. Most often cloud-init
// writes it out again, though not always as it was written.
func (j *judge) number(path string, n *yaml.Node, f form, t *Type) bool {
	what := called(f)
	if strings.Contains(n.Value, ":") && f == integer {
		what = "a number in base 60"
	}
	switch {
	case slices.Contains(t.words, n.Value):
		j.warn(n, "quote it", "%s is %s to YAML, not text", path, what)
	case t.words != nil:
		j.fail(n, "write "+oneOf(t.words), "%s is %s; it must be %s", path, what, t.wanted())
	case t.breaks:
		j.fail(n, "quote it", "%s is %s to YAML; cloud-init fails on what is not text here", path, what)
	case t.strict:
		j.fail(n, "quote it", "%s is %s to YAML; cloud-init ignores what is not text here", path, what)
	default:
		j.warn(n, "quote it", "%s is %s to YAML, and may be written out differently; cloud-init's schema wants %s", path, what, t.wanted())
		return true
	}
	return false
}

// list judges the entries of a list and how many there are.
func (j *judge) list(path string, n *yaml.Node, t *Type) {
	count := len(n.Content)
	switch {
	case t.most > 0 && count > t.most, t.most > 0 && t.least == t.most && count != t.most:
		j.fail(n, cmp.Or(t.advice, fmt.Sprintf("give %d", t.most)), "%s has %d entries; there are to be %s", path, count, counted(t))
	case count < t.least:
		j.warn(n, "leave it out", "%s is empty, which cloud-init's schema refuses", path)
	}
	for i, item := range n.Content {
		j.value(fmt.Sprintf("%s[%d]", path, i), item, t.items)
	}
}

func counted(t *Type) string {
	if t.least == t.most {
		return fmt.Sprint(t.most)
	}
	return fmt.Sprintf("at most %d", t.most)
}

// mapping judges keys and values of a mapping.
func (j *judge) mapping(path string, n *yaml.Node, t *Type) {
	all := pairs(n)
	for _, p := range all {
		if len(j.findings) >= maxFindings {
			return
		}
		t, known := j.key(path, p.key, t)
		if known {
			j.value(join(path, p.key), p.value, t)
		}
	}
	if len(all) == 0 && t.least > 0 {
		j.warn(n, "leave it out", "%s is empty, which cloud-init's schema refuses", path)
	}
	for _, names := range t.needs {
		if !has(all, names) {
			j.fail(n, "add "+strings.ReplaceAll(names, "|", " or "), "%s has no %s; cloud-init would not act on it", path, strings.ReplaceAll(names, "|", " or "))
		}
	}
	for _, names := range t.wants {
		if !has(all, names) {
			j.warn(n, "add it", "%s has no %s, which cloud-init's schema asks for", path, strings.ReplaceAll(names, "|", " or "))
		}
	}
}

// has says whether there is one of the names, which | parts.
func has(all []pair, names string) bool {
	return slices.ContainsFunc(all, func(p pair) bool { return slices.Contains(strings.Split(names, "|"), p.key.Value) })
}

// key finds the type of a key and reports what is wrong with the key itself.
func (j *judge) key(path string, key *yaml.Node, t *Type) (*Type, bool) {
	found, known := t.keys[key.Value]
	switch {
	case strings.ContainsRune(key.Value, Placeholder):
		return nil, false
	case known && found.misplaced != "":
		j.warn(key, found.misplaced, "%s is not a key for user-data", join(path, key))
	case known:
		j.age(join(path, key), key, found.age)
	case path == "" && slices.Contains(j.OwnKeys, key.Value):
		return nil, false
	default:
		j.unknown(path, key, t)
		return t.others, t.others != nil
	}
	return found, true
}

var shownKey = regexp.MustCompile(`^[A-Za-z0-9_./^<>-]{1,40}`)

// shown is as much of a key as may be shown: what follows a colon may be a value
// that lacks its blank.
func shown(key *yaml.Node) string {
	if s := shownKey.FindString(key.Value); s != "" {
		if s != key.Value {
			return s + "…"
		}
		return s
	}
	return "a key"
}

func join(path string, key *yaml.Node) string {
	if path == "" {
		return shown(key)
	}
	return path + "." + shown(key)
}

// unknown reports a key that is not in the table.
func (j *judge) unknown(path string, key *yaml.Node, t *Type) {
	name := join(path, key)
	if instead, ok := t.meant[key.Value]; ok {
		j.fail(key, instead, "%s is a key that cloud-init ignores here", name)
		return
	}
	if t.others != nil && t.others != anything {
		return // a name of the user's own
	}
	if like, ok := typo(key.Value, slices.Sorted(maps.Keys(t.keys)), 3); ok {
		advice := fmt.Sprintf("did you mean %s?%s", like, wayOut(path))
		j.add(key, t.others != nil, advice, "%s is not a key of cloud-init, which would ignore it", name)
		return
	}
	if t.others != nil {
		return
	}
	if dash := strings.TrimLeft(key.Value, "-"); dash != key.Value {
		j.fail(key, "put a blank behind the dash", "%s is no entry of a list but a key, which cloud-init would ignore", name)
		return
	}
	advice := "remove it, unless a newer cloud-init knows it"
	if path == "" {
		advice = "remove it, or name it in custom_keys if a module of your own reads it"
	}
	if like, ok := typo(key.Value, slices.Sorted(maps.Keys(t.keys)), 2); ok && !strings.HasPrefix(key.Value, "x-") {
		advice = fmt.Sprintf("did you mean %s?", like)
	}
	j.warn(key, advice, "%s is not a key of cloud-init, which would ignore it", name)
}

func wayOut(path string) string {
	if path == "" {
		return " If a module of your own reads it, name it in custom_keys"
	}
	return ""
}
