// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

func part(attribute, text string) Part { return Part{Document: given(attribute, text)} }

func composed(t *testing.T, s Seed) string {
	t.Helper()
	text, err := s.userData()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOnePartStaysPlain(t *testing.T) {
	const text = "#cloud-config\na: b"
	for _, s := range []Seed{
		{UserData: given("u", text)},
		{Parts: []Part{part("p", text)}},
		{UserData: given("u", "\n"), Parts: []Part{part("p", text), part("q", "")}},
	} {
		if got := composed(t, s); got != text {
			t.Errorf("%+v became %q", s, got)
		}
	}
	if got := composed(t, Seed{Parts: []Part{part("q", " ")}}); got != EmptyDocument {
		t.Errorf("nothing became %q", got)
	}
	if got := composed(t, Seed{Parts: []Part{{Document: given("s", "#!/bin/sh\n"), Type: ScriptTypes["boot"]}}}); !strings.Contains(got, "Content-Type: text/x-shellscript-per-boot") {
		t.Errorf("a script per boot became %q", got)
	}
}

func TestPartsBecomeAMessage(t *testing.T) {
	s := Seed{UserData: given("user_data", "#cloud-config\nruncmd: [a]\n"), Parts: []Part{
		part("cloud_config", "#cloud-config\nruncmd: [b]\n"),
		{Document: given("script", "#!/bin/sh\necho größer\n"), Type: ScriptTypes["once"], Filename: "10-first"},
		{Document: given("part", "#cloud-config\nmerge_how: 'list(append)'\nhostname: b"), Filename: "x"},
	}}
	const want = `Content-Type: multipart/mixed; boundary="===MARK==="
MIME-Version: 1.0

--===MARK===
Content-Type: text/cloud-config; charset="utf-8"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
Content-Disposition: attachment; filename="user-data"

#cloud-config
runcmd: [a]

--===MARK===
Content-Type: text/cloud-config; charset="utf-8"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
Content-Disposition: attachment; filename="part-002"
Merge-Type: list(append)+dict(no_replace,recurse_list)+str()

#cloud-config
runcmd: [b]

--===MARK===
Content-Type: text/x-shellscript-per-once; charset="utf-8"
MIME-Version: 1.0
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="10-first"

IyEvYmluL3NoCmVjaG8gZ3LDtsOfZXIK
--===MARK===
Content-Type: text/cloud-config; charset="utf-8"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
Content-Disposition: attachment; filename="x"

#cloud-config
merge_how: 'list(append)'
hostname: b
--===MARK===--
`
	got := composed(t, s)
	mark := strings.Split(got, "===")[1]
	if diff := cmp.Diff(want, strings.ReplaceAll(got, mark, "MARK")); diff != "" || len(mark) != 32 {
		t.Errorf("boundary %s:\n%s", mark, diff)
	}
	if again := composed(t, s); again != got {
		t.Errorf("the second time:\n%s", again)
	}
	for _, p := range s.Check() {
		t.Error(p.Error())
	}
	for _, p := range (Seed{UserData: given("whole", got)}).Check() {
		t.Error(p.Error())
	}
}

// A message among the parts is an entity without the line that mail folders begin with.
func TestMessageAmongParts(t *testing.T) {
	const message = "Content-Type: multipart/mixed; boundary=B\nMIME-Version: 1.0\n\n--B\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--B--\n"
	s := Seed{UserData: given("u", "From me Thu Jan  1 00:00:00 1970\n"+message), Parts: []Part{part("p", "#cloud-config\na: b\n")}}
	got := composed(t, s)
	if _, after, _ := strings.Cut(got, "\n\n--==="); !strings.Contains(after, "===\n"+message) || strings.Contains(got, "From me") {
		t.Errorf("composed %q", got)
	}
}

func TestCompressedSeedIsTheSame(t *testing.T) {
	s := Seed{UserData: given("u", "#cloud-config\na: b\n"), Compress: true}
	first, second := composed(t, s), composed(t, s)
	if plain, err := gunzip([]byte(first)); err != nil || string(plain) != "#cloud-config\na: b\n" || first != second {
		t.Errorf("%q and %q: %q, %v", first, second, plain, err)
	}
	if !bytes.Equal([]byte(first)[4:8], make([]byte, 4)) {
		t.Error("there is a time in it")
	}
	s.UserData = given("u", first)
	if got := composed(t, s); got != first {
		t.Error("what is compressed was compressed again")
	}
	s.Parts = []Part{part("p", "#!/bin/sh\n")}
	s.Compress = false
	if got := composed(t, s); !strings.Contains(got, "\n#cloud-config\na: b\n") {
		t.Errorf("in a message: %q", got)
	}
}

// Parts that contradict each other are told, those that add up are not.
func TestPartsThatContradict(t *testing.T) {
	const cc = "#cloud-config\n"
	for _, c := range []struct{ first, second, says string }{
		{"timezone: UTC", "timezone: UTC", ""},
		{"runcmd: [a]", "runcmd: [b]", ""},
		{"ntp: {servers: [a]}", "ntp: {servers: [b], enabled: true}", ""},
		{"a: 1\n<<: {b: 1}", "<<: {b: 2}", ""},
		{"timezone: UTC", "timezone: Europe/Rome", "timezone has another value in first"},
		{"ntp: {enabled: true}", "ntp: {enabled: false}", "ntp.enabled has another value"},
		{"runcmd: [a]", "runcmd: a", "runcmd has another value"},
		{"runcmd:", "runcmd: [a]", "runcmd has another value"},
		{"a: '1'", "a: 1", "a has another value"},
		{"users: [default, {name: x}]", "users: [default, {name: y}]", ""},
		{"users: [{name: x}]", "users: [{name: x}]", `user "x" is described in first`},
		{"users: [{name: x}, {name: x, uid: 1}]", "users: [{name: y}]", ""},
		{"a.b: 1\na: {b: 2}", "a.b: 1\nb: 1", ""},
		{"a.b: 1", "a: {b: 2}", ""},
		{"a: &a {b: *a, c: 1}", "a: &a {b: *a, c: 2}", "a.c has another value"},
		{"timezone: UTC", "merge_how: 'dict(replace)'\ntimezone: Europe/Rome", ""},
	} {
		s := Seed{UserData: given("first", cc+c.first+"\n"), Parts: []Part{part("second", cc+c.second+"\n")}}
		problems := s.Check().Errors()
		s.UserData.Text, s.Parts[0].Text = []byte(gz(string(s.UserData.Text))), []byte(gz(string(s.Parts[0].Text)))
		if packed := s.Check().Errors(); len(packed) != len(problems) || len(packed) > 0 && (packed[0].Text != problems[0].Text || packed[0].Part != "decompressed") {
			t.Errorf("compressed: %v, want %v", packed, problems)
		}
		switch {
		case c.says == "":
			if text := fmt.Sprint(problems); strings.Contains(text, "another value") || strings.Contains(text, "is described") {
				t.Errorf("%q and %q: %v", c.first, c.second, problems)
			}
		default:
			found := false
			for _, p := range problems {
				found = found || p.Attribute == "second" && p.Line == 2 && strings.Contains(p.Text, c.says)
			}
			if !found {
				t.Errorf("%q and %q: %v", c.first, c.second, problems)
			}
		}
	}
}

func TestMetaIsAdded(t *testing.T) {
	s := Seed{Meta: map[string]string{"role": "web", "no": "1"}, InstanceID: "i-1"}
	_, files := render(t, s)
	if want := "instance-id: i-1\n\"no\": \"1\"\nrole: web\n"; files["meta-data"] != want {
		t.Errorf("%q, want %q", files["meta-data"], want)
	}
	s.MetaData = given("meta_data", "role: db\n")
	if err := s.Check().Err(); err == nil || !strings.Contains(err.Error(), "meta_data, line 1, column 1: role is given here and in meta") {
		t.Error(err)
	}
}

// judgeMessage has cloud-init itself take user-data apart: type, file name and
// content of each part, and the cloud-config that comes of merging.
const judgeMessage = `
import logging, sys, tempfile
sys.path.insert(0, "/usr/lib/python3/dist-packages")
logging.disable(logging.CRITICAL)
from cloudinit import handlers, helpers, safeyaml, user_data, util
from cloudinit.handlers.cloud_config import CloudConfigPartHandler
def answer(text):
    with tempfile.TemporaryDirectory() as d:
        paths = helpers.Paths({"cloud_dir": d, "run_dir": d})
        message = user_data.UserDataProcessor(paths).process(text.encode())
        config = CloudConfigPartHandler(paths)
        config.cloud_fn = d + "/merged"
        parts = []
        config.handle_part(None, handlers.CONTENT_START, None, None, None, None)
        for p in message.walk():
            if user_data.is_skippable(p): continue
            payload = util.fully_decoded_payload(p)
            parts.append([p.get_content_type(), p.get_filename(), payload])
            if p.get_content_type() == "text/cloud-config":
                config.handle_part(None, "text/cloud-config", p.get_filename(), payload, None, dict(p))
        config.handle_part(None, handlers.CONTENT_END, None, None, None, None)
        with open(config.cloud_fn) as f: merged = safeyaml.load(f.read())
        return {"Parts": parts, "Merged": merged}
`

// taken is what cloud-init takes out of a message.
type taken struct {
	Parts  [][]string
	Merged map[string]any
}

func TestCloudInitMergesParts(t *testing.T) {
	judge := foreign.Python(t, judgeMessage)
	var got taken
	s := Seed{UserData: given("a", "#cloud-config\nruncmd: [a]\nntp: {servers: [s1]}\ntimezone: UTC\n"), Parts: []Part{
		part("b", "#cloud-config\nruncmd: [[b, c]]\nntp: {enabled: true, servers: [s2]}\n"),
		{Document: given("s", "#!/bin/sh\necho ä\n"), Type: ScriptTypes["boot"], Filename: "x"},
		part("c", "#cloud-config\nruncmd: [d]\npackages: [p]\n"),
		part("m", "Content-Type: multipart/mixed; boundary=\"in\"\nMIME-Version: 1.0\n\n--in\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--in--\n"),
	}}
	if !judge.Ask(t, composed(t, s), &got) {
		t.Skip("no cloud-init on this host")
	}
	want := map[string]any{
		"runcmd": []any{"a", []any{"b", "c"}, "d"}, "timezone": "UTC", "packages": []any{"p"},
		"ntp": map[string]any{"servers": []any{"s1", "s2"}, "enabled": true},
	}
	if diff := cmp.Diff(want, got.Merged); diff != "" {
		t.Error(diff)
	}
	if len(got.Parts) != 5 || got.Parts[4][0] != "text/x-shellscript" || got.Parts[4][2] != "#!/bin/sh" {
		t.Errorf("the parts %q", got.Parts)
	}
}

// Whatever the parts hold, cloud-init takes out of the message what was put in.
func FuzzCompose(f *testing.F) {
	judge := foreign.Python(f, judgeMessage)
	for _, text := range []string{"", "echo\n", "\n\necho", "a\r\nb\r\n", "größe\n", "--===\n", "From x\n", "\t\x00\x0b\f\x1c", strings.Repeat("x", 2000), "\u0085", "a: b\n.\n"} {
		f.Add(text, "name")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		if !utf8.ValidString(text+name) || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || c == '%' }) || name == "" {
			return // what seedconfig refuses
		}
		// A shebang keeps cloud-init from guessing at another kind.
		scripts := []string{"#!/bin/sh\n" + text, "#!" + text + "\n"}
		s := Seed{Parts: []Part{
			{Document: given("a", scripts[0]), Type: ScriptTypes["boot"], Filename: name},
			{Document: given("b", scripts[1]), Type: ScriptTypes["once"], Filename: name},
		}}
		message := composed(t, s)
		if message != composed(t, s) {
			t.Error("two messages of one seed")
		}
		for _, p := range (Seed{UserData: given("whole", message)}).Check() {
			if strings.Contains(p.Text, "not closed") || strings.Contains(p.Text, "headers that cannot") || strings.Contains(p.Text, "not base64") {
				t.Error(p.Error())
			}
		}
		var got taken
		want := [][]string{{ScriptTypes["boot"], name, scripts[0]}, {ScriptTypes["once"], name, scripts[1]}}
		if judge.Ask(t, message, &got) && !cmp.Equal(want, got.Parts) {
			t.Errorf("%q:\n%s", message, cmp.Diff(want, got.Parts))
		}
	})
}
