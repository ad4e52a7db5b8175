// SPDX-License-Identifier: MPL-2.0

package nocloud

import "testing"

// No text may end Check in a panic, and what it finds right can be rendered
// with an instance-id that is the one in the meta-data.
func FuzzSeed(f *testing.F) {
	for _, b := range badUserData {
		if len(b.text) < 1000 {
			f.Add(b.text)
		}
	}
	for _, texts := range []map[string]string{goodUserData, goodMetaData, goodNetworkConfig} {
		for _, text := range texts {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := given("text", text)
		_ = Seed{UserData: d}.Check()
		_ = Seed{NetworkConfig: d}.Check()
		s := Seed{MetaData: d, Hostname: "web"}
		if s.Check().Err() != nil {
			return
		}
		out, err := s.Render()
		if err != nil {
			t.Skip(err) // written in a way that nothing can be added to
		}
		again := Seed{MetaData: Document{Attribute: "again", Text: out.Files[1].Content}}
		if err := again.Check().Err(); err != nil {
			t.Fatalf("%q became %q: %v", text, out.Files[1].Content, err)
		}
		if second, err := again.Render(); err != nil || second.InstanceID != out.InstanceID || second.Derived {
			t.Fatalf("%q became %q with the id %q, not %q (%v)", text, out.Files[1].Content, second.InstanceID, out.InstanceID, err)
		}
	})
}
