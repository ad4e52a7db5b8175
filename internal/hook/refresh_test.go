// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"
	"time"
)

func TestRefresh(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	e := elementOf("a", "install.d/10-a", "install.d/20-b", "install.d/30-c")
	fsys := e.FS.(fstest.MapFS)
	dst := filepath.Join(t.TempDir(), "hooks")
	tree := merge(t, e)
	if err := tree.Write(dst); err != nil {
		t.Fatal(err)
	}
	// What a hook did to its neighbour stays.
	if err := os.WriteFile(filepath.Join(dst, "install.d/30-c"), []byte("changed in the build"), 0o755); err != nil {
		t.Fatal(err)
	}
	if changed, err := tree.Refresh(dst); err != nil || len(changed) > 0 {
		t.Errorf("nothing changed: %v %v", changed, err)
	}
	fsys["install.d/10-a"] = &fstest.MapFile{Mode: 0o755, ModTime: time.Unix(1e9, 0), Data: []byte("new")}
	fsys["install.d/20-b"] = &fstest.MapFile{Mode: 0o700, Data: fsys["install.d/20-b"].Data}
	delete(fsys, "install.d/30-c")
	changed, err := tree.Refresh(dst)
	if err != nil || len(changed) != 2 || changed[0].Path != "install.d/10-a" || changed[1].Path != "install.d/20-b" {
		t.Errorf("%v %v", changed, err)
	}
	want := []string{"install.d drwxr-xr-x", "install.d/10-a -rwxr-xr-x new",
		"install.d/20-b -rwx------ a", "install.d/30-c -rwxr-xr-x changed in the build"}
	for i, line := range onDisk(t, dst) {
		if i >= len(want) || line != want[i] {
			t.Errorf("got %q", line)
		}
	}
	if changed, err := tree.Refresh(dst); err != nil || len(changed) > 1 {
		t.Errorf("the same change twice: %v %v", changed, err)
	}
}
