// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"fmt"
	"strings"
	"sync"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// progressEvery is how often a long step says how far it is.
const progressEvery = 10 * time.Second

// reporter shows on Packer's user interface what the engine reports.
type reporter struct {
	ui packersdk.Ui

	mu   sync.Mutex
	what string
	last time.Time
}

// sayLines shows a text line by line: only so each gets its time with
// -timestamp-ui.
func sayLines(ui packersdk.Ui, text string) {
	for line := range strings.Lines(text) {
		ui.Say(strings.TrimRight(line, "\n"))
	}
}

// Say shows a line.
func (r *reporter) Say(line string) { r.ui.Say(line) }

// Output shows a line of a program, indented under what runs it.
func (r *reporter) Output(line string) { r.ui.Say("    " + line) }

// Progress shows the first value after a while, and then one now and again:
// what is quick needs none.
func (r *reporter) Progress(what string, done, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if what != r.what {
		r.what, r.last = what, time.Now()
		return
	}
	if time.Since(r.last) < progressEvery {
		return
	}
	r.last = time.Now()
	if total > 0 {
		r.ui.Say(fmt.Sprintf("  %s: %d %%", what, done*100/total))
	} else {
		r.ui.Say(fmt.Sprintf("  %s: %d MiB", what, done>>20))
	}
}
