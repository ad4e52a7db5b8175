// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// judgeYAML is a program that says for each text whether cloud-init's parser
// reads it: null, or what is wrong with it.
const judgeYAML = `
import json, sys, yaml
class Loader(yaml.SafeLoader):
    "as cloudinit.safeyaml has it"
Loader.add_constructor("tag:yaml.org,2002:python/unicode", Loader.construct_scalar)
def judge(text):
    try:
        yaml.load(text, Loader=Loader)
    except Exception as e:
        return str(e)[:300]
`

// pyYAML has PyYAML judge texts; it skips the test where that is missing.
func pyYAML(t *testing.T, texts []string) []*string {
	t.Helper()
	if _, err := command.Output(t.Context(), command.Host{}, command.Command{Path: "python3", Args: []string{"-c", "import yaml"}}); err != nil {
		t.Skip("no python3 with yaml on this host: ", err)
	}
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.Output(t.Context(), command.Host{}, command.Command{
		Path: "python3", Args: []string{"-c", judgeYAML + "json.dump([judge(t) for t in json.load(sys.stdin)], sys.stdout)"}, Stdin: bytes.NewReader(in),
	})
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []*string
	if err := json.Unmarshal([]byte(out), &verdicts); err != nil {
		t.Fatal(err)
	}
	return verdicts
}

// yamlTexts are the texts of the tables that are YAML as a whole.
func yamlTexts() (texts []string) {
	for _, text := range goodUserData {
		if classify(text) == cloudConfig {
			texts = append(texts, text)
		}
	}
	for _, b := range badUserData {
		if classify(b.text) == cloudConfig && len(b.text) < 1000 && strings.ToValidUTF8(b.text, "") == b.text {
			texts = append(texts, b.text)
		}
	}
	for _, text := range goodNetworkConfig {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// mutate changes a text in a few places, the way typing goes wrong.
func mutate(random *rand.Rand, text string) string {
	pieces := []string{"\t", "  ", "\n", ":", ": ", "- ", "#", " #", "'", "\"", "[", "]", "{", "}", ",", "|", ">", "*", "&", "!", "%", "@", "`", "\\", "?", "? ", "---\n", "...\n", "<<: ", "=", "~", "a", "1"}
	for range 1 + random.IntN(2) {
		at := random.IntN(len(text) + 1)
		switch random.IntN(3) {
		case 0:
			end := min(len(text), at+1+random.IntN(3))
			text = text[:at] + text[end:]
		default:
			text = text[:at] + pieces[random.IntN(len(pieces))] + text[at:]
		}
	}
	return strings.ToValidUTF8(text, "")
}

// What we accept, cloud-init's parser reads; what we refuse, it refuses or
// reads otherwise than meant. Thousands of damaged documents show it.
func TestYAMLVerdictsAreThoseOfPyYAML(t *testing.T) {
	texts := yamlTexts()
	whole := len(texts)
	for _, text := range texts[:whole] {
		// A text of its own to start from, so that one more in the tables changes no other.
		random := rand.New(rand.NewPCG(uint64(crc32.ChecksumIEEE([]byte(text))), 2))
		for range 12 {
			texts = append(texts, mutate(random, text))
		}
	}
	for i, verdict := range pyYAML(t, texts) {
		var problems Problems
		r := newReporter(Document{}, &problems)
		r.yamlDocument(texts[i])
		errs := problems.Errors()
		switch {
		case verdict != nil && len(errs) == 0:
			t.Errorf("accepted %q, of which PyYAML says %s", texts[i], *verdict)
		case verdict == nil && len(errs) > 0 && !stricter(errs[0]):
			t.Errorf("refused %q, which PyYAML reads: %s", texts[i], errs[0].Error())
		}
	}
}

// stricter says whether we refuse on purpose what PyYAML reads, otherwise than meant.
func stricter(p Problem) bool {
	return slices.ContainsFunc([]string{"given twice", "byte order mark", "a lone !", "a key without a value", "an empty key"}, func(s string) bool { return strings.Contains(p.Text, s) })
}
