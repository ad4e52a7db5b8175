// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const mebibyte = 1 << 20

// sizeUnits are 1024-based; a bare number is MiB.
var sizeUnits = map[string]float64{
	"": mebibyte, "B": 1,
	"K": 1 << 10, "KB": 1 << 10, "KIB": 1 << 10,
	"M": 1 << 20, "MB": 1 << 20, "MIB": 1 << 20,
	"G": 1 << 30, "GB": 1 << 30, "GIB": 1 << 30,
	"T": 1 << 40, "TB": 1 << 40, "TIB": 1 << 40,
}

// parseSize reads a size of the template in bytes.
func parseSize(text string) (int64, error) {
	text = strings.TrimSpace(text)
	cut := strings.LastIndexAny(text, "0123456789.") + 1
	unit, known := sizeUnits[strings.ToUpper(strings.TrimSpace(text[cut:]))]
	number, err := strconv.ParseFloat(text[:cut], 64)
	// ParseFloat knows more notations than people expect in a size.
	plain := strings.Trim(text[:cut], "0123456789.")
	switch {
	case err != nil || plain != "" && plain != "-":
		return 0, fmt.Errorf("%q is not a size; write \"10G\", \"512M\" or a number of MiB", text)
	case !known:
		return 0, fmt.Errorf("%q has an unknown unit; use B, K, M, G or T (steps of 1024)", text)
	case number <= 0 || number*unit < 1:
		return 0, fmt.Errorf("%q leaves no room for anything; write more than zero", text)
	case number*unit > math.MaxInt64/2:
		return 0, fmt.Errorf("%q is larger than any disk", text)
	}
	return int64(number * unit), nil
}
