// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// Whatever the user-data, each problem has a place inside it and says what is
// wrong, and a second look finds the same.
func FuzzUserData(f *testing.F) {
	addTexts(f)
	f.Add("\r\r\r\r\r\r\r\r0")
	f.Fuzz(func(t *testing.T, text string) {
		d := given("text", text)
		checkProblems(t, text, Seed{UserData: d}.Check(), Seed{UserData: d}.Check())
	})
}

// The same for network-config.
func FuzzNetworkConfig(f *testing.F) {
	addTexts(f)
	f.Add("&x {<<: *x}")
	f.Add("version: 2\nethernets: &e {<<: *e, a: *e}")
	f.Fuzz(func(t *testing.T, text string) {
		d := given("text", text)
		checkProblems(t, text, Seed{NetworkConfig: d}.Check(), Seed{NetworkConfig: d}.Check())
	})
}

func addTexts(f *testing.F) {
	for _, b := range badUserData {
		if len(b.text) < 1000 {
			f.Add(b.text)
		}
	}
	for _, texts := range []map[string]string{goodUserData, goodMetaData, goodNetworkConfig} {
		for _, text := range texts {
			f.Add(text)
		}
	}
}

func checkProblems(t *testing.T, text string, problems, again Problems) {
	t.Helper()
	if fmt.Sprint(problems) != fmt.Sprint(again) {
		t.Errorf("%q: first %v, then %v", text, problems, again)
	}
	lines := 1 + strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029")
	for _, p := range problems {
		if p.Text == "" || p.Line < 0 || p.Column < 0 || p.Part == "" && p.Line > lines+1 {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

// What is right as meta-data can be rendered, with an instance-id that is the one
// that stands in it then.
func FuzzMetaData(f *testing.F) {
	addTexts(f)
	f.Add("&x {<<: *x}")
	f.Fuzz(func(t *testing.T, text string) {
		s := Seed{MetaData: given("text", text), Hostname: "web"}
		if s.Check().Err() != nil {
			return
		}
		out, err := s.Render()
		if err != nil {
			t.Skip(err) // written in a way that nothing can be added to
		}
		again := Seed{MetaData: Document{Attribute: "again", Text: out.Files[1].Content}}
		if err := again.Check().Err(); err != nil {
			t.Fatalf("%q became %q: %v", text, out.Files[1].Content, err)
		}
		if second, err := again.Render(); err != nil || second.InstanceID != out.InstanceID || second.Derived {
			t.Fatalf("%q became %q with the id %q, not %q (%v)", text, out.Files[1].Content, second.InstanceID, out.InstanceID, err)
		}
	})
}

// A MIME message that the standard library writes has no problems but those of
// its parts; any other text ends in problems at worst.
func FuzzMIME(f *testing.F) {
	f.Add("#!/bin/sh\necho", "text/x-shellscript", "#cloud-config\na: b\n", "")
	f.Add("#cloud-config\n\ta", "text/cloud-config", "--x--", "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"x\"\n\n--x\n\n#!\n--x--\n")
	f.Add("a", "text/plain", "", "Content-Type: multipart/mixed; boundary=x\nMIME-Version: 1.0\n\n--x\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\nH4sI\n")
	f.Fuzz(func(t *testing.T, first, kind, second, whole string) {
		checkProblems(t, whole, Seed{UserData: given("text", whole)}.Check(), Seed{UserData: given("text", whole)}.Check())
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		fmt.Fprintf(&b, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=%q\n\n", w.Boundary())
		for _, part := range []string{first, second} {
			// The standard library ends headers and boundary lines in CRLF.
			p, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {kind}})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(p, part)
		}
		if err := w.Close(); err != nil || strings.ContainsFunc(kind, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' }) || strings.Contains(first+second, "\r") || !utf8.ValidString(first+second+kind) {
			return
		}
		for _, p := range (Seed{UserData: given("text", b.String())}).Check() {
			if strings.Contains(p.Text, "without parts") || strings.Contains(p.Text, "not closed") || strings.Contains(p.Text, "headers that cannot") {
				t.Errorf("%q: %v", b.String(), p)
			}
		}
	})
}

// A document that is taken for YAML is YAML to cloud-init's parser.
func FuzzYAMLDocument(f *testing.F) {
	python := foreign.Python(f, judgeYAML+"answer = judge")
	addTexts(f)
	f.Add("! \"!\"")
	f.Add("\ufeff>#")
	f.Fuzz(func(t *testing.T, text string) {
		var problems Problems
		r := newReporter(Document{}, &problems)
		var verdict *string
		if !utf8.ValidString(text) || len(text) > 4096 {
			return
		}
		if _, ok := r.yamlDocument(text); !ok || !python.Ask(t, text, &verdict) || verdict == nil {
			return
		}
		t.Errorf("accepted %q, of which PyYAML says %s", text, *verdict)
	})
}

// Whatever the target's cloud-init says of whatever document, something is
// told of each refusal, in one line, and the same each time.
func FuzzJudgement(f *testing.F) {
	const document = "#cloud-config\nhostname: a\nusers:\n- name: x\n  a.b: {c: 1}\n"
	for _, said := range []string{
		"Cloud config schema errors: hostname: 'a' is not of type 'integer', users.0.a.b.c: 1 is not of type 'string'\nError: Invalid",
		"Cloud config schema deprecations: hostname: DEPRECATED. Use **fqdn**. Deprecated in version 22.4.\nValid cloud-config",
		"Cloud config schema errors: format-l3.c1: File document is not valid YAML. while parsing",
		"Error:\nCloud config schema errors: : Additional properties are not allowed ('b' was unexpected)",
		"Traceback (most recent call last):", "",
	} {
		f.Add(document, said)
	}
	for name, text := range goodUserData {
		f.Add(text, "Cloud config schema errors: "+name+".0: x is not one of ['a']")
	}
	f.Fuzz(func(t *testing.T, text, said string) {
		if len(text) > 4096 {
			return
		}
		output := "nocloud.version=25.1.4-1\nnocloud.seed=installed\nnocloud.pin=installed\n"
		for line := range strings.SplitSeq(said, "\n") {
			output += "nocloud.schema=user-data:" + line + "\n"
		}
		report, err := ParseReport(output + "nocloud.judged=user-data:refused\nnocloud.done=yes\n")
		if err != nil || len(report.Judged) != 1 {
			t.Fatalf("%q: %+v %v", said, report, err)
		}
		s := Seed{UserData: given("user_data", text)}
		out := Rendered{Files: []File{{Name: UserDataFile, Content: []byte(text)}}}
		problems := out.Judgement(s, report)
		checkProblems(t, text, problems, out.Judgement(s, report))
		judged := out.judged(nil)
		if told := len(problems.Errors()) > 0; told != (len(judged) == 1 && judged[0].file == UserDataFile) {
			t.Errorf("%q refused with %q: %v", text, said, problems)
		}
		for _, p := range problems {
			if strings.ContainsAny(p.Text, "\n\r") {
				t.Errorf("%q refused with %q: %q", text, said, p.Text)
			}
		}
	})
}
