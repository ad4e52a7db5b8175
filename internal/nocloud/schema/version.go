// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"fmt"
	"regexp"
	"strconv"
)

// Version is a release of cloud-init. The zero Version is one that is not known.
type Version struct{ Major, Minor, Patch int }

var versionForm = regexp.MustCompile(`(?:^|[\s:v])(\d{1,2})\.(\d{1,2})(?:\.(\d{1,2}))?(?:[^\d.]|\.\D|$)`)

// ParseVersion finds the release in what a package manager or `cloud-init
// --version` says: 22.4.2-1+deb12u3, 24.1.3-0ubuntu1~22.04.1, "/usr/bin/cloud-init
// 23.4". It reports false if there is none.
func ParseVersion(text string) (Version, bool) {
	m := versionForm.FindStringSubmatch(text)
	if m == nil {
		return Version{}, false
	}
	var v Version
	v.Major, _ = strconv.Atoi(m[1]) // digits
	v.Minor, _ = strconv.Atoi(m[2])
	v.Patch, _ = strconv.Atoi(m[3])
	return v, v != Version{}
}

// release is the version of a table's entry; empty is the zero version.
func release(text string) Version {
	v, _ := ParseVersion(text) // what is in the tables can be parsed; a test shows it
	return v
}

// Known says whether the version is known.
func (v Version) Known() bool { return v != Version{} }

// Before says whether v is older than w.
func (v Version) Before(w Version) bool {
	if v.Major != w.Major {
		return v.Major < w.Major
	}
	if v.Minor != w.Minor {
		return v.Minor < w.Minor
	}
	return v.Patch < w.Patch
}

// String is the version as cloud-init writes it: 22.4, 22.4.2.
func (v Version) String() string {
	if v.Patch == 0 {
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}
