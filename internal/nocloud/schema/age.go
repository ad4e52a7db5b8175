// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"cmp"
	"strings"

	"github.com/agext/levenshtein"
	"gopkg.in/yaml.v3"
)

// age reports what the target does not know yet, not any more, or only for a
// while. For an unknown target that is what differs between versions in use.
func (j *judge) age(path string, n *yaml.Node, a age) {
	since, deprecated, removed := release(a.since), release(a.deprecated), release(a.removed)
	target := j.Target
	switch {
	case a.refused && cmp.Or(target, oldest).Before(since):
		j.aged(n, a.instead, "%s is refused by the schema of cloud-init before %s, which carries it out all the same", path, since)
	case target.Known() && since.Known() && target.Before(since):
		j.aged(n, cmp.Or(a.instead, "leave it out, or update cloud-init"), "%s is known since cloud-init %s; the target has %s and will ignore it", path, since, target)
	case !target.Known() && oldest.Before(since):
		j.aged(n, cmp.Or(a.instead, "make sure that the image has it"), "%s is known since cloud-init %s only", path, since)
	case removed.Known() && target.Known() && !target.Before(removed):
		j.aged(n, cmp.Or(a.instead, "leave it out"), "%s is gone since cloud-init %s; the target has %s and will ignore it", path, removed, target)
	case removed.Known() && !target.Known():
		j.aged(n, cmp.Or(a.instead, "leave it out"), "%s is gone since cloud-init %s", path, removed)
	case deprecated.Known() && !cmp.Or(target, newest).Before(deprecated):
		j.aged(n, a.instead, "%s is deprecated since cloud-init %s", path, deprecated)
	}
}

// aged warns of what depends on the version.
func (j *judge) aged(n *yaml.Node, advice, format string, args ...any) {
	if before := len(j.findings); before < maxFindings {
		j.warn(n, advice, format, args...)
		j.findings[before].ByVersion = true
	}
}

// formAge reports the age of the form in which a value is written.
func (j *judge) formAge(path string, n *yaml.Node, f form, t *Type) {
	for _, note := range t.notes {
		switch {
		case note.word != "" && f == text && n.Value == note.word:
			j.age(path+": "+note.word, n, note.age)
		case note.word == "" && note.form&f != 0:
			j.age(path+" as "+called(f), n, note.age)
		}
	}
}

// longestName is longer than all names that there are.
const longestName = 60

// typo finds the word that a given one misspells: the same but for case, dashes
// and plural, or at most one edit in every so many letters, and no more than two.
// A word with something behind it (users-old) is a name of its own.
func typo(given string, words []string, letters int) (string, bool) {
	if len(given) > longestName {
		return "", false
	}
	plain := plainName(given)
	best, least := "", 3
	for _, w := range words {
		// A name of one's own that begins with a key: users-extra. One that lacks a
		// letter of a longer key is meant to be that: ssh_authorized_key, not ssh.
		if rest, longer := strings.CutPrefix(given, w); longer && rest != "" && strings.ContainsAny(rest[:1], "-_.") {
			least = 2
		}
	}
	for _, w := range words {
		if plainName(w) == plain && w != given {
			return w, true
		}
		if d := edits(strings.ToLower(given), strings.ToLower(w)); d < least && d <= len(given)/letters && d <= len(w)/letters {
			best, least = w, d
		}
	}
	return best, best != ""
}

// edits counts how many letters differ; two that changed places are one edit.
func edits(a, b string) int {
	if len(a) == len(b) {
		for i := 1; i < len(a); i++ {
			if a[i-1] == b[i] && a[i] == b[i-1] && a[i] != a[i-1] && a[:i-1] == b[:i-1] && a[i+1:] == b[i+1:] {
				return 1
			}
		}
	}
	return levenshtein.Distance(a, b, nil)
}

// plainName is a name without what people mix up.
func plainName(name string) string {
	name = strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	return strings.TrimSuffix(name, "s")
}
