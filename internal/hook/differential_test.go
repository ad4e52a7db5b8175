// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// Debian's package python3-diskimage-builder.
const debianPackage = "/usr/lib/python3/dist-packages/diskimage_builder"

// generate merges, by diskimage-builder's own function, the elements of the
// function get_image_element_array into $TMP_HOOKS_PATH, and lists what its
// dib-run-parts would run there.
const generate = `
set +ue
source "$_LIB/common-functions"
set -e
generate_hooks >&2
cd "$TMP_HOOKS_PATH"
for phase in *.d; do
	[ "$phase" = environment.d ] || bash "$_LIB/dib-run-parts" --list "$phase"
done
`

// For random sets of its elements, our merged tree is the one of
// diskimage-builder's, and the same hooks run in the same order; or both say
// that a hook is there twice.
func TestAgainstDiskimageBuilder(t *testing.T) {
	if _, err := os.Stat(filepath.Join(debianPackage, "lib", "dib-run-parts")); err != nil {
		t.Skipf("python3-diskimage-builder is not installed: %v", err)
	}
	merged, duplicates := 0, 0
	for _, set := range randomSets(t, 7) {
		tree, err := Merge(set.Elements)
		theirs := t.TempDir()
		list, theirErr := askDiskimageBuilder(set, theirs)
		if (err != nil) != (theirErr != nil) {
			t.Fatalf("%v: we say %v, diskimage-builder says %v", set.Names(), err, theirErr)
		}
		if err != nil {
			duplicates++
			if !strings.Contains(theirErr.Error(), "status 1") {
				t.Errorf("%v: %v", err, theirErr)
			}
			continue
		}
		merged++
		if diff := cmp.Diff(list, runOrder(tree)); diff != "" {
			t.Errorf("%v: %s", set.Names(), diff)
		}
		ours := t.TempDir()
		if err := tree.Write(ours); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(comparable(t, theirs), comparable(t, ours)); diff != "" {
			t.Errorf("%v: %s", set.Names(), diff)
		}
	}
	if duplicates < 1 || merged < 4 {
		t.Errorf("%d sets merged, %d had duplicates: the sets test too little", merged, duplicates)
	}
}

// randomSets are n sets (always the same) with all kinds of systems; the first
// has two elements with one hook.
func randomSets(t *testing.T, n int) []*element.Set {
	t.Helper()
	catalog, _, err := element.Load(nil, []string{filepath.Join(debianPackage, "elements")})
	if err != nil {
		t.Fatal(err)
	}
	names := slices.DeleteFunc(catalog.Names(), func(name string) bool { return name == "__pycache__" })
	systems := []string{"debian-minimal", "ubuntu", "fedora-minimal", "opensuse-minimal", "centos", "gentoo", "containerfile"}
	elements := []string{"debian-minimal", "modprobe", "modprobe-blacklist"}
	random := rand.New(rand.NewPCG(5, 6))
	var sets []*element.Set
	for len(sets) < n {
		if set, err := catalog.Resolve(element.Request{Elements: elements}); err == nil {
			sets = append(sets, set)
		}
		elements = []string{systems[random.IntN(len(systems))]}
		for range 1 + random.IntN(6) {
			elements = append(elements, names[random.IntN(len(names))])
		}
	}
	return sets
}

// askDiskimageBuilder fills dir and returns "phase/hook" in run order.
func askDiskimageBuilder(set *element.Set, dir string) ([]string, error) {
	var out bytes.Buffer
	err := command.Host{}.Run(context.Background(), command.Command{
		Path: "bash", Args: []string{"-c", generate},
		Env: []string{
			"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
			"TMP_HOOKS_PATH=" + dir, "_LIB=" + filepath.Join(debianPackage, "lib"),
			element.BashArrayVariable + "=" + set.BashArrayFunction(),
		},
		Stdout: &out,
	})
	return strings.Fields(out.String()), err
}

// runOrder lists "phase/hook" of all directories that end in ".d", by name.
func runOrder(tree *Tree) []string {
	var list []string
	for _, e := range tree.Entries() {
		if !e.Mode.IsDir() || strings.Contains(e.Path, "/") || !strings.HasSuffix(e.Path, ".d") || e.Path == EnvironmentDir {
			continue
		}
		for _, h := range tree.Hooks(e.Path) {
			list = append(list, h.Path)
		}
	}
	return list
}

// comparable lists a tree on disk, without the content of the files at its top:
// which element's stays there is undefined in diskimage-builder.
func comparable(t *testing.T, dir string) []string {
	t.Helper()
	atTop := regexp.MustCompile(`(?s)^([^/ ]+) -[^ ]* .*$`)
	lines := onDisk(t, dir)
	for i, line := range lines {
		lines[i] = atTop.ReplaceAllString(line, "$1")
	}
	return lines
}
