// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// digestSoon and digestLater are when the first progress is told, and how
	// often more of it.
	digestSoon  = 5 * time.Second
	digestLater = 10 * time.Second
	// digestTail is how much of the text is shown when the command failed.
	digestTail = 20
	// digestLine ends a line that never ends.
	digestLine = 64 << 10
)

// digest reads what apt-get, dpkg and mmdebstrap print. It is a writer.
type digest struct {
	log io.Writer
	say func(line string)
	now func() time.Time

	partial []byte
	tail    []string // the last lines
	alarm   bool     // the line before was shown as a warning
	held    []string // a pre-dependency problem, shown unless dpkg ignores it

	upgraded, installed, removed string // of the summary at hand
	size                         string
	fetching                     bool // packages
	lists                        bool // package lists came since apt last told how much it fetched

	announced string // the work that was said last, and what was unpacked before
	before    int

	total, fetched, unpacked, ready int // packages
	told                            time.Time
	again                           bool
}

// Write never fails.
func (d *digest) Write(p []byte) (int, error) {
	if d.told.IsZero() {
		d.told = d.now()
	}
	d.partial = append(d.partial, p...)
	for {
		end := bytes.IndexByte(d.partial, '\n')
		if end < 0 && len(d.partial) < digestLine {
			return len(p), nil
		}
		rest := d.partial[len(d.partial):]
		line := d.partial
		if end >= 0 {
			line, rest = d.partial[:end], d.partial[end+1:]
		}
		d.line(string(line))
		d.partial = rest
	}
}

// end tells what is left, and the end of the text after a failure.
func (d *digest) end(failed bool) {
	if len(d.partial) > 0 {
		d.line(string(d.partial))
		d.partial = nil
	}
	if failed {
		for _, line := range d.tail {
			d.say(line)
		}
	}
}

func (d *digest) line(text string) {
	// The log is a help; without room for it the build goes on.
	_, _ = io.WriteString(d.log, text+"\n")
	// Of a line drawn over itself only the last state is of use.
	text = strings.TrimRight(text, "\r")
	text = text[strings.LastIndexByte(text, '\r')+1:]
	if d.tail = append(d.tail, text); len(d.tail) > digestTail {
		d.tail = d.tail[1:]
	}
	switch {
	case d.problem(text):
	case d.alarming(text):
		d.say(text)
	case d.summary(text):
	default:
		d.progress(text)
	}
}

// problem deals with the lines in which dpkg tells of a pre-dependency that is not
// met. A bootstrap has it ignore dozens of them.
func (d *digest) problem(text string) bool {
	begins := strings.HasPrefix(text, "dpkg: regarding ") && strings.HasSuffix(text, "pre-dependency problem:")
	switch {
	case begins || len(d.held) > 0 && (text == "" || text[0] == ' '):
		d.held = append(d.held, text)
		return true
	case text == "dpkg: warning: ignoring pre-dependency problem!":
		d.held = nil
		return true
	}
	for _, line := range d.held {
		d.say(line)
	}
	d.held = nil
	return false
}

// alarms are the forms of warnings and errors.
var alarms = regexp.MustCompile(`^(?:[WE]:|Err:|(?:[\w./+-]+: )+(?i:warning|error|fatal|failed|[we]:)|(?i:warning|errors?|fatal)\b)`)

// alarming says whether a line is a warning, an error or goes on with one.
func (d *digest) alarming(text string) bool {
	d.alarm = alarms.MatchString(text) || d.alarm && strings.HasPrefix(text, " ")
	return d.alarm
}

var (
	summaryLine = regexp.MustCompile(`^(\d+) upgraded, (\d+) newly installed, (?:\d+ \w+, )*(\d+) to remove`)
	sizeLine    = regexp.MustCompile(`^Need to get (.+) of archives\.`)
	fetchedLine = regexp.MustCompile(`^Fetched (.+) in (.+) \(`)
	listLine    = regexp.MustCompile(`^Get:\d+ .* (?:InRelease|Release|Packages|Translation-\S+) \[`)
)

// summary reads what apt says before and after its work.
func (d *digest) summary(text string) bool {
	if m := summaryLine.FindStringSubmatch(text); m != nil {
		d.upgraded, d.installed, d.removed, d.size = m[1], m[2], m[3], ""
		return true
	}
	if m := sizeLine.FindStringSubmatch(text); m != nil {
		d.size = m[1]
		return true
	}
	if strings.HasPrefix(text, "After this operation") {
		d.work()
		return true
	}
	if listLine.MatchString(text) {
		d.lists = true
		return true
	}
	// Of packages apt says it twice at times.
	if m := fetchedLine.FindStringSubmatch(text); m != nil {
		if d.lists {
			d.say(fmt.Sprintf("fetched %s of package lists in %s", m[1], m[2]))
		}
		d.fetching, d.lists = false, false
		return true
	}
	return false
}

// work says what apt is about to do.
func (d *digest) work() {
	var parts []string
	packages := 0
	for _, p := range []struct{ verb, number string }{
		{"installing", d.installed}, {"upgrading", d.upgraded}, {"removing", d.removed},
	} {
		n, err := strconv.Atoi(p.number)
		if err != nil || n == 0 {
			continue
		}
		noun := "packages"
		if n == 1 {
			noun = "package"
		}
		parts = append(parts, fmt.Sprintf("%s %d %s", p.verb, n, noun))
		if p.verb != "removing" {
			packages += n
		}
	}
	if len(parts) == 0 {
		return
	}
	missing, all, some := strings.Cut(d.size, "/")
	switch {
	case some && missing == "0 B":
		parts = append(parts, all+", nothing to download")
	case some:
		parts = append(parts, missing+" of "+all+" to download")
	case d.size != "" && d.size != "0 B":
		parts = append(parts, d.size+" to download")
	}
	d.fetching = d.size != "" && missing != "0 B"
	// mmdebstrap has apt say the same twice: to download, and to install.
	if work := strings.Join(parts, ", "); work != d.announced || d.unpacked > d.before {
		d.say(work)
		d.announced, d.before, d.total = work, d.unpacked, d.total+packages
	}
	d.upgraded, d.installed, d.removed, d.size = "", "", "", ""
	d.told, d.again = d.now(), false
}

// progress counts packages and says now and again how far the work is.
func (d *digest) progress(text string) {
	verb, n := "", 0
	switch {
	case strings.HasPrefix(text, "Get:") && d.fetching:
		d.fetched++
		verb, n = "downloaded", d.fetched
	case strings.HasPrefix(text, "Unpacking "):
		d.unpacked++
		verb, n = "unpacked", d.unpacked
	case strings.HasPrefix(text, "Setting up "):
		d.ready++
		verb, n = "set up", d.ready
	default:
		return
	}
	pause := digestSoon
	if d.again {
		pause = digestLater
	}
	if now := d.now(); d.total > 0 && now.Sub(d.told) >= pause {
		d.say(fmt.Sprintf("%s %d of %d packages", verb, min(n, d.total), d.total))
		d.told, d.again = now, true
	}
}
