// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Whatever the document, each finding has a place in it and says what is wrong and
// what to do, and a second look finds the same.
func FuzzSchema(f *testing.F) {
	g := generator{rand.New(rand.NewPCG(5, 6)), 20}
	for range 20 {
		for _, content := range []any{g.mapping(cloudConfig, 0), g.network(true), g.network(false)} {
			text, err := yaml.Marshal(content)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Add("users: &u [*u]")
	f.Add("users: [&u {<<: *u, name: *u}]")
	f.Add("version: 1\nconfig: &c [*c, {type: bond, name: *c}]")
	f.Add("version: 2\nethernets: &e {eth0: *e, \ue000: {addresses: [{*e : 1}]}}")
	f.Fuzz(func(t *testing.T, text string) {
		var n yaml.Node
		if len(text) > 1<<14 || yaml.Unmarshal([]byte(text), &n) != nil || len(n.Content) == 0 || n.Content[0].Kind != yaml.MappingNode {
			return
		}
		lines := 1 + strings.Count(strings.NewReplacer("\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text), "\n")
		for name, judge := range map[string]func(*yaml.Node, Options) []Finding{"cloud-config": CloudConfig, "network-config": NetworkConfig} {
			found := judge(n.Content[0], Options{})
			if again := judge(n.Content[0], Options{}); fmt.Sprint(again) != fmt.Sprint(found) {
				t.Errorf("%s: first %v, then %v", name, found, again)
			}
			for _, p := range found {
				if p.Line < 1 || p.Line > lines+1 || p.Column < 0 || p.Text == "" || strings.Contains(p.Text, "%!") || strings.Contains(p.Advice, "%!") {
					t.Errorf("%s: %+v", name, p)
				}
			}
		}
	})
}
