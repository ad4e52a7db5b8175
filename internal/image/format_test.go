// SPDX-License-Identifier: MPL-2.0

package image

import (
	"strings"
	"testing"
)

func TestParseFormat(t *testing.T) {
	for _, f := range Formats() {
		got, err := ParseFormat(string(f))
		if err != nil || got != f || f.Extension() != "."+string(f) {
			t.Errorf("%s: %v %v %q", f, got, err, f.Extension())
		}
	}
	failures := []struct{ name, want string }{
		{"qcow", `did you mean "qcow2"?`},
		{"QCOW2", `did you mean "qcow2"?`},
		{"row", `did you mean "raw"?`},
		{"holodeck", `unknown image format "holodeck"; available are qcow2 and raw`},
		{"", `unknown image format ""; available`},
		{"vmdk", "later version"},
		{"vhd", "later version"},
		{"tar", "later version"},
		{"squashfs", "later version"},
		{"docker", "later version"},
		{"aci", "not planned"},
		{"img", `called "raw"`},
	}
	for _, tc := range failures {
		if _, err := ParseFormat(tc.name); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestParseCompression(t *testing.T) {
	for name, want := range map[string]Compression{"": Zlib, "zlib": Zlib, "zstd": Zstd, "none": NoCompression} {
		if got, err := ParseCompression(name); err != nil || got != want {
			t.Errorf("%q: %v %v", name, got, err)
		}
	}
	if _, err := ParseCompression("zst"); err == nil || !strings.Contains(err.Error(), `did you mean "zstd"?`) {
		t.Errorf("got %v", err)
	}
}

func TestProgressIsThinRisingAndEndsWith100(t *testing.T) {
	var seen []float64
	m := newMeter(func(p float64) { seen = append(seen, p) })
	w := &percentWriter{tell: m.report}
	for _, text := range []string{"    (0.00/100%)\r    (1.", "00/100%)\r", "(0.50/100%)\r(2.00/100%)\r", "(99.00/100%)\r(100.00/100%)\r"} {
		if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("%d %v", n, err)
		}
		m.at = m.at.Add(-progressInterval) // as if time had passed
	}
	m.finish()
	want := []float64{0, 1, 2, 100}
	if len(seen) != len(want) {
		t.Fatalf("got %v, want %v", seen, want)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Fatalf("got %v, want %v", seen, want)
		}
	}
	m.last, m.at = 2, m.at.Add(progressInterval*10)
	seen = nil
	if m.report(3); len(seen) != 0 {
		t.Error("a report came too early")
	}
}
