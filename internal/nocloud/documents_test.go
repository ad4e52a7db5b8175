// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tabled is a document of testdata/documents, with what is to be said of it.
type tabled struct {
	name, text string
	seed       Seed
	said       []string
}

var saidLine = regexp.MustCompile(`^--- (\d+):(\d+) (error|warning): (.*) \| (.*)$`)

// documents reads the files of testdata/documents whose names match.
func documents(tb testing.TB, pattern string) (all []tabled) {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata/documents", pattern))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no documents %s: %v", pattern, err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		for _, block := range strings.Split("\n"+string(content), "\n=== ")[1:] {
			name, body, _ := strings.Cut(block, "\n")
			all = append(all, tabledDocument(filepath.Base(path), name, body))
		}
	}
	return all
}

func tabledDocument(file, name, body string) tabled {
	d := tabled{name: name}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(body, "\n"), "\n") {
		if saidLine.MatchString(line) {
			d.said = append(d.said, line)
		} else {
			lines = append(lines, line)
		}
	}
	d.text = strings.Join(lines, "\n") + "\n"
	switch {
	case strings.HasPrefix(file, "network"):
		d.seed.NetworkConfig = given("network_config", d.text)
	case strings.HasPrefix(file, "meta"):
		d.seed.MetaData = given("meta_data", d.text)
	default:
		if classify(d.text) == unrecognised {
			d.text = "#cloud-config\n" + d.text
		}
		d.seed.UserData = given("user_data", d.text)
	}
	return d
}

// Of each document exactly that is said what stands below it.
func TestDocuments(t *testing.T) {
	bad := documents(t, "*-bad.txt")
	if len(bad) < 120 {
		t.Errorf("only %d bad documents", len(bad))
	}
	for _, d := range bad {
		t.Run(d.name, func(t *testing.T) {
			if len(d.said) == 0 {
				t.Error("nothing is to be said of it")
			}
			d.check(t)
		})
	}
	good := documents(t, "*-good.txt")
	if len(good) < 60 {
		t.Errorf("only %d good documents beside those of good_test.go", len(good))
	}
	for _, d := range good {
		t.Run(d.name, d.check)
	}
}

func (d tabled) check(t *testing.T) {
	problems := d.seed.Check()
	for _, want := range d.said {
		if i := matching(problems, want); i < 0 {
			t.Errorf("not said: %s", want)
		} else {
			problems = append(problems[:i:i], problems[i+1:]...)
		}
	}
	for _, p := range problems {
		t.Errorf("said, too: %d:%d %s", p.Line, p.Column, p.Error())
	}
}

// matching is the problem that a line is about, -1 if there is none.
func matching(problems Problems, want string) int {
	m := saidLine.FindStringSubmatch(want)
	for i, p := range problems {
		at := fmt.Sprintf("%d:%d", p.Line, p.Column)
		if at == m[1]+":"+m[2] && p.Warning == (m[3] == "warning") && strings.Contains(p.Text, m[4]) && strings.Contains(p.Advice, m[5]) {
			return i
		}
	}
	return -1
}

// No message repeats what stands in a document behind a key.
func TestMessagesHoldNoSecrets(t *testing.T) {
	for _, d := range documents(t, "*.txt") {
		for _, p := range d.seed.Check() {
			if strings.Contains(p.Error(), "hunter2") {
				t.Errorf("%s: %s", d.name, p.Error())
			}
		}
	}
}
