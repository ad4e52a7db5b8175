// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Type says what a value may be. Several forms at once make a union: at most one
// kind of list and one kind of mapping each.
type Type struct {
	forms form
	// tolerated are forms that cloud-init's schema refuses and its code carries
	// out.
	tolerated form
	// words are the texts allowed; nil allows all.
	words []string
	// strict marks values that are not converted: text that is a number to YAML is
	// ignored, "false" is as good as true.
	strict bool
	// items are the entries of a list.
	items *Type
	// keys are those of a mapping, others the values of all other keys; without
	// others such a key is unknown.
	keys   fields
	others *Type
	// needs are keys without which cloud-init ignores or fails on the mapping,
	// wants those that only its schema asks for; "a|b" is one of two.
	needs, wants []string
	// least is how many entries the schema asks for, most how many may be.
	least, most int
	// meant are names of keys that people write, and what is meant.
	meant map[string]string
	// fails marks what cloud-init fails on if there is no value, breaks what it fails
	// on if text is a number to YAML.
	fails, breaks bool
	// spelt marks booleans that cloud-init reads from text, too.
	spelt bool
	// advice says how to write it.
	advice string
	// misplaced says where a key belongs that cloud-init knows, but not here.
	misplaced string
	// check looks at what a table cannot say.
	check func(j *judge, path string, n *yaml.Node)
	age   age
	notes []note
}

// fields are the keys of a mapping.
type fields map[string]*Type

// age is since when something is known, deprecated, gone.
type age struct {
	since, deprecated, removed string
	// refused: the schemas before since refuse what the code carries out.
	refused bool
	// instead is what to do about it.
	instead string
}

// note is the age of one form, or of one word.
type note struct {
	form form
	word string
	age  age
}

func scalar(f form) *Type        { return &Type{forms: f} }
func word(words ...string) *Type { return &Type{forms: text, words: words} }
func listOf(items *Type) *Type   { return &Type{forms: list, items: items} }
func object(keys fields) *Type   { return &Type{forms: mapping, keys: keys} }
func mapOf(others *Type) *Type   { return &Type{forms: mapping, others: others} }
func tuple(n int, item *Type) *Type {
	return &Type{forms: list, items: item, least: n, most: n}
}

// The types of most keys.
var (
	aText    = scalar(text)
	aNumber  = scalar(integer)
	aDecimal = scalar(integer | decimal)
	aSwitch  = scalar(boolean)
	anything = scalar(scalars | null | list | mapping)
	anyMap   = mapOf(anything)
	anyList  = listOf(anything)
	texts    = listOf(aText)
	someText = texts.atLeast(1)
	// aSpelling is text that is ignored unless it is text.
	aSpelling = aText.exactly()
	aTruth    = aSwitch.exactly()
)

func (t Type) or(u *Type) *Type {
	t.forms |= u.forms
	t.words = append(append([]string(nil), t.words...), u.words...)
	if u.items != nil {
		t.items, t.least, t.most = u.items, u.least, u.most
	}
	if u.forms&mapping != 0 {
		t.keys, t.others, t.needs, t.wants, t.meant = u.keys, u.others, u.needs, u.wants, u.meant
	}
	t.strict = t.strict || u.strict
	return &t
}

func (t Type) atLeast(n int) *Type                   { t.least = n; return &t }
func (t Type) atMost(n int) *Type                    { t.most = n; return &t }
func (t Type) exactly() *Type                        { t.strict = true; return &t }
func (t Type) needing(keys ...string) *Type          { t.needs = keys; return &t }
func (t Type) wanting(keys ...string) *Type          { t.wants = keys; return &t }
func (t Type) with(others *Type) *Type               { t.others = others; return &t }
func (t Type) tolerating(f form) *Type               { t.tolerated |= f; return &t }
func (t Type) failing() *Type                        { t.fails = true; return &t }
func (t Type) breaking() *Type                       { t.breaks = true; return &t }
func (t Type) inWords() *Type                        { t.spelt = true; return &t }
func (t Type) say(advice string) *Type               { t.advice = advice; return &t }
func (t Type) meaning(names map[string]string) *Type { t.meant = names; return &t }

// checked adds a look at the value.
func (t Type) checked(look func(j *judge, path string, n *yaml.Node)) *Type {
	t.check = look
	return &t
}

func (t Type) elsewhere(where string) *Type { t.misplaced = where; return &t }

func (t Type) since(version string) *Type { t.age.since = version; return &t }

func (t Type) deprecated(version, instead string) *Type {
	t.age.deprecated, t.age.instead = version, instead
	return &t
}

func (t Type) removed(version, instead string) *Type {
	t.age.removed, t.age.instead = version, instead
	return &t
}

// noted says that a form has an age of its own.
func (t Type) noted(f form, a age) *Type {
	t.notes = append(append([]note(nil), t.notes...), note{form: f, age: a})
	return &t
}

// notedWord says that a word has an age of its own.
func (t Type) notedWord(w string, a age) *Type {
	t.notes = append(append([]note(nil), t.notes...), note{word: w, age: a})
	return &t
}

// wanted describes a type in messages: "text, a list or one of a, b".
func (t *Type) wanted() string {
	var parts []string
	for _, n := range formNames {
		if t.forms&n.form == 0 {
			continue
		}
		switch {
		case n.form == text && t.words != nil:
			parts = append(parts, oneOf(t.words))
		case n.form == decimal && t.forms&integer != 0:
			parts[len(parts)-1] = "a number"
		default:
			parts = append(parts, n.name)
		}
	}
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " or " + parts[len(parts)-1]
}

// how says how to write a value where n, of the form f, cannot stand.
func (t *Type) how(f form, n *yaml.Node) string {
	switch {
	case f == text && t.forms&list != 0 && dashed.MatchString(n.Value):
		return "put a blank behind each dash"
	case t.advice != "":
		return t.advice
	case t.forms == mapping || t.forms == mapping|null:
		return "write `key: value` in lines below it, further indented"
	case t.forms&list != 0 && t.forms&text == 0:
		return "begin each entry with `- `, or write [a, b]"
	case f == mapping && t.forms&text != 0:
		return "quote it if it is one text with `: ` in it"
	case f == list && t.forms == text:
		return "give one, without `- ` and brackets"
	}
	return "write " + t.wanted()
}

// dashed is a list whose dashes have no blanks behind them, which makes one text.
var dashed = regexp.MustCompile(`^-[^-\s]`)

// oneOf lists the words, unless they are many.
func oneOf(words []string) string {
	switch {
	case len(words) == 1:
		return words[0]
	case len(words) > 12:
		return "one of " + strings.Join(words[:12], ", ") + " …"
	}
	return "one of " + strings.Join(words, ", ")
}
