// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"bytes"
	"context"
	"fmt"
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

// dryRun does what diskimage-builder's driver does before the first phase, by
// the driver's own functions: it resolves the elements that are its arguments
// and merges their hooks into $TMP_HOOKS_PATH. Then dib-run-parts lists what it
// would run in each phase, and tells in which order it sources environment.d,
// whose files are empty by then: what they need is not there.
const dryRun = `
set +ue
source "$_LIB/common-functions"
set -e
arg_to_elements "$@" >&2
generate_hooks >&2
cd "$TMP_HOOKS_PATH"
for phase in *.d; do
	[ "$phase" = environment.d ] || bash "$_LIB/dib-run-parts" --list "$phase"
done
cp -a environment.d environment.full
for file in environment.d/*; do
	: > "$file"
done
mkdir empty.d
bash "$_LIB/dib-run-parts" empty.d 2>&1 | sed -n 's|^dib-run-parts Sourcing environment file .*/||p' |
	sed 's|^|environment.d/|'
rm -r empty.d environment.d
mv environment.full environment.d
`

// For combinations of its elements our merged tree is diskimage-builder's, and
// the same hooks run in the same order, as its own dry run lists them; or both
// say that a hook is there twice.
func TestAgainstDiskimageBuilder(t *testing.T) {
	if _, err := os.Stat(filepath.Join(debianPackage, "lib", "dib-run-parts")); err != nil {
		t.Skipf("python3-diskimage-builder is not installed: %v", err)
	}
	t.Parallel()
	outcomes := make(chan string, 100)
	t.Run("combinations", func(t *testing.T) {
		for i, c := range randomCombinations(t, 50) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				outcomes <- compare(t, c)
			})
		}
	})
	close(outcomes)
	kinds := map[string]int{}
	for kind := range outcomes {
		kinds[kind]++
	}
	t.Logf("%v", kinds)
	if kinds["merged"] < 40 || kinds["duplicate"] < 1 {
		t.Errorf("%v: the combinations test too little", kinds)
	}
}

// combination is what a user asks for, and what we make of it.
type combination struct {
	elements []string
	set      *element.Set
}

// compare asks both about one combination and tells what they say.
func compare(t *testing.T, c combination) string {
	t.Helper()
	tree, err := Merge(c.set.Elements)
	theirs := t.TempDir()
	list, theirErr := askDiskimageBuilder(t, c.elements, theirs)
	if (err != nil) != (theirErr != nil) {
		t.Fatalf("%v: we say %v, diskimage-builder says %v", c.elements, err, theirErr)
	}
	if err != nil {
		if !strings.Contains(theirErr.Error(), "There is a duplicated hook") {
			t.Errorf("%v: %v", err, theirErr)
		}
		return "duplicate"
	}
	if diff := cmp.Diff(list, runOrder(tree)); diff != "" {
		t.Errorf("%v (-theirs +ours): %s", c.elements, diff)
	}
	ours := t.TempDir()
	if err := tree.Write(ours); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(comparable(t, theirs), comparable(t, ours)); diff != "" {
		t.Errorf("%v (-theirs +ours): %s", c.elements, diff)
	}
	return "merged"
}

// randomCombinations are n combinations (always the same) with all kinds of
// systems that resolve; the first has two elements with one hook.
func randomCombinations(t *testing.T, n int) []combination {
	t.Helper()
	catalog, _, err := element.Load(nil, []string{filepath.Join(debianPackage, "elements")})
	if err != nil {
		t.Fatal(err)
	}
	names := slices.DeleteFunc(catalog.Names(), func(name string) bool { return name == "__pycache__" })
	systems := []string{"debian-minimal", "ubuntu", "fedora-minimal", "opensuse-minimal", "centos", "gentoo", "containerfile"}
	elements := []string{"debian-minimal", "modprobe", "modprobe-blacklist"}
	random := rand.New(rand.NewPCG(5, 6))
	var combinations []combination
	for len(combinations) < n {
		if set, err := catalog.Resolve(element.Request{Elements: elements, Arch: "amd64"}); err == nil {
			combinations = append(combinations, combination{elements, set})
		}
		elements = []string{systems[random.IntN(len(systems))]}
		if random.IntN(2) == 0 {
			elements = append(elements, "vm")
		}
		for range 1 + random.IntN(6) {
			elements = append(elements, names[random.IntN(len(names))])
		}
	}
	return combinations
}

// askDiskimageBuilder fills dir and returns "phase/hook" in run order.
func askDiskimageBuilder(t *testing.T, elements []string, dir string) ([]string, error) {
	t.Helper()
	var out bytes.Buffer
	err := command.Host{}.Run(context.Background(), command.Command{
		Path: "bash", Args: append([]string{"-c", dryRun, "dry-run"}, elements...),
		Env: []string{
			"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "ARCH=amd64", "TMPDIR=" + t.TempDir(),
			"TMP_HOOKS_PATH=" + dir, "_LIB=" + filepath.Join(debianPackage, "lib"),
			"ELEMENTS_PATH=" + filepath.Join(debianPackage, "elements"), "DIB_PYTHON_EXEC=/usr/bin/python3",
		},
		Stdout: &out,
	})
	return strings.Fields(out.String()), err
}

// runOrder lists "phase/hook" of all directories that end in ".d", by name, and
// the files of environment.d after them.
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
	for _, h := range tree.EnvironmentFiles() {
		list = append(list, h.Path)
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
