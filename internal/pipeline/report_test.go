// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// recorder is a Reporter that remembers.
type recorder struct{ said, printed []string }

func (r *recorder) Say(line string)             { r.said = append(r.said, line) }
func (r *recorder) Output(line string)          { r.printed = append(r.printed, line) }
func (*recorder) Progress(string, int64, int64) {}

func TestOutputCutsLinesAndRemembersTheLast(t *testing.T) {
	r := &recorder{}
	o := &output{report: r}
	for _, piece := range []string{"one\ntw", "o\n10%\r20%\rdone\r\n", "bad \xff byte\n", "no end"} {
		if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	last := o.flush()
	want := "one|two|done|bad ? byte|no end"
	if got := strings.Join(r.printed, "|"); got != want {
		t.Errorf("%q", got)
	}
	if got := strings.Join(last, "|"); got != want {
		t.Errorf("remembered %q", got)
	}
	for i := range 50 {
		fmt.Fprintln(o, i)
	}
	if last = o.flush(); len(last) != lastLines || last[0] != "30" || last[19] != "49" {
		t.Errorf("remembered %q", last)
	}
}

func TestSummary(t *testing.T) {
	timings := []Timing{{"prepare", "", time.Second}, {"root.d", "08-a", 20 * time.Second}}
	for i := range 12 {
		timings = append(timings, Timing{"install.d", fmt.Sprintf("%02d-x", i), time.Duration(i) * time.Second})
	}
	text := Summary(timings)
	lines := strings.Split(text, "\n")
	if len(lines) != 1+3+1+10 {
		t.Fatalf("%d lines:\n%s", len(lines), text)
	}
	if !strings.Contains(lines[3], "install.d") || !strings.Contains(lines[3], "66.0 s") {
		t.Errorf("sum of install.d: %q", lines[3])
	}
	if !strings.Contains(lines[5], "root.d/08-a") || !strings.Contains(lines[14], "install.d/03-x") {
		t.Errorf("slowest hooks:\n%s", text)
	}
}

func TestHookErrorTellsAll(t *testing.T) {
	text := (&HookError{Phase: "install.d", Name: "50-x", Element: "mine", Path: "/e/mine/install.d/50-x", Status: 7,
		Last: []string{"a", "b"}, Hint: "free space"}).Error()
	for _, want := range []string{"install.d/50-x", `"mine"`, "status 7", "/e/mine/install.d/50-x", "free space", "    a\n    b"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
}
