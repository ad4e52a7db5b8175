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
	case target.Known() && since.Known() && target.Before(since):
		j.warn(n, cmp.Or(a.instead, "leave it out, or update cloud-init"), "%s is known since cloud-init %s; the target has %s and will ignore it", path, since, target)
	case !target.Known() && oldest.Before(since):
		j.warn(n, cmp.Or(a.instead, "make sure that the image has it"), "%s is known since cloud-init %s only", path, since)
	case removed.Known() && target.Known() && !target.Before(removed):
		j.warn(n, cmp.Or(a.instead, "leave it out"), "%s is gone since cloud-init %s; the target has %s and will ignore it", path, removed, target)
	case removed.Known() && !target.Known():
		j.warn(n, cmp.Or(a.instead, "leave it out"), "%s is gone since cloud-init %s", path, removed)
	case deprecated.Known() && (!target.Known() || !target.Before(deprecated)):
		j.warn(n, a.instead, "%s is deprecated since cloud-init %s", path, deprecated)
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

// typo finds the word that a given one misspells: the same but for case, dashes
// and plural, or at most one edit in every so many letters, and no more than two.
func typo(given string, words []string, letters int) (string, bool) {
	plain := plainName(given)
	best, least := "", 3
	for _, w := range words {
		if plainName(w) == plain && w != given {
			return w, true
		}
		if d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(w), nil); d < least && d <= len(given)/letters && d <= len(w)/letters {
			best, least = w, d
		}
	}
	return best, best != ""
}

// plainName is a name without what people mix up.
func plainName(name string) string {
	name = strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	return strings.TrimSuffix(name, "s")
}
