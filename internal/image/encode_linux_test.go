// SPDX-License-Identifier: MPL-2.0

//go:build linux

package image

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

const testDiskSize = 64 << 20

// testDisk is a sparse raw disk with compressible and incompressible data.
func testDisk(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "disk")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 2<<20)
	rand.New(rand.NewSource(1)).Read(noise)
	for offset, data := range map[int64][]byte{
		0:                   []byte("start"),
		5 << 20:             noise,
		20<<20 + 12345:      bytes.Repeat([]byte("text "), 300_000),
		testDiskSize - 4096: []byte("end"),
	} {
		if _, err := f.WriteAt(data, offset); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Truncate(testDiskSize), f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func needQemuImg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("qemu-img is not installed")
	}
}

func qemuImg(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command.Output(t.Context(), command.Host{}, command.Command{Path: "qemu-img", Args: args})
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

func assertSameDisk(t *testing.T, format Format, a, b string) {
	t.Helper()
	qemuImg(t, "compare", "-f", "raw", "-F", string(format), a, b)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestQCOW2IsCleanAndEqualToTheDisk(t *testing.T) {
	needQemuImg(t)
	for _, tc := range []struct {
		compression Compression
		want        string
		compressed  bool
	}{
		{"", `"compression-type": "zlib"`, true},
		{Zstd, `"compression-type": "zstd"`, true},
		{NoCompression, `"compression-type": "zlib"`, false},
	} {
		dir := t.TempDir()
		disk, out := testDisk(t, dir), filepath.Join(dir, "colon:comma,name.qcow2")
		var seen []float64
		err := Encode(t.Context(), command.Host{}, Spec{
			Format: QCOW2, Source: disk, Destination: out, Compression: tc.compression,
			Progress: func(p float64) { seen = append(seen, p) },
		})
		if err != nil {
			t.Fatal(err)
		}
		check := qemuImg(t, "check", "--output=json", out)
		if strings.Contains(check, `"compressed-clusters"`) != tc.compressed {
			t.Errorf("%q: %s", tc.compression, check)
		}
		assertSameDisk(t, QCOW2, disk, out)
		if info := qemuImg(t, "info", "--output=json", out); !strings.Contains(info, tc.want) {
			t.Errorf("%q: %s", tc.compression, info)
		}
		if len(seen) == 0 || seen[len(seen)-1] != 100 {
			t.Errorf("%q: progress %v", tc.compression, seen)
		}
	}
}

func TestReproducibleQCOW2(t *testing.T) {
	needQemuImg(t)
	dir := t.TempDir()
	disk := testDisk(t, dir)
	var sums []string
	for _, name := range []string{"a", "b", "c"} {
		out := filepath.Join(dir, name)
		if err := Encode(t.Context(), command.Host{}, Spec{Format: QCOW2, Source: disk, Destination: out, Reproducible: true}); err != nil {
			t.Fatal(err)
		}
		s, err := Digest(t.Context(), out, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, s.SHA256)
	}
	if sums[0] != sums[1] || sums[1] != sums[2] {
		t.Errorf("three files differ: %v", sums)
	}
	for _, reproducible := range []bool{true, false} {
		args, err := convertArguments(Spec{Reproducible: reproducible})
		if err != nil || strings.Contains(strings.Join(args, " "), " -W ") == reproducible {
			t.Errorf("reproducible %v: %v %v", reproducible, args, err)
		}
	}
}

func TestRawKeepsHoles(t *testing.T) {
	for _, tc := range []struct {
		name     string
		consume  bool
		otherDir func(*testing.T) string
	}{
		{"copied", false, func(t *testing.T) string { return t.TempDir() }},
		{"moved", true, func(t *testing.T) string { return t.TempDir() }},
		{"copied across file systems", false, sharedMemory},
		{"moved across file systems", true, sharedMemory},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			disk := testDisk(t, dir)
			want, err := os.ReadFile(disk)
			if err != nil {
				t.Fatal(err)
			}
			limit := allocated(disk) + 1<<20
			out := filepath.Join(tc.otherDir(t), "x.raw")
			var last float64
			err = Encode(t.Context(), nil, Spec{
				Format: Raw, Source: disk, Destination: out, Consume: tc.consume,
				Progress: func(p float64) {
					if p <= last && p != 0 {
						t.Errorf("progress fell from %v to %v", last, p)
					}
					last = p
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(out)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("the copy differs: %v", err)
			}
			if a := allocated(out); a > limit {
				t.Errorf("%d bytes are allocated, want at most %d", a, limit)
			}
			if _, err := os.Stat(disk); (err != nil) != tc.consume {
				t.Errorf("the source: %v", err)
			}
			if last != 100 {
				t.Errorf("progress ends at %v", last)
			}
		})
	}
}

// sharedMemory is a directory on a tmpfs.
func sharedMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "image-test-")
	if err != nil {
		t.Skipf("no second file system to write to: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestHolesAreNotRead(t *testing.T) {
	f, err := os.Open(testDisk(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	start, end, err := nextData(f, 1<<20, testDiskSize)
	if err != nil || start != 5<<20 || end != 7<<20 {
		t.Errorf("data from %d to %d, want 5 MiB to 7 MiB: %v", start, end, err)
	}
	if start, _, err := nextData(f, testDiskSize, testDiskSize); err != nil || start != testDiskSize {
		t.Errorf("data after the end at %d: %v", start, err)
	}
}

func TestCopyTurnsZerosIntoHoles(t *testing.T) {
	dir := t.TempDir()
	source, out := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	content := append(make([]byte, 8<<20), "end, not aligned"...)
	if err := os.WriteFile(source, content, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	if err := copySparse(t.Context(), dst, src, func(float64) {}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the copy differs: %v", err)
	}
	if a := allocated(out); a > 1<<20 {
		t.Errorf("%d bytes are allocated", a)
	}
}

func TestEncodeFailureLeavesNothing(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	half := &command.Fake{Answer: func(c command.Command) error {
		out := c.Args[len(c.Args)-1]
		return errors.Join(os.WriteFile(out, []byte("half"), 0o600), errors.New("no more paper"))
	}}
	for _, tc := range []struct {
		name   string
		ctx    context.Context
		runner command.Runner
		spec   Spec
		want   string
	}{
		{"cancelled qcow2", cancelled, command.Host{}, Spec{Format: QCOW2}, "context canceled"},
		{"cancelled raw", cancelled, nil, Spec{Format: Raw}, "context canceled"},
		{"failing program", t.Context(), half, Spec{Format: QCOW2}, "no more paper"},
		{"bad compression", t.Context(), half, Spec{Format: QCOW2, Compression: "lzma"}, "lzma"},
		{"bad format", t.Context(), half, Spec{Format: "vmdk"}, "no encoder"},
	} {
		dir, other := t.TempDir(), t.TempDir()
		tc.spec.Source, tc.spec.Destination = testDisk(t, dir), filepath.Join(other, "out")
		err := Encode(tc.ctx, tc.runner, tc.spec)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if got := names(t, other); got != "" {
			t.Errorf("%s left %s", tc.name, got)
		}
	}
}

func TestCancelWhileEncodingLeavesNothing(t *testing.T) {
	needQemuImg(t)
	for _, format := range Formats() {
		dir, other := t.TempDir(), sharedMemory(t)
		ctx, cancel := context.WithCancel(t.Context())
		disk := testDisk(t, dir)
		err := Encode(ctx, command.Host{}, Spec{
			Format: format, Source: disk, Destination: filepath.Join(other, "out"), Consume: true,
			Progress: func(float64) { cancel() },
		})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", format, err)
		}
		if got := names(t, other); got != "" {
			t.Errorf("%s left %s", format, got)
		}
		if _, err := os.Stat(disk); err != nil {
			t.Errorf("%s lost the disk: %v", format, err)
		}
	}
}
