// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// readScalar is PyYAML's view of a document that is one plain scalar: its text,
// the name of its type and what str() makes of it.
const readScalar = `
import yaml
def answer(text):
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if isinstance(node, yaml.ScalarNode) and node.style is None:
            value = yaml.safe_load(text)
            return [node.value, type(value).__name__, str(value)]
    except Exception:
        pass
    return None`

// A plain scalar has the type that PyYAML gives it, and the text of Python's str.
func FuzzYAMLScalar(f *testing.F) {
	python := foreign.Python(f, readScalar)
	for _, tc := range scalars {
		f.Add(tc.text)
	}
	kinds := map[string]kind{"NoneType": kindNull, "bool": kindBool, "int": kindInt, "float": kindFloat, "str": kindString}
	f.Fuzz(func(t *testing.T, text string) {
		ours, err := parseYAML([]byte(text))
		var theirs []string
		if err != nil || ours.kind >= kindOther || !utf8.ValidString(text) || !python.Ask(t, text, &theirs) || theirs == nil {
			return
		}
		// The readers differ in what ends a scalar; here it is about types.
		if ours.kind == kindString && theirs[1] == "str" || theirs[0] != strings.TrimSpace(text) {
			return
		}
		if k, known := kinds[theirs[1]]; !known || k != ours.kind || theirs[2] != ours.text {
			t.Errorf("%q is %s %q, to PyYAML %q", text, ours.kind, ours.text, theirs)
		}
	})
}

// Whatever the document, it is read in bounded time into a bounded value.
func FuzzYAML(f *testing.F) {
	for _, doc := range []string{
		"pkg:\n  dib_python_version: 3.10", "a: &x {<<: *x}", "- [a, {b: c}]\n--- \nd", "<<: [{a: 1}, {a: 2}]\na: 3",
		"a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]", "? [a]\n: b", "!!binary aGk=: !t x", strings.Repeat("[", 200),
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		v, err := parseYAML(doc)
		if again, other := parseYAML(doc); fmt.Sprint(v, err) != fmt.Sprint(again, other) {
			t.Errorf("first %v %v, then %v %v", v, err, again, other)
		}
		if n := v.size(); n > maxValues {
			t.Errorf("%d values", n)
		}
		v.check(t)
	})
}

// size counts the values.
func (v value) size() int {
	n := 1
	for _, item := range v.items {
		n += item.size()
	}
	for _, p := range v.pairs {
		n += 1 + p.value.size()
	}
	return n
}

// check finds what no map may have: keys twice or without a text.
func (v value) check(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, p := range v.pairs {
		id := fmt.Sprint(p.key.kind, p.key.text)
		if seen[id] || p.key.kind >= kindList {
			t.Errorf("the key %v", p.key)
		}
		seen[id] = true
		p.value.check(t)
	}
	for _, item := range v.items {
		item.check(t)
	}
}

// JSON is JSON to us exactly when it is to encoding/json, and says the same.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"default": {"a": "b c"}, "family": {"debian": {"x": ""}}, "release": {"fedora": {"23": {"a": null}}}}`))
	f.Add([]byte(`{"a": [1, 2.5, true, null, {"b": "c"}], "a": -0, "\ud800": 1e400}`))
	f.Add([]byte(strings.Repeat("[", 70) + strings.Repeat("]", 70)))
	f.Fuzz(func(t *testing.T, doc []byte) {
		ours, err := parseJSON(doc)
		dec := json.NewDecoder(bytes.NewReader(doc))
		dec.UseNumber()
		var theirs any
		plain := dec.Decode(&theirs)
		if _, more := dec.Token(); plain == nil && more != io.EOF {
			plain = fmt.Errorf("more text")
		}
		if (err != nil) != (plain != nil) && (err == nil || !strings.Contains(err.Error(), "too deeply")) {
			t.Fatalf("%q: we say %v, encoding/json %v", doc, err, plain)
		}
		if err == nil && !sameJSON(ours, theirs) {
			t.Errorf("%q: %v is not %v", doc, ours, theirs)
		}
	})
}

func sameJSON(ours value, theirs any) bool {
	switch v := theirs.(type) {
	case nil:
		return ours.kind == kindNull
	case bool:
		return ours.kind == kindBool && (ours.text == "True") == v
	case string:
		return ours.kind == kindString && ours.text == v
	case json.Number:
		return ours.kind == kindInt || ours.kind == kindFloat || ours.kind == kindOther
	case []any:
		return ours.kind == kindList && slices.EqualFunc(ours.items, v, sameJSON)
	case map[string]any:
		for _, p := range ours.pairs {
			if val, ok := v[p.key.text]; !ok || !sameJSON(p.value, val) {
				return false
			}
		}
		return ours.kind == kindMap && len(ours.pairs) == len(v)
	}
	return false
}

// Names are mapped to what the most specific section says, and to themselves
// where none does.
func FuzzPackageMap(f *testing.F) {
	f.Add([]byte(`{"default": {"a": "b c"}, "family": {"debian": {"x": ""}}, "distro": {"debian": {"x": "y"}}, "release": {"debian": {"sid": {"a": null}}}}`), "a", "debian", "sid")
	f.Add([]byte(`{"release": {"centos": {"8": {"n": "m"}}}, "famly": 1}`), "n", "centos", "8-stream")
	f.Add([]byte(`{"default": []}`), "", "", "")
	f.Fuzz(func(t *testing.T, doc []byte, name, distro, release string) {
		m, err := parseNameMap(doc)
		if err != nil {
			return
		}
		table := m.names(distro, release)
		if release == "8-stream" {
			release = "8"
		}
		want, mapped := "", false
		for _, layer := range []map[string]string{m.release[distro][release], m.distro[distro], m.family[packageFamily(distro)], m.preset} {
			if want, mapped = layer[name]; mapped {
				break
			}
		}
		got, err := mapNames(table, "element", []string{name}, false)
		if mapped != (err == nil) || mapped && strings.Join(got, "") != want {
			t.Errorf("%q is %q, %v; not %q", name, got, err, want)
		}
		if got, err := mapNames(table, "element", []string{name}, true); err != nil || !mapped && !slices.Equal(got, []string{name}) {
			t.Errorf("%q is %q, %v", name, got, err)
		}
		for _, word := range words(got) {
			if word == "" || strings.ContainsAny(word, " \t\n") {
				t.Errorf("the word %q of %q", word, got)
			}
		}
		if !slices.IsSorted(m.unknown) || slices.Contains(m.unknown, "default") {
			t.Errorf("unknown sections %q of %q", m.unknown, slices.Collect(maps.Keys(table)))
		}
	})
}
