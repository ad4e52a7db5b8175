// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"fmt"
	"strings"
	"sync"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// A long step says how far it is after progressEvery at the earliest, when it has
// come by progressStep percent or progressLate has passed.
const (
	progressEvery = 10 * time.Second
	progressLate  = time.Minute
	progressStep  = 10
)

// reporter shows on Packer's user interface what the engine reports.
type reporter struct {
	ui packersdk.Ui

	mu   sync.Mutex
	what string
	last time.Time
	// percent is what was told last.
	percent int64
	// now is the clock, time.Now if it is nil.
	now func() time.Time
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
	now := time.Now()
	if r.now != nil {
		now = r.now()
	}
	if what != r.what {
		r.what, r.last, r.percent = what, now, 0
		return
	}
	percent := int64(0)
	if total > 0 {
		percent = done * 100 / total
	}
	pause := now.Sub(r.last)
	if pause < progressEvery || pause < progressLate && percent < r.percent+progressStep {
		return
	}
	r.last, r.percent = now, percent
	if total > 0 {
		r.ui.Say(fmt.Sprintf("  %s: %d %%", what, percent))
	} else {
		r.ui.Say(fmt.Sprintf("  %s: %d MiB", what, done>>20))
	}
}
