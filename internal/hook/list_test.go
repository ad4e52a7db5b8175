// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fill makes files in a new directory: "name" with mode 0755, "name°" with
// 0644, "name/" a directory, "name>target" a link.
func fill(t *testing.T, files ...string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no execute bits")
	}
	dir := t.TempDir()
	for _, file := range files {
		var err error
		name, target, isLink := strings.Cut(file, ">")
		data, isData := strings.CutSuffix(file, "°")
		switch {
		case isLink:
			err = os.Symlink(target, filepath.Join(dir, name))
		case isData:
			err = os.WriteFile(filepath.Join(dir, data), nil, 0o644)
		case strings.HasSuffix(file, "/"):
			err = os.Mkdir(filepath.Join(dir, file), 0o755)
		default:
			err = os.WriteFile(filepath.Join(dir, file), nil, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestList(t *testing.T) {
	dir := fill(t, "10-b", "9-a", "data°", "20-x.sh", "5-dir/", "30-link>9-a", "31-data>data°", "32-nowhere>none", "33-dir>5-dir", ".hidden", "11-ü", "12 space")
	if err := os.Symlink("data", filepath.Join(dir, "34-data")); err != nil {
		t.Fatal(err)
	}
	run, ignored, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"9-a", "10-b", "30-link"}, run); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{".hidden", "11-ü", "12 space", "20-x.sh", "34-data", "data"}, ignored); diff != "" {
		t.Error(diff)
	}
}

func TestListMatching(t *testing.T) {
	dir := fill(t, "10-b", "9-a", "20-x.sh", "30-data°")
	for pattern, want := range map[string][]string{
		"":               {"9-a", "10-b"},
		NamePattern:      {"9-a", "10-b"},
		"x":              {"20-x.sh"}, // anywhere, as grep does
		"^[0-9]+-[a-z.]": {"9-a", "10-b", "20-x.sh"},
		"^(9|20)-":       {"9-a", "20-x.sh"},
		"nothing":        nil,
	} {
		run, ignored, err := ListMatching(dir, pattern)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, run); diff != "" {
			t.Errorf("%s: %s", pattern, diff)
		}
		if len(run)+len(ignored) != 4 {
			t.Errorf("%s: ignored %v", pattern, ignored)
		}
	}
	if _, _, err := ListMatching(dir, "(["); err == nil || !strings.Contains(err.Error(), "RUN_PARTS_REGEX") {
		t.Errorf("broken pattern: %v", err)
	}
}

func TestListNeedsTheDirectory(t *testing.T) {
	none := filepath.Join(t.TempDir(), "install.d")
	if _, _, err := List(none); err == nil || !strings.Contains(err.Error(), none) {
		t.Errorf("got %v", err)
	}
	if names, err := ListEnvironment(none); err != nil || names != nil {
		t.Errorf("no environment.d: %v, %v", names, err)
	}
	file := filepath.Join(fill(t, "file"), "file")
	if _, err := ListEnvironment(file); err == nil {
		t.Error("environment.d is a file: no error")
	}
}

func TestListEnvironment(t *testing.T) {
	dir := fill(t, "nonum°", "9-d°", "50-c.bash", "100-b°", "10-a°", "dir/", "20-link>9-d", "21-nowhere>none", "bad~°", "bad name°", ".dot°", "-5°")
	names, err := ListEnvironment(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"-5", ".dot", "10-a", "100-b", "20-link", "50-c.bash", "9-d", "nonum"}, names); diff != "" {
		t.Error(diff)
	}
}
