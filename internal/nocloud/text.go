// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// plainText says whether text is text at all, as every reader of a seed needs
// it: UTF-8 without a byte order mark or NUL bytes, of sensible size. What is
// not text is reported, and nothing further can be said about it.
func (r reporter) plainText(text []byte) bool {
	switch {
	case len(text) > MaxSize:
		r.fail(place{}, fmt.Sprintf("%d bytes are more than a seed should hold (%d)", len(text), MaxSize),
			"put large files on the image or behind a URL")
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		r.fail(place{1, 1}, "the text begins with a byte order mark, which hides the header from cloud-init",
			"save the file as UTF-8 without BOM")
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		r.fail(place{1, 1}, "the text is UTF-16", "save the file as UTF-8 without BOM")
	default:
		return r.validRunes(string(text))
	}
	return false
}

// validRunes finds the first NUL or byte that is not UTF-8.
func (r reporter) validRunes(text string) bool {
	for i, c := range text {
		if c == 0 {
			r.fail(placeOf(text, i), "a NUL byte: this is binary data, not text",
				"give text, or gzip-compressed user-data as a file")
			return false
		}
		if c == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				r.fail(placeOf(text, i), fmt.Sprintf("the byte 0x%02x is not UTF-8", text[i]),
					"save the file as UTF-8; binary content goes into write_files with encoding: b64")
				return false
			}
		}
	}
	return true
}

// unixLines reports CRLF line ends and returns the text without them.
func (r reporter) unixLines(text string) string {
	at := strings.Index(text, "\r\n")
	if at < 0 {
		return text
	}
	where := placeOf(text, at)
	r.fail(where, fmt.Sprintf("%d lines end in CRLF, the first of them here", strings.Count(text, "\r\n")),
		"save it with LF line ends (in git: a .gitattributes line `* text eol=lf`; a template with CRLF gives its heredocs CRLF)")
	return strings.ReplaceAll(text, "\r\n", "\n")
}

// firstLine is the first line without its line end.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r")
}
