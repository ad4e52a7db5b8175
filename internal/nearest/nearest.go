// SPDX-License-Identifier: MPL-2.0

// Package nearest finds what somebody probably meant by a name that is unknown.
package nearest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Name is the candidate that is the fewest edits away from given, letter case
// aside; the first of several. It reports false if none is likely to be meant:
// a third of the letters, and one more, may differ.
func Name(given string, candidates []string) (string, bool) {
	if given == "" || len(candidates) == 0 {
		return "", false
	}
	distance := func(c string) int {
		return levenshtein.Distance(strings.ToLower(given), strings.ToLower(c), nil)
	}
	best := slices.MinFunc(candidates, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return best, distance(best) <= len(given)/3+1
}

// Hint is a clause for an error, " (did you mean …?)", or empty.
func Hint(given string, candidates []string) string {
	if name, ok := Name(given, candidates); ok {
		return " (did you mean \"" + name + "\"?)"
	}
	return ""
}
