// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// Names in any number run in the order of GNU "sort -n" in the C locale.
func FuzzSort(f *testing.F) {
	for _, seed := range []string{
		"10-b\n9-a\n1.5", "-0\n0\n\n00", " 5\n\t-5\n5 ", "1e3\n0x10\n1_000", "-.5\n-.49\n.5\n.50", "\xff\n\x80\n~",
		"00000000000000000000000000000001\n99999999999999999999999999999999999999999",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if strings.ContainsRune(doc, 0) || strings.Contains(doc, "\x80") {
			return // GNU sort takes the byte 0x80 for a separator of thousands
		}
		names := strings.Split(doc, "\n")
		sorted, err := command.Output(t.Context(), command.Host{}, command.Command{
			Path: "sort", Args: []string{"-n", "-z"}, Env: []string{"PATH=/usr/bin:/bin", "LC_ALL=C"},
			Stdin: strings.NewReader(strings.Join(names, "\x00") + "\x00"),
		})
		if err != nil {
			t.Skip(err)
		}
		Sort(names)
		if got := strings.Join(names, "\x00") + "\x00"; got != sorted {
			t.Errorf("we: %q, sort -n: %q", got, sorted)
		}
	})
}

// Whatever lies in a directory and whatever RUN_PARTS_REGEX is: a file is run or
// ignored, never both and never neither, and what runs matches.
func FuzzListMatching(f *testing.F) {
	f.Add("10-a\n9-b\n.hidden\nx.bash\nREADME", "")
	f.Add("10-a\n9-b", "^[0-9]+-[ab]$")
	f.Add("a", "(")
	f.Add("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "^(a+)+$")
	f.Add("é\n \n-\n--list", "[[:alpha:]]|^-")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, doc, pattern string) {
		place, err := os.MkdirTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(place)
		var want []string
		for i, name := range strings.Split(doc, "\n") {
			if i < 20 && os.WriteFile(filepath.Join(place, filepath.Base(name)), nil, 0o600|os.FileMode(i%2)*0o111) == nil {
				want = append(want, filepath.Base(name))
			}
		}
		run, ignored, err := ListMatching(place, pattern)
		name, bad := regexp.Compile(pattern)
		if (err != nil) != (bad != nil) {
			t.Fatalf("%q: %v, %v", pattern, err, bad)
		}
		if err != nil {
			return
		}
		slices.Sort(want)
		if got := slices.Sorted(slices.Values(slices.Concat(run, ignored))); !slices.Equal(got, slices.Compact(want)) {
			t.Errorf("%q run and %q ignored of %q", run, ignored, want)
		}
		if !slices.IsSortedFunc(run, Compare) || !slices.IsSorted(ignored) {
			t.Errorf("%q, %q: not in order", run, ignored)
		}
		for _, n := range run {
			if pattern != "" && !name.MatchString(n) || pattern == "" && strings.Trim(n, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") != "" {
				t.Errorf("%q is run though %q", n, pattern)
			}
		}
	})
}

// The one environment file of the engine gives bash the very value.
func FuzzInstallType(f *testing.F) {
	bash := foreign.Bash(f, `answer() { local DIB_DEFAULT_INSTALLTYPE; eval "$1"; printf %s "$DIB_DEFAULT_INSTALLTYPE"; }`)
	for _, seed := range []string{"source", "package", "it's", "a\nb", "$x `y` \\", "'", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsRune(value, 0) {
			return // no variable can hold it
		}
		want := value
		if value == "" {
			want = "source"
		}
		if got, ok := bash.AskText(t, InstallTypeContent(value)); ok && got != want {
			t.Errorf("bash read %q, not %q", got, want)
		}
	})
}
