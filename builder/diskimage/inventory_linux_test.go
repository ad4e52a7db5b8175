// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestContainerMemory(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"version 2": {map[string]string{"memory.max": "1000\n", "memory.current": "400\n"}, 600},
		"no limit":  {map[string]string{"memory.max": "max\n", "memory.current": "400\n"}, math.MaxInt64},
		"version 1": {map[string]string{"memory/memory.limit_in_bytes": "1000\n", "memory/memory.usage_in_bytes": "1200\n"}, 0},
		"nothing":   {nil, math.MaxInt64},
	} {
		dir := t.TempDir()
		for file, text := range c.files {
			path := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := containerMemory(dir); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestUserNamespaceIsTold(t *testing.T) {
	for text, want := range map[string]bool{
		"         0          0 4294967295\n":        false,
		"         0       1000          1\n":        true,
		"         0     100000      65536\n":        true,
		"":                                          true, // nobody was mapped yet
		"0 0 1\n         1       1000          1\n": true,
	} {
		path := filepath.Join(t.TempDir(), "uid_map")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := inUserNamespace(path); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if inUserNamespace(filepath.Join(t.TempDir(), "none")) {
		t.Error("a kernel without user namespaces has one")
	}
}
