// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Amount is an absolute size or a share of the space that is still free.
type Amount struct {
	Bytes   int64   `json:"bytes,omitempty"`
	Percent float64 `json:"percent,omitempty"`
}

// String shows bytes, or a percentage.
func (a Amount) String() string {
	if a.Percent != 0 {
		return strconv.FormatFloat(a.Percent, 'f', -1, 64) + "%"
	}
	return strconv.FormatInt(a.Bytes, 10)
}

// of is the size in bytes when free bytes are left.
func (a Amount) of(free int64) int64 {
	if a.Percent == 0 {
		return a.Bytes
	}
	return int64(float64(free) * a.Percent / 100)
}

var sizePattern = regexp.MustCompile(`^([\d.]*) ?([A-Za-z0-9_]*)$`)

// units of element contract §5.4: the single letters are powers of 1000.
var units = map[string]float64{
	"": 1, "B": 1,
	"K": 1e3, "KB": 1e3, "M": 1e6, "MB": 1e6, "G": 1e9, "GB": 1e9, "T": 1e12, "TB": 1e12,
	"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
}

// ParseSize reads an absolute size of a document in bytes: a number, which may
// have a fraction, and a unit, of which either may be missing.
func ParseSize(text string) (int64, error) {
	m := sizePattern.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil || m[0] == "" {
		return 0, fmt.Errorf("%q is not a size: write a number and a unit, such as 550MiB (1024-based) or 10G (1000-based)", text)
	}
	unit, ok := units[strings.ToUpper(m[2])]
	if !ok {
		return 0, fmt.Errorf("%q has the unknown unit %q: use B, KiB, MiB, GiB, TiB (1024-based) or K, M, G, T (1000-based)", text, m[2])
	}
	number := 1.0
	if m[1] != "" {
		var err error
		if number, err = strconv.ParseFloat(m[1], 64); err != nil {
			return 0, fmt.Errorf("%q does not begin with a number: %w", text, err)
		}
	}
	if bytes := number * unit; bytes < math.MaxInt64 {
		return int64(bytes), nil
	}
	return 0, fmt.Errorf("%q is larger than any disk", text)
}

// parseAmount reads a size or "N%".
func parseAmount(text string) (Amount, error) {
	share, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	if !ok {
		bytes, err := ParseSize(text)
		if err == nil && bytes <= 0 {
			err = fmt.Errorf("%q leaves no room for anything", text)
		}
		return Amount{Bytes: bytes}, err
	}
	percent, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
	if err != nil || !(percent > 0 && percent <= 100) {
		return Amount{}, fmt.Errorf("%q is not a share of the free space: write more than 0%% and at most 100%%", text)
	}
	return Amount{Percent: percent}, nil
}

const mib = 1 << 20

// human writes bytes with the largest 1024-based unit that leaves no more than
// two decimals worth reading.
func human(bytes int64) string {
	switch {
	case bytes >= 10<<30:
		return trim(float64(bytes)/(1<<30)) + " GiB"
	case bytes >= mib:
		return trim(float64(bytes)/mib) + " MiB"
	case bytes >= 1<<10:
		return trim(float64(bytes)/(1<<10)) + " KiB"
	}
	return strconv.FormatInt(bytes, 10) + " bytes"
}

func trim(f float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(f, 'f', 2, 64), "0"), ".")
}
