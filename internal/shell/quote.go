// SPDX-License-Identifier: MPL-2.0

// Package shell writes words for POSIX shells.
package shell

import "strings"

// Quote is a text as one word that a shell takes as it is, in single quotes.
func Quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Word is a text as one word that a shell takes as it is, quoted only where it
// must be.
func Word(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("-_./:=,+@%", r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return Quote(text)
}
