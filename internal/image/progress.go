// SPDX-License-Identifier: MPL-2.0

package image

import (
	"bytes"
	"regexp"
	"strconv"
	"time"
)

// Progress is told how much of the work is done, in percent. The values only
// grow, come a few times per second at most, and end with 100 on success alone.
// It is never called by two goroutines at once.
type Progress func(percent float64)

// progressInterval is the least time between two reports.
const progressInterval = 300 * time.Millisecond

// meter thins out reports and keeps them rising.
type meter struct {
	tell Progress
	last float64
	at   time.Time
}

func newMeter(tell Progress) *meter {
	if tell == nil {
		tell = func(float64) {}
	}
	return &meter{tell: tell, last: -1}
}

// report passes percent on unless it is too early or not news. 100 is left to finish.
func (m *meter) report(percent float64) {
	now := time.Now()
	if percent <= m.last || percent >= 100 || now.Sub(m.at) < progressInterval {
		return
	}
	m.last, m.at = percent, now
	m.tell(percent)
}

func (m *meter) finish() { m.tell(100) }

// share is done of total in percent.
func share(done, total int64) float64 {
	if total <= 0 {
		return 0
	}
	return 100 * float64(done) / float64(total)
}

// percentWriter reads what "qemu-img -p" prints: "    (12.34/100%)" and a
// carriage return, over and over.
type percentWriter struct {
	tell Progress
	line []byte
}

// maxPercentLine is more than a percentage takes; what is longer is none.
const maxPercentLine = 4096

var percentPattern = regexp.MustCompile(`\((\d+(?:\.\d+)?)/100%\)`)

// Write never fails.
func (w *percentWriter) Write(p []byte) (int, error) {
	w.line = append(w.line, p...)
	end := bytes.LastIndexAny(w.line, "\r\n")
	if end < 0 {
		if len(w.line) > maxPercentLine {
			w.line = w.line[:0]
		}
		return len(p), nil
	}
	all := percentPattern.FindAllSubmatch(w.line[:end], -1)
	if len(all) > 0 {
		if percent, err := strconv.ParseFloat(string(all[len(all)-1][1]), 64); err == nil && percent <= 100 {
			w.tell(percent)
		}
	}
	w.line = append(w.line[:0], w.line[end+1:]...)
	return len(p), nil
}
