// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// Sources of apt: no field has blanks, comments and other kinds are left out,
// and what we write of them reads the same.
func FuzzAptSources(f *testing.F) {
	f.Add(deb822)
	f.Add(oneLine)
	f.Add("deb [a=b] http://h/ sid main # x\ndeb-src http://h sid main\ndeb\thttp://h\t./\ndeb[x]u s")
	f.Add("Types: deb\nURIs: http://h\n http://i\nSuites: a b\nEnabled: no\n\n:x\n y\nTypes:deb deb-src\nUris:u\nSuites:s\n#c\nComponents:main")
	f.Fuzz(func(t *testing.T, doc string) {
		var lines, fields strings.Builder
		entries := append(parseSourcesFile(doc), parseSourcesList(doc)...)
		for _, e := range entries {
			for _, word := range append([]string{e.uri, e.suite}, e.components...) {
				if len(strings.Fields(word)) != 1 || strings.Fields(word)[0] != word || !strings.Contains(doc, word) {
					t.Errorf("%q in %+v", word, e)
				}
			}
			fmt.Fprintf(&lines, "deb %s %s %s\n", e.uri, e.suite, strings.Join(e.components, " "))
			fmt.Fprintf(&fields, "Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\n\n", e.uri, e.suite, strings.Join(e.components, " "))
		}
		if again := parseSourcesFile(fields.String()); !slices.EqualFunc(again, entries, sameEntry) {
			t.Errorf("%q, read again: %q", entries, again)
		}
		if again := parseSourcesList(lines.String()); !strings.ContainsAny(lines.String(), "#[") && !slices.EqualFunc(again, entries, sameEntry) {
			t.Errorf("%q, read again: %q", entries, again)
		}
	})
}

func sameEntry(a, b aptEntry) bool {
	return a.uri == b.uri && a.suite == b.suite && slices.Equal(a.components, b.components)
}

// A line of a source-repository file is parted as bash parts it.
func FuzzRepositoryLine(f *testing.F) {
	bash := foreign.Bash(f, `answer() {
    local line='^([^ ]+) (git|tar|file|package) ?(/[^ ]+)? ?([^ ]+)? ?([^ ]*)$'
    if [[ "$1" =~ $line ]]; then
        printf '%s\x01' "${BASH_REMATCH[@]:1}"
    fi
}`)
	for _, seed := range []string{
		"name git /opt/x https://host/x.git master", "name tar /opt/x", "name  git", "n package", "n git git /x y z",
		"n file / l", "n git /a  b", "n tar /a\tb c", "n\x80 git /\xff l\n r",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, err := parseRepository(line, func(_, fallback string) string { return fallback })
		if !strings.ContainsAny(line, "\x00\x01") && utf8.ValidString(line) {
			if text, ok := bash.AskText(t, line); ok {
				ours := ""
				if err == nil {
					m := repositoryLine.FindStringSubmatch(line)
					ours = strings.Join(m[1:], "\x01") + "\x01"
				}
				if text != ours {
					t.Errorf("%q: bash says %q, we %q", line, text, ours)
				}
			}
		}
		if err == nil && (r.name == "" || r.dest != "" && r.dest[0] != '/' || r.ref == "" && (r.kind == "git" || r.kind == "tar") ||
			strings.Trim(r.cacheName(), "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "") {
			t.Errorf("%q: %+v", line, r)
		}
		if moved := rebase(line, "https://base/"); moved != line && !strings.HasPrefix(moved, "https://base/") {
			t.Errorf("%q is moved to %q", line, moved)
		}
		for _, l := range listLines(line) {
			if l == "" || l[0] == '#' || strings.TrimSpace(l) != l {
				t.Errorf("the line %q", l)
			}
		}
	})
}

// Command lines are taken apart as Python's getopt.gnu_getopt does.
func FuzzOptions(f *testing.F) {
	python := foreign.Python(f, `
import getopt
def answer(args):
    try:
        opts, rest = getopt.gnu_getopt(args, "hnd:", ["help", "noop", "phase=", "path=", "elements="])
        return [[o, v] for o, v in opts], rest
    except getopt.GetoptError as e:
        return None`)
	for _, seed := range []string{
		"--phase\x00install.d\x00-n\x00file", "--ph=x\x00--pa\x00-", "--p=1", "-hnd\x00x\x00--\x00-n", "-dx\x00--help=1", "-\x00--", "--elements", "-é\x00--é", "--=x",
	} {
		f.Add(seed)
	}
	o := options{flags: []string{"-h", "-n", "--help", "--noop"}, values: []string{"-d", "--phase", "--path", "--elements"}}
	f.Fuzz(func(t *testing.T, doc string) {
		args := strings.Split(doc, "\x00")
		p, err := o.parse(args)
		if !utf8.ValidString(doc) {
			return
		}
		var theirs [2]json.RawMessage
		if !python.Ask(t, args, &theirs) {
			return
		}
		if (theirs[1] == nil) != (err != nil) {
			t.Fatalf("%q: we say %v, Python %s", args, err, theirs)
		}
		if err != nil {
			return
		}
		var pairs [][2]string
		var rest []string
		if json.Unmarshal(theirs[0], &pairs) != nil || json.Unmarshal(theirs[1], &rest) != nil {
			t.Fatalf("%s", theirs)
		}
		set := map[string]string{}
		for _, pair := range pairs {
			set[pair[0]] = pair[1]
		}
		if fmt.Sprintf("%q", set) != fmt.Sprintf("%q", p.set) || fmt.Sprintf("%q", rest) != fmt.Sprintf("%q", p.operands) {
			t.Errorf("%q: we say %q %q, Python %q %q", args, p.set, p.operands, set, rest)
		}
		lenient := o
		lenient.lenient = true
		if q, err := lenient.parse(args); err != nil || fmt.Sprintf("%q", q) != fmt.Sprintf("%q", p) {
			t.Errorf("%q: leniently %q (%v), not %q", args, q, err, p)
		}
	})
}

// A sudo command line keeps its command, and the words that go through a shell
// come out of it as they were.
func FuzzSudo(f *testing.F) {
	bash := foreign.Bash(f, `answer() { eval "set -- $1"; printf '%s\x01' "$@"; }`)
	for _, seed := range []string{
		"-E\x00apt-get\x00install", "-u\x00nobody\x00-H\x00--\x00-x", "-nEu#0\x00A=b\x00id", "--user=x\x00-i", "-D\x00/\x00ls", "-s\x00a b\x00c'd\"e`f\\",
		"--chdir", "-k", "A=b\x00C/=d", "-\x00x", "-i\x00\x00a\nb\t\xff\u00e9*?[]{}~!#&|;<>()", "-ux",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		args := strings.Split(doc, "\x00")
		r, err := parseSudo(args)
		if err != nil {
			return
		}
		if n := len(args) - len(r.command); n < 0 || !slices.Equal(args[n:], r.command) {
			t.Errorf("%q runs %q", args, r.command)
		}
		for _, e := range r.environment {
			if !isAssignment(e) || !slices.Contains(args, e) {
				t.Errorf("%q sets %q", args, e)
			}
		}
		line := escapeWords(r.command)
		if strings.ContainsAny(doc, "$\n\x01") || slices.Contains(r.command, "") {
			return // "$" keeps its meaning, sudo loses the others too
		}
		if words, ok := bash.AskText(t, line); ok && len(r.command) > 0 && words != strings.Join(r.command, "\x01")+"\x01" {
			t.Errorf("bash makes %q of %q, which is %q", words, line, r.command)
		}
	})
}

// The ID of os-release is found as Python finds it.
func FuzzHostDistribution(f *testing.F) {
	python := foreign.Python(f, `
import platform
def answer(text):
    try:
        return platform._parse_os_release(text.split("\n")).get("ID", "")
    except AttributeError:
        return None`)
	for _, seed := range []string{"ID=debian\n", "NAME=x\nID=\"a b\"\nID='c'", "  ID=x", "ID=", "#ID=x\nID= y", "ID=\"x'\"", "VERSION_ID=1\nID=\"a\\\"b\""} {
		f.Add(seed)
	}
	dir := f.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "etc"), 0o755); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if err := os.WriteFile(filepath.Join(dir, "etc/os-release"), []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		id, err := (&call{root: dir}).hostDistribution()
		var theirs *string
		if err != nil || strings.ContainsAny(id, "\n") {
			t.Errorf("%q is %q, %v", doc, id, err)
		}
		// IDs have these characters only; of others little depends.
		word := strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
		if word && utf8.ValidString(doc) && python.Ask(t, doc, &theirs) && theirs != nil && *theirs != "" && *theirs != "linux" && *theirs != id &&
			strings.Trim(*theirs, "abcdefghijklmnopqrstuvwxyz0123456789._-") == "" {
			t.Errorf("%q: we say %q, Python %q", doc, id, *theirs)
		}
	})
}

// No part of a password in a URL is shown.
func FuzzRedact(f *testing.F) {
	for _, seed := range []string{"https://u:secret@host/x", "https://secret@host", "u:secret@h", "ftp://a:se%zzret@b", "http://[::1%25x]:secret@", "//u:secret@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		shown := redact(raw)
		u, err := url.Parse(raw)
		if err != nil || u.User == nil {
			return
		}
		if password, set := u.User.Password(); set {
			u.User = url.UserPassword(u.User.Username(), "xxxxx")
			if shown != u.String() {
				t.Errorf("%q with the password %q is shown as %q", raw, password, shown)
			}
		}
	})
}

// The services that are merged read the same, each by the most special name.
func FuzzServices(f *testing.F) {
	for _, seed := range []string{
		"ssh:\n  default: sshd\n  debian: ssh\n  redhat: x\n", "a: {default: b}\na: {default: c}", "a:", "- a", "a: b", "on: {default: 1.10}", "{}", "a: {debian: [x]}",
	} {
		f.Add([]byte(seed), "debian")
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, doc []byte, distro string) {
		if err := os.WriteFile(filepath.Join(dir, "svc-map"), doc, 0o600); err != nil {
			t.Fatal(err)
		}
		merged := value{kind: kindMap}
		if err := mergeServices(&merged, source{"x", dir}, distro); err != nil {
			return
		}
		out, err := encodeServices(merged)
		if err != nil {
			t.Fatal(err)
		}
		var again map[string]string
		if err := yaml.Unmarshal(out, &again); err != nil || len(again) != len(merged.pairs) {
			t.Fatalf("%q became %q: %v", doc, out, err)
		}
		for _, p := range merged.pairs {
			if again[p.key.text] != p.value.text && utf8.ValidString(p.key.text+p.value.text) {
				t.Errorf("%q became %q", doc, out)
			}
			if v, err := parseYAML(out); err != nil {
				t.Errorf("%q became %q: %v", doc, out, err)
			} else if name, ok := v.get(p.key.text); !ok || name.text != p.value.text {
				t.Errorf("%q became %q, which svc-map reads as %v", doc, out, v)
			}
		}
		if len(merged.pairs) > 0 {
			if err := mergeServices(&merged, source{"y", dir}, distro); err == nil {
				t.Errorf("%q of two elements was merged", doc)
			}
		}
	})
}
