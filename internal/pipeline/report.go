// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"bytes"
	"sync"
)

// Reporter is where a build tells a person what it does.
type Reporter interface {
	// Say is a line of its own: a step begins, something was made.
	Say(line string)
	// Output is a line that a hook or a program printed.
	Output(line string)
	// Progress is called often while something long runs; what names it, done
	// and total are bytes (total 0: not known).
	Progress(what string, done, total int64)
}

// lastLines is how much of a failing hook's output stands in its error.
const lastLines = 20

// output cuts what hooks print into lines, reports them and remembers the last.
type output struct {
	mu      sync.Mutex
	report  Reporter
	seen    func(line string) // also told of every line; may be nil
	partial []byte
	last    []string
	spoken  bool
}

// Write never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partial = append(o.partial, p...)
	for {
		end := bytes.IndexByte(o.partial, '\n')
		if end < 0 {
			return len(p), nil
		}
		o.line(o.partial[:end])
		o.partial = o.partial[end+1:]
	}
}

func (o *output) line(raw []byte) {
	// Of a progress display drawn over itself only the last state is of use.
	raw = bytes.TrimRight(raw, "\r")
	if cut := bytes.LastIndexByte(raw, '\r'); cut >= 0 {
		raw = raw[cut+1:]
	}
	text := string(bytes.ToValidUTF8(raw, []byte("?")))
	o.report.Output(text)
	o.spoken = true
	if o.seen != nil {
		o.seen(text)
	}
	o.last = append(o.last, text)
	if len(o.last) > lastLines {
		o.last = o.last[1:]
	}
}

// spoke tells whether a line was reported since it was last asked.
func (o *output) spoke() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	spoken := o.spoken
	o.spoken = false
	return spoken
}

// flush reports a last line without an end, and returns and forgets what was
// remembered.
func (o *output) flush() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.partial) > 0 {
		o.line(o.partial)
		o.partial = nil
	}
	last := o.last
	o.last = nil
	return last
}
