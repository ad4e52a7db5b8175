// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// inventory is testdata/inventory.txt as a file system of elements.
func inventory(t *testing.T) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	var name string
	for _, line := range dataLines(t, "testdata/inventory.txt") {
		dir, files, isHooks := strings.Cut(strings.TrimSpace(line), ": ")
		if !isHooks {
			words := strings.Fields(line)
			name = words[0]
			fsys[name] = &fstest.MapFile{Mode: os.ModeDir | 0o755}
			addList(fsys, name+"/"+element.DepsFile, "<", words[1:])
			addList(fsys, name+"/"+element.ProvidesFile, ">", words[1:])
			continue
		}
		mode := os.FileMode(0o755)
		if dir == EnvironmentDir {
			mode = 0o644
		}
		for file := range strings.FieldsSeq(files) {
			fsys[name+"/"+dir+"/"+file] = &fstest.MapFile{Mode: mode}
		}
	}
	return fsys
}

func addList(fsys fstest.MapFS, path, mark string, words []string) {
	for _, word := range words {
		if listed, ok := strings.CutPrefix(word, mark); ok {
			if fsys[path] == nil {
				fsys[path] = &fstest.MapFile{Mode: 0o644}
			}
			fsys[path].Data = append(fsys[path].Data, listed+"\n"...)
		}
	}
}

// dataLines are the lines of a file that are no comments.
func dataLines(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#") })
}

// Three requests give the elements and hook orders that diskimage-builder 3.42
// gives (element contract, appendix B).
func TestOrdersOfDiskimageBuilder(t *testing.T) {
	catalog, _, err := element.Load(inventory(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{}
	var request string
	for _, line := range dataLines(t, "testdata/orders.txt") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if key == "request" {
			request = value
			want[request] = map[string]string{}
			continue
		}
		want[request][key] = value
	}
	if len(want) != 3 {
		t.Fatalf("%d requests in orders.txt", len(want))
	}
	for request, orders := range want {
		t.Run(request, func(t *testing.T) {
			got := plan(t, catalog, strings.Fields(request))
			if diff := cmp.Diff(orders, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// plan is what orders.txt has for one request.
func plan(t *testing.T, catalog *element.Catalog, names []string) map[string]string {
	t.Helper()
	set, err := catalog.Resolve(element.Request{Elements: names, Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	tree := merge(t, set.Elements...)
	sorted := set.Names()
	slices.Sort(sorted)
	got := map[string]string{"elements": strings.Join(sorted, " ")}
	for _, phase := range Phases() {
		if hooks := tree.Hooks(phase.Name); len(hooks) > 0 {
			got[phase.Name] = show(hooks)
		}
	}
	got[EnvironmentDir] = show(WithInstallType(tree.EnvironmentFiles()))
	return got
}

func show(hooks []Hook) string {
	var words []string
	for _, h := range hooks {
		words = append(words, h.Name+"["+h.Element+"]")
	}
	return strings.Join(words, " ")
}
