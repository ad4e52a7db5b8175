// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/schema"
)

// Judgement tells what the target's own `cloud-init schema` said, as problems of
// the seed's documents. Its messages repeat values, which may be passwords: of
// each, only the place and what is known to come from the schema itself is kept.
func (out Rendered) Judgement(s Seed, report Report) (problems Problems) {
	judge := "cloud-init " + report.Release() + "'s own schema"
	documents := out.judged(s.CustomKeys)
	for _, v := range report.Judged {
		i := slices.IndexFunc(documents, func(j judged) bool { return j.file == v.File })
		if i < 0 {
			continue
		}
		j := documents[i]
		switch v.Result {
		case "no": // before 23.4 there is no schema for network-config, and nothing to be done about it
			continue
		case "failed":
			p := j.problem(s, out, place{})
			p.Warning, p.Text = true, judge+" could not judge it"
			problems = append(problems, p)
			continue
		}
		problems = append(problems, j.complaints(s, out, judge, v.Said)...)
		if v.Result == "refused" && len(problems.Errors()) == 0 {
			p := j.problem(s, out, place{})
			p.Text = judge + " refuses it, in words that are not known here and not shown, as they may repeat values"
			p.Advice = "run `cloud-init schema` on it by hand"
			problems = append(problems, p)
		}
	}
	return problems
}

// SchemaVersion is the version to judge documents for, zero if unknown.
func (r Report) SchemaVersion() schema.Version {
	version, _ := schema.ParseVersion(r.Version)
	return version
}

// Release is the version without the package's revision, or a word for it.
func (r Report) Release() string {
	return cmp.Or(releaseNumber.FindString(r.Version), "of unknown version")
}

var releaseNumber = regexp.MustCompile(`^[0-9.]*[0-9]`)

var (
	schemaSection = regexp.MustCompile(`Cloud config schema (errors|deprecations): `)
	sectionEnd    = regexp.MustCompile(`\n *(Invalid|Valid|Error:|Skipping)`)
	pathStart     = regexp.MustCompile(`(?:^|, |\n)([^\s:,]+): `)
	formatPlace   = regexp.MustCompile(`^format-l(\d+)\.c(\d+)$`)
)

// complaints reads the tool's output.
func (j judged) complaints(s Seed, out Rendered, judge, said string) (problems Problems) {
	root, _ := parseYAML(strings.NewReader(j.text))
	seen := map[string]bool{}
	starts := schemaSection.FindAllStringSubmatchIndex(said, -1)
	for i, at := range starts {
		end := len(said)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		text := said[at[1]:end]
		if cut := sectionEnd.FindStringIndex(text); cut != nil {
			text = text[:cut[0]]
		}
		warning := said[at[2]:at[3]] == "deprecations"
		for _, c := range splitComplaints(text, root) {
			p := j.problem(s, out, c.at)
			p.Warning = warning
			p.Text = c.path + " " + c.words(warning) + ", says " + judge
			if !seen[p.Error()] {
				seen[p.Error()] = true
				problems = append(problems, p)
			}
		}
	}
	return problems
}

// complaint is one message of the tool.
type complaint struct {
	path string
	at   place
	body string
}

// splitComplaints cuts "path: message, path: message" where a path of the document
// stands; messages have commas and colons of their own.
func splitComplaints(text string, root *yaml.Node) (all []complaint) {
	end := 0
	for _, m := range pathStart.FindAllStringSubmatchIndex(text, -1) {
		raw := text[m[2]:m[3]]
		c := complaint{}
		if f := formatPlace.FindStringSubmatch(raw); f != nil {
			line, _ := strconv.Atoi(f[1])
			column, _ := strconv.Atoi(f[2])
			c.path, c.at = "the text", place{line, column}
		} else if c.path, c.at = pathOf(root, raw); c.path == "" {
			continue
		}
		if len(all) > 0 {
			all[len(all)-1].body = text[end:m[0]]
		}
		all, end = append(all, c), m[1]
	}
	if len(all) > 0 {
		all[len(all)-1].body = text[end:]
	}
	return all
}

// pathOf finds "users.0.name" in a document: users[0].name, and where it stands.
// Keys may have dots themselves.
func pathOf(n *yaml.Node, path string) (string, place) {
	if n = resolve(n); n == nil {
		return "", place{}
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := resolve(n.Content[i])
			if path == key.Value {
				return key.Value, at(key)
			}
			rest, ok := strings.CutPrefix(path, key.Value+".")
			if !ok {
				continue
			}
			if inner, where := pathOf(n.Content[i+1], rest); inner != "" {
				return key.Value + dotted(inner), where
			}
		}
	case yaml.SequenceNode:
		index, rest, more := strings.Cut(path, ".")
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= len(n.Content) {
			return "", place{}
		}
		item := resolve(n.Content[i])
		if !more {
			return fmt.Sprintf("[%d]", i), at(item)
		}
		if inner, where := pathOf(item, rest); inner != "" {
			return fmt.Sprintf("[%d]", i) + dotted(inner), where
		}
	}
	return "", place{}
}

func dotted(inner string) string {
	if strings.HasPrefix(inner, "[") {
		return inner
	}
	return "." + inner
}

// schemaWords are ends of messages that come from the schema alone, and what is
// said of those that do not.
var schemaWords = []struct {
	end   *regexp.Regexp
	words string
}{
	{regexp.MustCompile(`is not of type '[a-z]+'(, '[a-z]+')*$`), ""},
	{regexp.MustCompile(`is not valid under any of the given schemas$`), "has none of the forms that are allowed"},
	{regexp.MustCompile(`is not one of \[[^\[\]]*\]$`), ""},
	{regexp.MustCompile(`'[a-z_-]+' is a required property$`), ""},
	{regexp.MustCompile(`Additional properties are not allowed \(.*$`), "is, or has, a key that is not allowed there"},
	{regexp.MustCompile(`does not match .*$`), "is not written as it must be"},
	{regexp.MustCompile(`is not a '[a-z-]+'$`), ""},
	{regexp.MustCompile(`is too (short|long)$`), ""},
	{regexp.MustCompile(`is (less|greater) than the (minimum|maximum) of [0-9.]+$`), ""},
	{regexp.MustCompile(`has non-unique elements$`), ""},
	{regexp.MustCompile(`should be non-empty$`), ""},
	{regexp.MustCompile(`does not have enough properties$`), ""},
	{regexp.MustCompile(`(?s)is not valid [yY][aA][mM][lL].*$`), "is not valid YAML"},
}

var constantText = regexp.MustCompile(`^(?i:deprecated|changed|new)\b`)

// words are what may be shown of a message.
func (c complaint) words(deprecation bool) string {
	body := strings.Join(strings.Fields(c.body), " ")
	if deprecation && constantText.MatchString(body) {
		body = strings.TrimPrefix(strings.NewReplacer("**", "", "``", "").Replace(body), "DEPRECATED: ")
		return "is deprecated: " + shorten(body, 200)
	}
	for _, w := range schemaWords {
		if found := w.end.FindString(body); found != "" {
			return cmp.Or(w.words, found)
		}
	}
	return "is refused in words that are not shown, as they may repeat values"
}

// shorten cuts a text at a sentence's end if it can.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return strings.TrimRight(text, ".")
	}
	if end := strings.LastIndex(text[:limit], ". "); end > 0 {
		return text[:end]
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
