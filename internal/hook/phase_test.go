// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPhases(t *testing.T) {
	var got []string
	for _, p := range Phases() {
		got = append(got, fmt.Sprint(p.Name, " ", p.Where, " ", p.TargetRoot))
		if p.Meaning == "" {
			t.Errorf("%s has no meaning", p.Name)
		}
	}
	want := []string{
		"root.d host true",
		"extra-data.d host false",
		"pre-install.d chroot false",
		"install.d chroot false",
		"post-install.d chroot false",
		"post-root.d host false",
		"block-device.d host false",
		"pre-finalise.d host false",
		"finalise.d chroot false",
		"cleanup.d host true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
