// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	exact "math/big"
	"regexp"
	"strings"
	"testing"
)

// Sizes are what exact arithmetic makes of them, rounded down.
func FuzzSize(f *testing.F) {
	for _, seed := range []string{"10G", "512M", "1.5 GiB", "64", "", ".", "-1", "1e3", "0x10", "9999999T", "4095.9999K", "0.0000001B", "1_0", "infB"} {
		f.Add(seed)
	}
	number := regexp.MustCompile(`^([0-9]*\.?[0-9]*)\s*([a-z]*)$`)
	steps := map[string]uint{"": 20, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
	f.Fuzz(func(t *testing.T, text string) {
		bytes, err := parseSize(text)
		for _, unit := range []float64{mebibyte, 1 << 30} {
			if n, err := variableSize(text, unit); err == nil && n < 0 {
				t.Errorf("%q times %f is %d", text, unit, n)
			}
		}
		if err != nil {
			return
		}
		m := number.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text)))
		if m == nil || bytes < 1 {
			t.Fatalf("%q is taken for %d bytes", text, bytes)
		}
		word := m[2]
		if len(word) > 1 {
			word = strings.TrimSuffix(strings.TrimSuffix(word, "b"), "i")
		}
		shift, known := steps[word]
		value, ok := new(exact.Rat).SetString(m[1])
		if !known || !ok {
			t.Fatalf("%q is taken for %d bytes", text, bytes)
		}
		want, _ := value.Mul(value, new(exact.Rat).SetInt64(1<<shift)).Float64()
		if off := want - float64(bytes); off < -want/(1<<51)-1 || off > want/(1<<51)+1 {
			t.Errorf("%q is %d bytes, not %f", text, bytes, want)
		}
	})
}
