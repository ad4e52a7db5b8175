// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fat

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// newVolume formats a volume behind an offset, fills it and returns it cut out.
func newVolume(t *testing.T, bytes, sector int64, tree string) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "volume")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const start = 1 << 20
	if err := f.Truncate(start + bytes); err != nil {
		t.Fatal(err)
	}
	if err := Format(f, start, bytes, sector, "MY LABEL", 0x1234abcd); err != nil {
		t.Fatal(err)
	}
	limit := time.Unix(1700000000, 0)
	root, err := Tree(tree, &limit)
	if err != nil {
		return "", err
	}
	v, err := Open(f, start, "MY LABEL")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Fill(t.Context(), root); err != nil {
		return "", err
	}
	foreign.Judge(t, "dd", "if="+path, "of="+path+".part", "bs=1M", "skip=1", "conv=sparse")
	if err := os.Truncate(path+".part", bytes); err != nil {
		t.Fatal(err)
	}
	return path + ".part", nil
}

// fatTree has names of every kind, empty and large files, and full directories.
func fatTree(t *testing.T) (dir string, files map[string][]byte) {
	t.Helper()
	dir, files = t.TempDir(), map[string][]byte{}
	for i := range 300 {
		files[fmt.Sprintf("loader/entries/0123456789abcdef-6.1.0-%d-amd64.conf", i)] = []byte(fmt.Sprint("entry ", i))
		files[fmt.Sprintf("MODULES/M%03d.MOD", i)] = bytes.Repeat([]byte{byte(i)}, i*37)
	}
	for _, name := range []string{
		"EFI/BOOT/BOOTX64.EFI", "a.conf", "a.cont", "a.con", ".hidden", ".hidden2", "..two", "grüße.txt", "Łódź", "日本語のなまえ.efi",
		"a b.txt", "ab.txt", "no-extension", "many.dots.in.it", "x", "thirteen.char", "fourteen..char", "x+y=z.[1]", // mtools shows nothing beyond the basic plane
		"LONGFI~1.TXT", "longfilename.txt", "longfilenamf.txt", strings.Repeat("n", 255),
	} {
		files[name] = []byte("contents of " + name)
	}
	files["empty"] = nil
	files["large"] = bytes.Repeat([]byte("0123456789abcdef"), 200000)
	files["exactly a cluster"] = bytes.Repeat([]byte("c"), 4096)
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "deep/er/and/deeper/empty-dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "x"), time.Unix(0, 0), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	return dir, files
}

func TestFATHoldsWhatWasPutIn(t *testing.T) {
	t.Parallel()
	tree, files := fatTree(t)
	for _, tc := range []struct {
		bytes, sector int64
		kind          string
	}{
		{550 << 20, 512, "32 bit"}, {64 << 20, 512, "32 bit"}, {36 << 20, 512, "32 bit"}, {36<<20 - 4096, 512, "16 bit"},
		{16 << 20, 512, "16 bit"}, {260 << 20, 4096, "32 bit"},
	} {
		t.Run(fmt.Sprintf("%d-%d", tc.bytes, tc.sector), func(t *testing.T) {
			t.Parallel()
			volume, err := newVolume(t, tc.bytes, tc.sector, tree)
			if err != nil {
				t.Fatal(err)
			}
			out := foreign.Judge(t, "fsck.fat", "-nv", volume)
			if !strings.Contains(out, "FATs, "+tc.kind) {
				t.Errorf("not a table of %s\n%s", tc.kind, out)
			}
			for _, bad := range []string{"uninitialized", "wrong", "differ", "Bad", "enaming", "fixing"} {
				if strings.Contains(out, bad) {
					t.Errorf("%q in\n%s", bad, out)
				}
			}
			back := t.TempDir()
			foreign.Judge(t, "env", "LC_ALL=C.UTF-8", "MTOOLS_SKIP_CHECK=1", "mcopy", "-s", "-p", "-n", "-m", "-i", volume, "::/", back)
			compareFiles(t, back, files)
		})
	}
}

func compareFiles(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	got := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		got[rel], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range want {
		back, ok := got[name]
		if !ok {
			t.Errorf("%q is missing", name)
		} else if !bytes.Equal(back, data) {
			t.Errorf("%q: %d bytes became %d or changed", name, len(data), len(back))
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%q is new", name)
	}
	if info, err := os.Stat(filepath.Join(dir, "deep/er/and/deeper/empty-dir")); err != nil || !info.IsDir() {
		t.Errorf("the empty directory is lost: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "large")); err != nil || info.ModTime().UTC().Year() != 2023 {
		t.Errorf("the time was not limited: %v %v", info.ModTime(), err)
	}
}

func TestFATRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(dir string) error
		want    string
	}{
		"too much": {func(dir string) error { return os.WriteFile(dir+"/big", make([]byte, 17<<20), 0o600) }, "does not fit"},
		"symlink":  {func(dir string) error { return os.Symlink("a", dir+"/link") }, "files and directories only"},
		"case": {func(dir string) error {
			return errors.Join(os.WriteFile(dir+"/a", nil, 0o600), os.WriteFile(dir+"/A", nil, 0o600))
		}, "upper and lower case"},
		"colon": {func(dir string) error { return os.WriteFile(dir+"/a:b", nil, 0o600) }, "does not allow"},
		"dot":   {func(dir string) error { return os.WriteFile(dir+"/a.", nil, 0o600) }, "ends with a dot"},
		"full root": {func(dir string) error {
			for i := range 600 {
				if err := os.WriteFile(fmt.Sprintf("%s/F%d", dir, i), nil, 0o600); err != nil {
					return err
				}
			}
			return nil
		}, "root directory"},
	} {
		dir := t.TempDir()
		if err := tc.prepare(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := newVolume(t, 16<<20, 512, dir); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestShortNames(t *testing.T) {
	t.Parallel()
	n := newNamer()
	var got []string
	for _, name := range []string{"README.TXT", "readme.txt2", "Readme.txt3", "longfilename.txt", "longfilenamf.txt", ".bashrc", "+.a"} {
		short, long, err := n.name(name)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %v", short, long != nil))
	}
	want := []string{"README  TXT false", "README~1TXT true", "README~2TXT true", "LONGFI~1TXT true", "LONGFI~2TXT true", "BASHRC~1    true", "_~1     A   true"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
