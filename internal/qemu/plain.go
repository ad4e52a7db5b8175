// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"regexp"
	"strings"
)

// Terminal control as in ECMA-48: "ESC [ … final" is a control sequence,
// "ESC ] …" an operating system command ended by BEL or ST, and any other
// character after ESC stands alone.
var (
	// moves put the cursor elsewhere or clear the screen: a new line begins.
	moves = regexp.MustCompile(`\x1b\[[0-9;]*[HfJABEFd]|\x1bc`)
	// others change how things look.
	others = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?`)
)

// plain turns one raw line into the lines of text that a person would see:
// without escape sequences and control characters, split where the cursor
// jumps. A line that shows nothing gives none.
func plain(raw []byte) []string {
	text := strings.TrimRight(string(raw), "\r")
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return speaking(text)
	}
	text = moves.ReplaceAllString(text, "\n")
	text = others.ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "\r", "\n")
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return speaking(strings.Split(text, "\n")...)
}

// speaking drops the pieces that show nothing.
func speaking(pieces ...string) []string {
	var kept []string
	for _, p := range pieces {
		if strings.TrimSpace(p) != "" {
			kept = append(kept, p)
		}
	}
	return kept
}
