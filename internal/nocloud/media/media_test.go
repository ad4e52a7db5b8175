// SPDX-License-Identifier: MPL-2.0

package media

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
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// file is a seed's file, as Render makes it.
func file(name, content string) nocloud.File {
	return nocloud.File{Name: name, Mode: nocloud.FileMode, Content: []byte(content)}
}

var seeds = map[string][]nocloud.File{
	"smallest": {file("user-data", "#cloud-config\n{}\n"), file("meta-data", "instance-id: i-1\n")},
	"all": {
		file("user-data", "#cloud-config\n{}\n"), file("meta-data", "instance-id: i-1\n"),
		file("network-config", "version: 2\n"), file("vendor-data", ""),
	},
	"names": {
		file("user-data", "a"), file("user-date", "b"), file("user-daty", "c"), file("a.tar.gz", "d"),
		file(strings.Repeat("long", 16), "e"), file("UPPER", "f"), file("_", "g"), file("x.y", "h"),
	},
	"sizes": {
		file("sector", strings.Repeat("s", 2048)), file("more", strings.Repeat("m", 2049)), file("less", strings.Repeat("l", 2047)),
		file("empty", ""), file("one", "1"),
	},
	"large": {file("user-data", strings.Repeat("0123456789abcdef", 1<<20)), file("meta-data", "{}")},
}

func init() {
	// As many as need several sectors of directory.
	var many []nocloud.File
	for i := range 120 {
		many = append(many, file(fmt.Sprintf("a-name-that-is-rather-long-%03d.cfg", i), fmt.Sprint("content ", i)))
	}
	seeds["many"] = many
}

var when = time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)

// write makes a medium in a directory of its own.
func write(t *testing.T, format Format, files []nocloud.File) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seed."+string(format))
	if err := Write(t.Context(), path, format, files, when); err != nil {
		t.Fatal(err)
	}
	return path
}

func contents(files []nocloud.File) map[string]string {
	all := map[string]string{}
	for _, f := range files {
		all[f.Name] = string(f.Content)
	}
	return all
}

func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(b)
	}
	return all
}

// What xorriso and mtools read is what was put in.
func TestForeignReaders(t *testing.T) {
	t.Parallel()
	readers := map[string]func(t *testing.T, files []nocloud.File) map[string]string{}
	readers["rock ridge"] = func(t *testing.T, files []nocloud.File) map[string]string {
		return readISO(t, write(t, ISO, files), "nojoliet")
	}
	readers["joliet"] = func(t *testing.T, files []nocloud.File) map[string]string {
		return readISO(t, write(t, ISO, files), "norock")
	}
	readers["vfat"] = func(t *testing.T, files []nocloud.File) map[string]string {
		path := write(t, VFAT, files)
		if out := foreign.Judge(t, "fsck.fat", "-nv", path); strings.Contains(out, "Label") && !strings.Contains(out, "CIDATA") {
			t.Errorf("fsck.fat says\n%s", out)
		}
		return readAll(t, extractFAT(t, path))
	}
	for reader, read := range readers {
		for name, files := range seeds {
			t.Run(reader+"/"+name, func(t *testing.T) {
				t.Parallel()
				if d := cmp.Diff(contents(files), read(t, files)); d != "" {
					t.Error(d[:min(len(d), 2000)])
				}
			})
		}
	}
}

// readISO has xorriso read a volume, the tree that is wanted, and report anything odd.
func readISO(t *testing.T, path, tree string) map[string]string {
	t.Helper()
	return readAll(t, extractISO(t, path, tree))
}

func extractISO(t *testing.T, path, tree string) string {
	t.Helper()
	back := filepath.Join(t.TempDir(), "back")
	out := foreign.Judge(t, "xorriso", "-abort_on", "WARNING", "-read_fs", tree, "-indev", path, "-osirrox", "on", "-extract", "/", back)
	if strings.Contains(out, "WARNING") || !strings.Contains(out, "Volume id    : 'cidata'") {
		t.Errorf("xorriso says\n%s", out)
	}
	if err := os.Chmod(back, 0o700); err != nil {
		t.Fatal(err)
	}
	return back
}

func extractFAT(t *testing.T, path string) string {
	t.Helper()
	back := t.TempDir()
	foreign.Judge(t, "env", "MTOOLS_SKIP_CHECK=1", "mcopy", "-n", "-i", path, "::*", back)
	return back
}

// The real datasource finds either volume by what blkid says of it, and takes all
// four documents from it, whether there is a network or not.
func TestCloudInitFindsTheVolumes(t *testing.T) {
	t.Parallel()
	files := []nocloud.File{
		file("user-data", "#cloud-config\n{}\n"), file("meta-data", "instance-id: i-1\nlocal-hostname: web-1\n"),
		file("network-config", "version: 2\n"), file("vendor-data", "#cloud-config\n{a: b}\n"),
	}
	iso, vfat := write(t, ISO, files), write(t, VFAT, files)
	for _, release := range []string{"bookworm", "trixie"} {
		datasource := foreign.NewNoCloud(t, release)
		if datasource == nil {
			continue
		}
		for path, dir := range map[string]string{iso: extractISO(t, iso, "any"), vfat: extractFAT(t, vfat)} {
			want := foreign.Found{Found: true, Seed: path, UserData: "#cloud-config\n{}\n", VendorData: "#cloud-config\n{a: b}\n",
				InstanceID: "i-1", Hostname: "web-1", Network: true}
			if d := cmp.Diff(want, datasource.Look(t, foreign.Machine{Volumes: map[string]string{path: dir}})); d != "" {
				t.Errorf("%s: %s", release, d)
			}
		}
	}
}

// blkid, by whose answers cloud-init looks for volumes, finds them by label and type.
func TestVolumesAreFound(t *testing.T) {
	t.Parallel()
	for format, want := range map[Format]string{
		ISO:  "ID_FS_TYPE=iso9660 ID_FS_LABEL=cidata ID_FS_VERSION=Joliet\\x20Extension",
		VFAT: "ID_FS_TYPE=vfat ID_FS_LABEL=CIDATA ID_FS_LABEL_FATBOOT=CIDATA ID_FS_VERSION=FAT16",
	} {
		out := foreign.Judge(t, "blkid", "-p", "-o", "udev", write(t, format, seeds["all"]))
		for _, line := range strings.Fields(want) {
			if !strings.Contains(out, line+"\n") {
				t.Errorf("%s: no %s in\n%s", format, line, out)
			}
		}
	}
}

// Where a volume is mounted its files are root's only, with the time that was given.
func TestRockRidgeModes(t *testing.T) {
	t.Parallel()
	out := foreign.Judge(t, "xorriso", "-indev", write(t, ISO, seeds["smallest"]), "-lsdl", "/", "--", "-lsl", "/", "--", "-toc", "-pvd_info")
	for _, want := range []string{"drwx------    1 0        0", "-rw-------    1 0        0              17 Feb 29  2024 'user-data'"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	var b bytes.Buffer
	if err := WriteISO(&b, seeds["smallest"], when); err != nil {
		t.Fatal(err)
	}
	// A stamp of seven bytes for each of the three bits.
	if got := bytes.Count(b.Bytes(), []byte("TF\x1a\x01\x0e")); got != 2+len(seeds["smallest"]) {
		t.Errorf("%d records have all three times", got)
	}
	if !strings.Contains(out, "Creation Time: 2024022912345600") {
		t.Errorf("the time is lost in\n%s", out)
	}
}

// The same seed gives the same bytes, another time or seed gives others, and
// what is there already is left alone.
func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{ISO, VFAT} {
		path := write(t, format, seeds["all"])
		first, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(path)
		if err != nil || before.Mode() != 0o600 {
			t.Errorf("%s: %v %v", format, before.Mode(), err)
		}
		if err := Write(t.Context(), path, format, seeds["all"], when); err != nil {
			t.Fatal(err)
		}
		if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s: an equal file was replaced (%v)", format, err)
		}
		if again, err := os.ReadFile(write(t, format, seeds["all"])); err != nil || !bytes.Equal(first, again) {
			t.Errorf("%s: the same seed gave other bytes (%v)", format, err)
		}
		for name, change := range map[string]func() error{
			"time": func() error { return Write(t.Context(), path, format, seeds["all"], when.AddDate(1, 0, 0)) },
			"seed": func() error { return Write(t.Context(), path, format, seeds["smallest"], when) },
		} {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if b, err := os.ReadFile(path); err != nil || bytes.Equal(b, first) {
				t.Errorf("%s: another %s gave the same bytes (%v)", format, name, err)
			}
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("%s: left in the directory: %v %v", format, entries, err)
		}
	}
}

// Others may not read an equal file either: it is written anew.
func TestOpenFilesAreClosed(t *testing.T) {
	t.Parallel()
	path := write(t, ISO, seeds["all"])
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(t.Context(), path, ISO, seeds["all"], when); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files []nocloud.File
		want  string
	}{
		"nothing":   {nil, "without files"},
		"slash":     {[]nocloud.File{file("a/b", "")}, "no name for a file"},
		"up":        {[]nocloud.File{file("..", "")}, "no name for a file"},
		"blank":     {[]nocloud.File{file("a b", "")}, "no name for a file"},
		"long":      {[]nocloud.File{file(strings.Repeat("n", 65), "")}, "no name for a file"},
		"last dot":  {[]nocloud.File{file("a.", "")}, "no name for a file"},
		"line end":  {[]nocloud.File{file("a\n", "")}, "no name for a file"},
		"case only": {[]nocloud.File{file("a", ""), file("A", "")}, "there twice"},
		"A first":   {[]nocloud.File{file("A", ""), file("a", "")}, "there twice"},
	} {
		for _, format := range []Format{ISO, VFAT} {
			path := filepath.Join(t.TempDir(), "x")
			if err := Write(t.Context(), path, format, tc.files, when); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s, %s: %v", name, format, err)
			}
			if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
				t.Errorf("%s, %s: left behind: %v %v", name, format, entries, err)
			}
		}
	}
	if err := Write(t.Context(), "/does/not/exist/x.iso", ISO, seeds["all"], when); err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("got %v", err)
	}
}

func TestTimesOutOfRange(t *testing.T) {
	t.Parallel()
	for _, year := range []int{1, 1970, 2500, 9999} {
		var b bytes.Buffer
		if err := WriteISO(&b, seeds["all"], time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Error(err)
		}
		made := string(b.Bytes()[16*2048+813:][:4])
		if want := map[bool]string{true: "1980", false: "2107"}[year < 2000]; made != want {
			t.Errorf("%d became %s", year, made)
		}
	}
}

// FuzzVolumes puts any names and contents on both volumes: what is refused is
// refused by both, and what xorriso and mtools read is what was put in.
func FuzzVolumes(f *testing.F) {
	f.Add("user-data", "meta-data", []byte("#cloud-config\n"), 1)
	f.Add("a.b.c", "A.b.d", bytes.Repeat([]byte{0xff}, 2048), 3)
	f.Add("", "..", []byte{}, 0)
	f.Fuzz(func(t *testing.T, one, two string, content []byte, repeat int) {
		files := []nocloud.File{
			{Name: one, Mode: nocloud.FileMode, Content: bytes.Repeat(content, max(0, min(repeat, 64)))},
			{Name: two, Mode: nocloud.FileMode, Content: content},
		}
		dir := t.TempDir()
		iso, vfat := filepath.Join(dir, "iso"), filepath.Join(dir, "vfat")
		isoErr, fatErr := Write(t.Context(), iso, ISO, files, when), Write(t.Context(), vfat, VFAT, files, when)
		if (isoErr == nil) != (fatErr == nil) {
			t.Fatalf("iso says %v, vfat %v", isoErr, fatErr)
		}
		if isoErr != nil {
			return
		}
		for _, tree := range []string{"nojoliet", "norock"} {
			if d := cmp.Diff(contents(files), readISO(t, iso, tree)); d != "" {
				t.Error(tree, d)
			}
		}
		if d := cmp.Diff(contents(files), readAll(t, extractFAT(t, vfat))); d != "" {
			t.Error(d)
		}
		foreign.Judge(t, "fsck.fat", "-n", vfat)
	})
}

func BenchmarkISO(b *testing.B)  { benchmark(b, ISO) }
func BenchmarkVFAT(b *testing.B) { benchmark(b, VFAT) }

// benchmark includes the sync to disk.
func benchmark(b *testing.B, format Format) {
	path := filepath.Join(b.TempDir(), "seed")
	for b.Loop() {
		if err := errors.Join(Write(b.Context(), path, format, seeds["all"], when), os.Remove(path)); err != nil {
			b.Fatal(err)
		}
	}
}
