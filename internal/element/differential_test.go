// SPDX-License-Identifier: MPL-2.0

package element

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// Debian's package python3-diskimage-builder.
const (
	debianPython   = "/usr/bin/python3"
	debianElements = "/usr/lib/python3/dist-packages/diskimage_builder/elements"
)

// oracle resolves, with diskimage-builder's own code, every list of names in
// the JSON on standard input, and prints a line per list.
const oracle = `
import json, logging, sys
logging.disable(logging.CRITICAL)
from diskimage_builder import element_dependencies as d
catalog = d._find_all_elements(sys.argv[1])
for names in json.load(sys.stdin):
    try:
        found = d._expand_element_dependencies(names, catalog)
        print(" ".join(sorted(e.name for e in found)))
    except d.MissingElementException:
        print("!MissingElement")
    except d.AlreadyProvidedException:
        print("!AlreadyProvided")
    except d.MissingOSException:
        print("!MissingOS")
`

// Our resolution gives the set of diskimage-builder's, or its class of error.
// Its result may depend on the order of hash tables: any of several is right.
func TestAgainstDiskimageBuilder(t *testing.T) {
	if _, err := os.Stat(debianElements); err != nil {
		t.Skipf("python3-diskimage-builder is not installed: %v", err)
	}
	world := load(t, nil, debianElements)
	requests := combinations(world.Names())
	expanded := make([][]string, len(requests))
	for i, request := range requests {
		names, _ := request.Expand()
		expanded[i] = append([]string{}, names...) // JSON: [], not null
	}
	answers := askOracle(t, expanded)
	kinds := map[string]int{}
	for i, request := range requests {
		got := outcome(world.Resolve(request))
		if !slices.Contains(answers[i], got) {
			t.Errorf("%v: got %s, diskimage-builder says %s", request, got, strings.Join(answers[i], " or "))
		}
		kind := "set"
		if strings.HasPrefix(got, "!") {
			kind = got
		}
		kinds[kind]++
	}
	t.Logf("%d requests: %v", len(requests), kinds)
	for _, kind := range []string{"set", "!MissingElement", "!AlreadyProvided", "!MissingOS"} {
		if kinds[kind] < 5 {
			t.Errorf("only %d outcomes %s: the combinations test too little", kinds[kind], kind)
		}
	}
}

// outcome is a result as the oracle prints it: the first error decides.
func outcome(set *Set, err error) string {
	if err != nil {
		return "!" + class(flatten(err)[0])
	}
	names := set.Names()
	slices.Sort(names)
	return strings.Join(names, " ")
}

// combinations are each element alone, each with an operating system, and 500
// random lists (always the same).
func combinations(names []string) []Request {
	var requests []Request
	for _, name := range names {
		requests = append(requests,
			Request{Elements: []string{name}, SkipBase: true},
			Request{Elements: []string{"debian-minimal", name}})
	}
	random := rand.New(rand.NewPCG(1, 2))
	systems := []string{"debian-minimal", "ubuntu", "fedora-minimal", "opensuse", "centos", "vm"}
	pool := append(slices.Clone(names), "block-device", "operating-system", "bootloader", "no-such-element")
	for i := range 500 {
		var elements []string
		if i%5 > 0 {
			elements = append(elements, systems[random.IntN(len(systems))])
		}
		for range random.IntN(6) {
			elements = append(elements, pool[random.IntN(len(pool))])
		}
		arch := []string{"amd64", "arm64"}[random.IntN(2)]
		requests = append(requests, Request{Elements: elements, Arch: arch, SkipBase: i%3 == 0})
	}
	return requests
}

// askOracle returns for each list the answers under several hash seeds.
func askOracle(t *testing.T, lists [][]string) [][]string {
	t.Helper()
	question, err := json.Marshal(lists)
	if err != nil {
		t.Fatal(err)
	}
	answers := make([][]string, len(lists))
	for seed := range 8 {
		var out bytes.Buffer
		err := command.Host{}.Run(context.Background(), command.Command{
			Path:   debianPython,
			Args:   []string{"-c", oracle, debianElements},
			Env:    []string{"PATH=/usr/bin:/bin", fmt.Sprintf("PYTHONHASHSEED=%d", seed)},
			Stdin:  bytes.NewReader(question),
			Stdout: &out,
		})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != len(lists) {
			t.Fatalf("%d answers to %d questions", len(lines), len(lists))
		}
		for i, line := range lines {
			if !slices.Contains(answers[i], line) {
				answers[i] = append(answers[i], line)
			}
		}
	}
	return answers
}

// Most elements of the package are in the list of 3.42, too; each is where it is.
func TestDebianElementsAreKnown(t *testing.T) {
	if _, err := os.Stat(debianElements); err != nil {
		t.Skipf("python3-diskimage-builder is not installed: %v", err)
	}
	world := load(t, nil, debianElements)
	known := 0
	for _, name := range world.Names() {
		e, _ := world.Lookup(name)
		if e.Dir != filepath.Join(debianElements, name) {
			t.Errorf("%s is at %s", name, e.Dir)
		}
		if describeUpstream(name) != "" {
			known++
		}
	}
	if known < 100 {
		t.Errorf("only %d of %d names known", known, len(world.Names()))
	}
}
