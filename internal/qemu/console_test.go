// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPlain(t *testing.T) {
	for raw, want := range map[string][]string{
		"":                           nil,
		"hello\r":                    {"hello"},
		"\x1b[0;32m  OK  \x1b[0m ok": {"  OK   ok"},
		"\x00\x00\x1b[2J\x1b[01;01HUEFI \x1b[1mShell": {"UEFI Shell"},
		"\x1b[07;01Hin 5\x1b[07;01Hin 4":              {"in 5", "in 4"},
		"\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS":          {"SeaBIOS"},
		"10%\r20%\r":                                  {"10%", "20%"},
		"\x1b]0;title\x07prompt$ ":                    {"prompt$ "},
		"a\tb\x7f":                                    {"a\tb"},
		"grüße":                                       {"grüße"},
		"\x1b[":                                       nil,
	} {
		if got := plain([]byte(raw)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func say(t *testing.T, c *console, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("%d %v", n, err)
		}
	}
}

// ask waits for want with a deadline that only a failing test reaches.
func ask(t *testing.T, c *console, want Match, unless ...Match) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return c.wait(ctx, make(chan struct{}), want, unless)
}

func TestWaitSeesWholeLinesEvenInPieces(t *testing.T) {
	var c *console
	for tried := false; !tried; {
		c = newConsole(nil)
		pause := make(chan time.Duration)
		go func() {
			longest, said := time.Duration(0), time.Now()
			for _, piece := range []string{"boot\r\nNON", "CE=ab", "cdef", "\r\nafter\n"} {
				_, _ = c.Write([]byte(piece))
				longest, said = max(longest, time.Since(said)), time.Now()
				time.Sleep(quiet / 10)
			}
			pause <- longest
		}()
		line, err := ask(t, c, Pattern(regexp.MustCompile(`^NONCE=\w+`)))
		// On a busy machine the guest may have been quiet in between.
		if tried = <-pause < quiet/2; tried && (err != nil || line != "NONCE=abcdef") {
			t.Errorf("%q %v", line, err)
		}
	}
	// Order of asking is free as long as nothing is sent.
	if line, err := ask(t, c, Text("boot")); err != nil || line != "boot" {
		t.Errorf("%q %v", line, err)
	}
}

func TestWaitTakesAQuietPrompt(t *testing.T) {
	c := newConsole(nil)
	say(t, c, "Debian\nhost login: ")
	if line, err := ask(t, c, Text("login:")); err != nil || line != "host login: " {
		t.Errorf("%q %v", line, err)
	}
	c.forget()
	say(t, c, "root\r\nPassword: ")
	if line, err := ask(t, c, Text("word:")); err != nil || line != "Password: " {
		t.Errorf("%q %v", line, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*quiet)
	defer cancel()
	if line, err := c.wait(ctx, nil, Text("login:"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("found what was said before the mark: %q %v", line, err)
	}
	if got := c.text(); got != "Debian\nhost login: \nroot\nPassword: \n" {
		t.Errorf("%q", got)
	}
}

func TestWaitEndsAtOnceOnWhatMustNotBe(t *testing.T) {
	c := newConsole(nil)
	say(t, c, "booting\nKernel panic - not syncing\n")
	_, err := ask(t, c, Text("login:"), Text("Kernel panic"))
	if err == nil || !strings.Contains(err.Error(), `the guest said "Kernel panic - not syncing" instead`) {
		t.Errorf("got %v", err)
	}
}

func TestWaitWhenTheMachineHasEnded(t *testing.T) {
	c := newConsole(nil)
	done := make(chan struct{})
	close(done)
	say(t, c, "last words")
	if _, err := c.wait(t.Context(), done, Text("more"), nil); !errors.Is(err, errEnded) {
		t.Errorf("got %v", err)
	}
	if line, err := c.wait(t.Context(), done, Text("words"), nil); err != nil || line != "last words" {
		t.Errorf("%q %v", line, err)
	}
}

func TestConsoleIsBounded(t *testing.T) {
	c := newConsole(nil)
	for i := 0; i <= maxLines; i++ {
		say(t, c, fmt.Sprintf("line %d\n", i))
	}
	if n := len(c.all()); n > maxLines {
		t.Errorf("%d lines are kept", n)
	}
	if line, err := ask(t, c, Text(fmt.Sprintf("line %d", maxLines))); err != nil || line == "" {
		t.Errorf("%q %v", line, err)
	}
	say(t, c, strings.Repeat("x", maxLine+1))
	if len(c.partial) != 0 {
		t.Error("a line without end is kept for ever")
	}
	if got := c.tail(2); !strings.HasPrefix(got, "last 2 lines") || !strings.Contains(got, fmt.Sprintf("line %d\n", maxLines)) {
		t.Errorf("tail: %.200s", got)
	}
}
