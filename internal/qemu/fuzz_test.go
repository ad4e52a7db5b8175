// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"bytes"
	"strings"
	"testing"
)

// The console shows lines without control characters, the same however the
// bytes arrive, and in bounded memory.
func FuzzConsole(f *testing.F) {
	f.Add([]byte("a\x1b[1mb\x1b[0m\r\nlogin: "), uint8(3))
	f.Add([]byte("\x1b]0;title\x07x\x1b[2J\x1b[Hy\x1bc\x1b("), uint8(1))
	f.Add(bytes.Repeat([]byte("x\x1b["), 8000), uint8(200))
	f.Fuzz(func(t *testing.T, said []byte, step uint8) {
		// A console says less at a time; each piece costs as much as waits for the end
		// of its line, and a busy machine would take it for a hang.
		if len(said)*(len(said)/(int(step)+1)) > 4<<20 {
			return
		}
		whole, pieces := newConsole(nil), newConsole(nil)
		_, _ = whole.Write(said)
		for rest := said; len(rest) > 0; {
			n := min(len(rest), int(step)+1)
			_, _ = pieces.Write(rest[:n])
			rest = rest[n:]
		}
		for _, l := range whole.all() {
			if strings.ContainsFunc(l.Text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) || strings.TrimSpace(l.Text) == "" {
				t.Errorf("the line %q", l.Text)
			}
		}
		if len(said) < maxLine && whole.text() != pieces.text() {
			t.Errorf("at once %q, in pieces %q", whole.text(), pieces.text())
		}
		if len(whole.partial) > maxLine || len(pieces.partial) > maxLine+256 {
			t.Errorf("%d and %d bytes wait for the end of the line", len(whole.partial), len(pieces.partial))
		}
	})
}
