// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"strings"
	"testing"
)

func TestParseBreaks(t *testing.T) {
	for value, want := range map[string]string{
		"":                                    "",
		"after-error":                         "after-error",
		"before-root,after-cleanup":           "before-root after-cleanup",
		" before-root , after-pre-finalise, ": "before-root after-pre-finalise",
		"after-root,after-root":               "after-root",
	} {
		points, err := ParseBreaks(value)
		if got := strings.Join(points, " "); err != nil || got != want {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
	for value, wants := range map[string][]string{
		"before-instal":                   {`"before-instal"`, `"before-install"`},
		"after-install.d,before-finalize": {`"after-install.d"`, `"after-install"`, `"before-finalise"`},
		"after-eror":                      {`"after-error"`},
		"everything":                      {"root, extra-data, pre-install", "after-error"},
	} {
		_, err := ParseBreaks(value)
		if err == nil {
			t.Errorf("%q is taken", value)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %q is not in %v", value, want, err)
			}
		}
	}
}
