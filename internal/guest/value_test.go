// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// scalars are plain YAML scalars with their kind and text in YAML 1.1.
var scalars = []struct {
	text string
	kind kind
	want string
}{
	{"yes", kindBool, "True"}, {"No", kindBool, "False"}, {"ON", kindBool, "True"}, {"off", kindBool, "False"},
	{"true", kindBool, "True"}, {"y", kindString, "y"}, {"yEs", kindString, "yEs"},
	{"~", kindNull, "None"}, {"null", kindNull, "None"}, {"", kindNull, "None"}, {"nil", kindString, "nil"},
	{"0700", kindInt, "448"}, {"0o700", kindString, "0o700"}, {"089", kindString, "089"}, {"0x1F", kindInt, "31"},
	{"0b101", kindInt, "5"}, {"1_000", kindInt, "1000"}, {"+7", kindInt, "7"}, {"-0", kindInt, "0"}, {"-012", kindInt, "-10"},
	{"1:30", kindInt, "90"}, {"-1:30:00", kindInt, "-5400"}, {"1:60", kindString, "1:60"},
	{"123456789012345678901234567890", kindInt, "123456789012345678901234567890"},
	{"3.10", kindFloat, "3.1"}, {"2.0", kindFloat, "2.0"}, {"1e3", kindString, "1e3"}, {"1.5e+3", kindFloat, "1500.0"},
	{"1.0e+16", kindFloat, "1e+16"}, {"1.0e-5", kindFloat, "1e-05"}, {".5", kindFloat, "0.5"}, {"1.", kindFloat, "1.0"},
	{"-.inf", kindFloat, "-inf"}, {".NaN", kindFloat, "nan"}, {"190:20:30.15", kindFloat, "685230.15"},
	{"install.d", kindString, "install.d"}, {"2001-01-01", kindOther, "2001-01-01"}, {"1-1", kindString, "1-1"},
	{`"yes"`, kindString, "yes"}, {`'0700'`, kindString, "0700"}, {"!!str 12", kindString, "12"}, {"8-stream", kindString, "8-stream"},
}

func TestScalarsAreYAML11(t *testing.T) {
	for _, tc := range scalars {
		v, err := parseYAML([]byte("k: " + tc.text + "\n"))
		if err != nil {
			t.Errorf("%q: %v", tc.text, err)
			continue
		}
		if got, _ := v.get("k"); got.kind != tc.kind || got.text != tc.want {
			t.Errorf("%q: got %s %q, want %s %q", tc.text, got.kind, got.text, tc.kind, tc.want)
		}
	}
}

func TestScalarsAreThoseOfPyYAML(t *testing.T) {
	if err := exec.Command("/usr/bin/python3", "-c", "import yaml").Run(); err != nil {
		t.Skip("no python3 with yaml here to compare with")
	}
	var doc strings.Builder
	for _, tc := range scalars {
		doc.WriteString("- " + tc.text + "\n")
	}
	cmd := exec.Command("/usr/bin/python3", "-c", "import yaml,json,sys\nprint(json.dumps([str(v) for v in yaml.safe_load(sys.stdin)]))")
	cmd.Stdin = strings.NewReader(doc.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs []string
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	for i, tc := range scalars {
		if theirs[i] != tc.want {
			t.Errorf("%q: the table says %q, PyYAML %q", tc.text, tc.want, theirs[i])
		}
	}
}

func TestMapsKeepOrderAndTheLastValue(t *testing.T) {
	for _, doc := range []string{
		"b: 1\na: 2\nb: 3\n",
		`{"b": 1, "a": 2, "b": 3}`,
	} {
		v, err := parseJSON([]byte(doc))
		if err != nil {
			v, err = parseYAML([]byte(doc))
		}
		if err != nil || len(v.pairs) != 2 || v.pairs[0].key.text != "b" || v.pairs[0].value.text != "3" || v.pairs[1].key.text != "a" {
			t.Errorf("%s: %v %v", doc, v, err)
		}
	}
}

func TestYAMLMergesAndAliases(t *testing.T) {
	v, err := parseYAML([]byte("base: &b {phase: x, arch: y}\nother: &o {phase: z, when: w}\nuse:\n  arch: mine\n  <<: [*b, *o]\nquoted: {'<<': 1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	use, _ := v.get("use")
	for key, want := range map[string]string{"phase": "x", "arch": "mine", "when": "w"} {
		if got, _ := use.get(key); got.text != want {
			t.Errorf("%s: %q, want %q", key, got.text, want)
		}
	}
	quoted, _ := v.get("quoted")
	if got, ok := quoted.get("<<"); !ok || got.text != "1" {
		t.Error("a quoted << is a plain key")
	}
}

func TestYAMLBombsAreRefused(t *testing.T) {
	doc := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := '1'; i <= '9'; i++ {
		p := string(i - 1)
		doc += "a" + string(i) + ": &a" + string(i) + " [*a" + p + strings.Repeat(",*a"+p, 9) + "]\n"
	}
	if _, err := parseYAML([]byte(doc)); err == nil {
		t.Error("a billion laughs were heard out")
	}
}

func TestJSONErrors(t *testing.T) {
	for _, doc := range []string{"", "{", "{} {}", "[1,]", `{"a" 1}`, strings.Repeat("[", 100)} {
		if v, err := parseJSON([]byte(doc)); err == nil {
			t.Errorf("%q: %v", doc, v)
		}
	}
}
