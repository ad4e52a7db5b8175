// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"regexp"
	"strings"
)

// Texts of scripts are plain strings in which control characters, which input
// must not have, mark what only a shell or packer can put in.
const (
	// unreadable stands on both sides of source text that only a shell can
	// make something of, such as $(date).
	unreadable = "\x01"
	// workingDirectory and homeDirectory stand for themselves.
	workingDirectory = "\x02"
	homeDirectory    = "\x03"
	// variable stands on both sides of the name of a variable that the script
	// does not set.
	variable = "\x04"
)

var (
	marks           = unreadable + workingDirectory + homeDirectory + variable
	variablePattern = regexp.MustCompile(variable + "([A-Za-z_][A-Za-z0-9_]*)" + variable)
	markPattern     = regexp.MustCompile(variablePattern.String() + "|" + unreadable + "[^" + unreadable + "]*" + unreadable + "|[" + workingDirectory + homeDirectory + "]")
)

// isReadable tells whether a template can have the text.
func isReadable(text string) bool { return !strings.Contains(text, unreadable) }

// isPlain tells whether the text has no mark at all.
func isPlain(text string) bool { return !strings.ContainsAny(text, marks) }

// asWritten is the text as it stood in the script, for messages.
func asWritten(text string) string {
	return markPattern.ReplaceAllStringFunc(text, func(mark string) string {
		switch {
		case mark == workingDirectory:
			return "$PWD"
		case mark == homeDirectory:
			return "~"
		case strings.HasPrefix(mark, variable):
			return "$" + strings.Trim(mark, variable)
		}
		return strings.Trim(mark, unreadable)
	})
}

// variablesOf lists the unset variables in a text.
func variablesOf(text string) []string {
	var names []string
	for _, match := range variablePattern.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	return names
}

// resolved puts in what this process has for the marks; false if it has not all.
func resolved(text, directory string, environment func(string) (string, bool)) (string, bool) {
	known := isReadable(text)
	text = markPattern.ReplaceAllStringFunc(text, func(mark string) string {
		name, value, ok := strings.Trim(mark, variable), directory, true
		switch {
		case mark == homeDirectory:
			value, ok = environment("HOME")
		case mark != workingDirectory:
			value, ok = environment(name)
		}
		known = known && ok
		return value
	})
	return text, known
}
