// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	// quiet is how long an unfinished line must not grow before it is taken
	// for a prompt; until then more of it may be on its way.
	quiet = 250 * time.Millisecond
	// maxLine ends a line that never ends.
	maxLine = 16 << 10
	// maxLines bounds the memory for a guest that never stops talking.
	maxLines = 100_000
)

var errEnded = errors.New("the virtual machine ended")

// Line is one line of the serial console.
type Line struct {
	// At is when the line began, counted from the machine's start.
	At time.Duration
	// Text has no escape sequences and no end-of-line characters.
	Text string
}

// Match accepts lines of the console.
type Match struct {
	// Name stands in errors: "waiting for <name>".
	Name string
	// Line tells whether a line is accepted.
	Line func(text string) bool
}

// Text accepts lines that contain text.
func Text(text string) Match {
	return Match{fmt.Sprintf("%q", text), func(line string) bool { return strings.Contains(line, text) }}
}

// Pattern accepts lines in which the expression is found.
func Pattern(expr *regexp.Regexp) Match {
	return Match{"/" + expr.String() + "/", expr.MatchString}
}

// console collects what the guest says. Its Write is QEMU's standard output.
type console struct {
	tee   io.Writer
	start time.Time

	mu      sync.Mutex
	lines   []Line        // finished ones
	dropped int           // lines that were forgotten to bound memory
	partial []byte        // the unfinished line, raw
	began   time.Duration // when partial began
	mark    int           // WaitFor looks from this line on, counting dropped ones
	skip    int           // bytes of the unfinished line that lie before the mark
	changed chan struct{} // closed and replaced when something was said
}

func newConsole(tee io.Writer) *console {
	if tee == nil {
		tee = io.Discard
	}
	return &console{tee: tee, start: time.Now(), changed: make(chan struct{})}
}

// Write never fails: what a tee says must not end the machine.
func (c *console) Write(p []byte) (int, error) {
	_, _ = c.tee.Write(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	for rest := p; len(rest) > 0; {
		if len(plain(c.partial)) == 0 { // nothing to see yet
			c.began = time.Since(c.start)
		}
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			c.partial = append(c.partial, rest...)
			break
		}
		c.partial = append(c.partial, rest[:end]...)
		c.endLine()
		rest = rest[end+1:]
	}
	if len(c.partial) > maxLine {
		c.endLine()
	}
	close(c.changed)
	c.changed = make(chan struct{})
	return len(p), nil
}

// endLine finishes the partial line, of which the part before the mark becomes
// a line of its own.
func (c *console) endLine() {
	before, after := c.partial[:c.skip], c.partial[c.skip:]
	if c.skip > 0 {
		c.append(before)
		c.mark = c.dropped + len(c.lines)
		c.skip = 0
	}
	c.append(after)
	c.partial = c.partial[:0]
	if len(c.lines) > maxLines {
		c.dropped += maxLines / 2
		c.lines = append([]Line(nil), c.lines[maxLines/2:]...)
	}
}

func (c *console) append(raw []byte) {
	for _, text := range plain(raw) {
		c.lines = append(c.lines, Line{c.began, text})
	}
}

// forget moves the mark to the end.
func (c *console) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark, c.skip = c.dropped+len(c.lines), len(c.partial)
}

// since returns the finished lines from number n on and the number after them,
// what is unfinished, and a channel that is closed at the next change.
func (c *console) since(n int) (lines []Line, next int, partial []string, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next = c.dropped + len(c.lines)
	first := max(n, c.mark, c.dropped) - c.dropped
	return c.lines[min(first, len(c.lines)):], next, plain(c.partial[c.skip:]), c.changed
}

func (c *console) wait(ctx context.Context, done <-chan struct{}, want Match, unless []Match) (string, error) {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	// The change that is still waited for after a quiet time; whatever comes at the last
	// moment makes it another one, and its piece of a line is not taken for a prompt.
	var silent <-chan struct{}
	for next, ended := 0, false; ; {
		lines, after, partial, changed := c.since(next)
		next = after
		if silent == changed || ended {
			for _, text := range partial {
				lines = append(lines[:len(lines):len(lines)], Line{Text: text})
			}
		}
		if line, found, err := search(lines, want, unless); found {
			return line, err
		}
		if ended {
			return "", errEnded
		}
		timer.Reset(quiet)
		select {
		case <-changed:
		case <-timer.C:
			silent = changed
		case <-done:
			ended = true
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func search(lines []Line, want Match, unless []Match) (line string, found bool, err error) {
	for _, l := range lines {
		if want.Line(l.Text) {
			return l.Text, true, nil
		}
		for _, u := range unless {
			if u.Line(l.Text) {
				return "", true, fmt.Errorf("the guest said %q instead", l.Text)
			}
		}
	}
	return "", false, nil
}

// all returns every line, the unfinished one included.
func (c *console) all() []Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := append([]Line(nil), c.lines...)
	for _, text := range plain(c.partial) {
		lines = append(lines, Line{c.began, text})
	}
	return lines
}

func (c *console) text() string {
	var b strings.Builder
	for _, l := range c.all() {
		b.WriteString(l.Text)
		b.WriteByte('\n')
	}
	return b.String()
}

// tail shows the last n lines with their times.
func (c *console) tail(n int) string {
	lines := c.all()
	if len(lines) == 0 {
		return "the serial console is empty"
	}
	lines = lines[max(0, len(lines)-n):]
	var b strings.Builder
	fmt.Fprintf(&b, "last %d lines of the serial console:", len(lines))
	for _, l := range lines {
		fmt.Fprintf(&b, "\n  [%8.3f] %s", l.At.Seconds(), l.Text)
	}
	return b.String()
}
