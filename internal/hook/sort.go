// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"cmp"
	"slices"
	"strings"
)

// Sort puts names in the order in which hooks run, which is that of GNU
// "sort -n" in the C locale (element contract §2.5): by the number at the
// start (blanks, a minus sign, digits, decimals; 0 if there is none), then
// bytewise.
func Sort(names []string) {
	slices.SortFunc(names, Compare)
}

// Compare is the order of Sort.
func Compare(a, b string) int {
	return cmp.Or(compareNumbers(parseNumber(a), parseNumber(b)), strings.Compare(a, b))
}

// number is of any size: digits before the point without leading zeros, and
// digits after it without trailing ones. Zero is never negative.
type number struct {
	negative       bool
	whole, decimal string
}

// parseNumber reads the number at the start of a name.
func parseNumber(name string) number {
	var n number
	name = strings.TrimLeft(name, " \t\n")
	name, n.negative = strings.CutPrefix(name, "-")
	n.whole, name = cutDigits(name)
	if rest, ok := strings.CutPrefix(name, "."); ok {
		n.decimal, _ = cutDigits(rest)
	}
	n.whole = strings.TrimLeft(n.whole, "0")
	n.decimal = strings.TrimRight(n.decimal, "0")
	n.negative = n.negative && n.whole+n.decimal != ""
	return n
}

func cutDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}

func compareNumbers(a, b number) int {
	if a.negative != b.negative {
		if a.negative {
			return -1
		}
		return 1
	}
	if a.negative {
		a, b = b, a
	}
	return cmp.Or(
		cmp.Compare(len(a.whole), len(b.whole)),
		strings.Compare(a.whole, b.whole),
		strings.Compare(a.decimal, b.decimal),
	)
}
