// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"fmt"
	"slices"
)

// Level is how much a message matters.
type Level int

const (
	// Note is about something that goes, or goes another way, and leaves the
	// image as it was.
	Note Level = iota
	// Differs is about something without which the image is not the same, or
	// with which the template is not valid.
	Differs
	// Fatal keeps an image from being converted at all.
	Fatal
)

// String is the word in front of a message.
func (l Level) String() string {
	return [...]string{"note", "not the same", "error"}[l]
}

// Message is a finding. Where is a file and line, or empty.
type Message struct {
	Level Level
	Where string
	Text  string
}

// String is one line.
func (m Message) String() string {
	if m.Where == "" {
		return fmt.Sprintf("%s: %s", m.Level, m.Text)
	}
	return fmt.Sprintf("%s: %s: %s", m.Where, m.Level, m.Text)
}

// messages collects findings; one that is there already is not added.
type messages []Message

func (m *messages) add(level Level, where, format string, args ...any) {
	one := Message{level, where, fmt.Sprintf(format, args...)}
	if !slices.Contains(*m, one) {
		*m = append(*m, one)
	}
}

// worst is the highest level.
func (m messages) worst() Level {
	worst := Note
	for _, one := range m {
		worst = max(worst, one.Level)
	}
	return worst
}
