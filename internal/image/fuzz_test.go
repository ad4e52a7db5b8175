// SPDX-License-Identifier: MPL-2.0

package image

import "testing"

// Percentages of qemu-img are from 0 to 100, and what has no end is forgotten.
func FuzzPercent(f *testing.F) {
	f.Add("    (12.34/100%)\r    (99.00/100%)\r", uint8(5))
	f.Add("(999999999999999999999999/100%)\n(1.2.3/100%)\r(/100%)", uint8(0))
	f.Fuzz(func(t *testing.T, said string, step uint8) {
		w := percentWriter{tell: func(percent float64) {
			if !(percent >= 0 && percent <= 100) {
				t.Errorf("%f percent of %q", percent, said)
			}
		}}
		for rest := said; rest != ""; {
			n := min(len(rest), int(step)+1)
			if m, err := w.Write([]byte(rest[:n])); err != nil || m != n {
				t.Fatal(m, err)
			}
			rest = rest[n:]
		}
		if len(w.line) > 4096+256 {
			t.Errorf("%d bytes are kept", len(w.line))
		}
	})
}
