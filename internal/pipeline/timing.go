// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// Timing is how long one hook or one step of the engine took.
type Timing struct {
	Phase, Hook string
	Took        time.Duration
}

// slowest is how many hooks the summary names.
const slowest = 10

// Summary is the text that ends a build: the time by phase in the order of
// their running, and the ten slowest hooks.
func Summary(timings []Timing) string {
	var text strings.Builder
	text.WriteString("Time by phase:\n")
	for _, p := range byPhase(timings) {
		fmt.Fprintf(&text, "  %-18s %8.1f s\n", p.Phase, p.Took.Seconds())
	}
	var hooks []Timing
	for _, t := range timings {
		if t.Hook != "" {
			hooks = append(hooks, t)
		}
	}
	sort.SliceStable(hooks, func(i, j int) bool { return hooks[i].Took > hooks[j].Took })
	if len(hooks) > slowest {
		hooks = hooks[:slowest]
	}
	text.WriteString("Slowest hooks:\n")
	for _, h := range hooks {
		fmt.Fprintf(&text, "  %-45s %8.1f s\n", h.Phase+"/"+h.Hook, h.Took.Seconds())
	}
	return strings.TrimRight(text.String(), "\n")
}

func byPhase(timings []Timing) []Timing {
	var sums []Timing
	index := map[string]int{}
	for _, t := range timings {
		i, known := index[t.Phase]
		if !known {
			i = len(sums)
			index[t.Phase] = i
			sums = append(sums, Timing{Phase: t.Phase})
		}
		sums[i].Took += t.Took
	}
	return sums
}
