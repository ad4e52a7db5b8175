// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"fmt"
	"regexp"
)

// NamePattern is what the name of a hook must match unless RUN_PARTS_REGEX
// says otherwise (element contract §2.5). Note: no dots.
const NamePattern = "^[0-9A-Za-z_-]+$"

// environmentPattern is what the name of an environment file must match.
const environmentPattern = "^[0-9A-Za-z_.-]+$"

// compileName compiles a value of RUN_PARTS_REGEX; empty means NamePattern.
func compileName(pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		pattern = NamePattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("reading RUN_PARTS_REGEX %q: %w", pattern, err)
	}
	return re, nil
}
