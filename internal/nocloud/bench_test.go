// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"strings"
	"testing"
)

// BenchmarkCheck200Lines checks and renders a seed of some 200 lines; 20 ms are
// allowed.
func BenchmarkCheck200Lines(b *testing.B) {
	var text strings.Builder
	text.WriteString("#cloud-config\n")
	seen := map[string]bool{}
	for _, d := range documents(b, "cloud-config-good.txt") {
		body := strings.TrimPrefix(d.text, "#cloud-config\n")
		key, _, _ := strings.Cut(body, ":")
		if classify(d.text) != cloudConfig || body[0] == '{' || seen[key] || strings.Count(text.String(), "\n") > 200 {
			continue
		}
		seen[key] = true
		text.WriteString(body)
	}
	s := Seed{UserData: given("user_data", text.String()), NetworkConfig: given("network_config", goodNetworkConfig["v2 bond"])}
	for b.Loop() {
		s.Check()
		if _, err := s.Render(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(strings.Count(text.String(), "\n")), "lines")
}
