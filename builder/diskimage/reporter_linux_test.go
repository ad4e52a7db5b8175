// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"strings"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// said is what was shown on a user interface.
func said(show func(ui packersdk.Ui)) []string {
	ui := &packersdk.MockUi{}
	show(ui)
	var lines []string
	for _, m := range ui.SayMessages {
		lines = append(lines, m.Message)
	}
	return lines
}

func TestProgressIsToldNowAndAgain(t *testing.T) {
	now := time.Unix(0, 0)
	lines := said(func(ui packersdk.Ui) {
		r := &reporter{ui: ui, now: func() time.Time { return now }}
		for second := range 200 {
			now = time.Unix(int64(second), 0)
			r.Progress("x", int64(min(second, 75)), 100)
		}
	})
	// Ten percent take ten seconds here, until it hardly moves any more.
	want := "  x: 10 %|  x: 20 %|  x: 30 %|  x: 40 %|  x: 50 %|  x: 60 %|  x: 70 %|  x: 75 %|  x: 75 %"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("%s", got)
	}
}

func TestTheWayInIsToldOnce(t *testing.T) {
	lines := said(func(ui packersdk.Ui) {
		way := new(wayIn)
		for _, entrance := range []string{"", "a", "a", "a", "b", "b", "", "b"} {
			way.say(ui, entrance)
		}
	})
	if got := strings.Join(lines, "|"); strings.Count(got, "    a") != 1 || strings.Count(got, "    b") != 2 {
		t.Errorf("%s", got)
	}
}
