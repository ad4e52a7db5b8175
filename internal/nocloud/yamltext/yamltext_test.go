// SPDX-License-Identifier: MPL-2.0

package yamltext

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// Texts that some reader takes for something else, and what is written of them.
func TestTextsStayTexts(t *testing.T) {
	for text, want := range map[string]string{
		"":                     `""`,
		"web-1":                "web-1",
		"/etc/motd":            "/etc/motd",
		"systemctl restart x":  "systemctl restart x",
		"a:b":                  "a:b",
		"ssh-ed25519 AAAA= me": "ssh-ed25519 AAAA= me",
		"yes":                  `"yes"`, "No": `"No"`, "ON": `"ON"`, "y": `"y"`, "null": `"null"`,
		"~": `"~"`, "0777": `"0777"`, "1:30": `"1:30"`, "1e3": `"1e3"`, "0x1f": `"0x1f"`, "1_000": `"1_000"`,
		"2024-01-01": `"2024-01-01"`, ".inf": `".inf"`, "=": `"="`, "<<": `"<<"`, "- a": `"- a"`,
		"a: b": `"a: b"`, "a #b": `"a #b"`, "a:": `"a:"`, " a": `" a"`, "a ": `"a "`, "!x": `"!x"`, "*x": `"*x"`,
		"{{ a }}": `"{{ a }}"`, "it's": `"it's"`, `a"b\`: `"a\"b\\"`, "a\tb": `"a\tb"`, "a\r\n": `"a\r\n"`,
		"\u0085\u2028\ufeff\x7f": `"\u0085\u2028\ufeff\u007f"`, "größe": `"größe"`, "🙂": `"🙂"`, "@x": `"@x"`, "%x": `"%x"`,
	} {
		if got := Scalar(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}

func TestLayout(t *testing.T) {
	m := Map{
		{"packages", Strings([]string{"nginx", "no"})},
		{"count", 3}, {"on", true}, {"none", List{}}, {"empty", Map{}},
		{"users", List{"default", Map{{"name", "a"}, {"keys", Strings([]string{"k"})}}, Map{}}},
		{"runcmd", List{Strings([]string{"ls", "-l", "a, b"}), "one\n  two\n", "three\nfour", "five\n\n\n", " six\n"}},
		{"chpasswd", Map{{"expire", false}}},
	}
	const want = `packages:
  - nginx
  - "no"
count: 3
"on": true
none: []
empty: {}
users:
  - default
  - name: a
    keys:
      - k
  - {}
runcmd:
  - [ls, "-l", "a, b"]
  - |
    one
      two
  - |-
    three
    four
  - |+
    five


  - " six\n"
chpasswd:
  expire: false
`
	if diff := cmp.Diff(want, m.Text()); diff != "" {
		t.Error(diff)
	}
	if got := (Map{}).Text(); got != "{}\n" {
		t.Errorf("an empty mapping is %q", got)
	}
}

// What is written is read back as what was meant, by our parser and by PyYAML,
// in every place where a text can stand.
func FuzzText(f *testing.F) {
	python := foreign.Python(f, "import yaml\ndef answer(q): return yaml.safe_load(q)")
	for _, text := range []string{"a", "no", "0777", "1:30", "a\n", "a\nb", " a\n", "\na\n", "a\n\n", "a\tb\n", "\ta\n", "a\r\nb\n", "#a\n", "--- a\n", "a\n--- b\n", "a\n... b\n", "\u2028\n", "x: y\n- z\n", "a \n b\n", "a\n ", "%YAML\n", "\U0010fffe\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.Contains(text, "\ufffd") || len(Quoted(text)) > 1000 { // PyYAML's longest key is 1024
			return
		}
		m := Map{{"a", text}, {text + "x", List{text, Map{{"b", text}, {"c", List{text}}}, List{text, text}}}, {"d", Map{{"e", text}, {"f", 1}}}}
		want := map[string]any{"a": text, text + "x": []any{text, map[string]any{"b": text, "c": []any{text}}, []any{text, text}}, "d": map[string]any{"e": text, "f": 1}}
		if text+"x" == "a" || text+"x" == "d" {
			return
		}
		written := m.Text()
		var got map[string]any
		if err := yaml.Unmarshal([]byte(written), &got); err != nil || !cmp.Equal(want, got) {
			t.Errorf("of %q came\n%s\n%v %s", text, written, err, cmp.Diff(want, got))
		}
		want["d"].(map[string]any)["f"] = 1.0 // as JSON has it
		var said map[string]any
		if python.Ask(t, written, &said) && !cmp.Equal(want, said) {
			t.Errorf("PyYAML: of %q came\n%s\n%s", text, written, cmp.Diff(want, said))
		}
	})
}
