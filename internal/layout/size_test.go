// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

func TestComputeSize(t *testing.T) {
	const used = 480 << 10 // KiB
	flat, err := Fallback(Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	efi := load(t, "efi.yaml", Defaults{})
	xfs := load(t, "mbr.yaml", Defaults{RootFS: "xfs"})
	cases := []struct {
		name    string
		r       SizeRequest
		bytes   int64
		options string
	}{
		{"partitionless", SizeRequest{Layout: flat, UsedKiB: used}, (800 + 64) * mib, "-i 4096 -J size=64"},
		{"efi", SizeRequest{Layout: efi, UsedKiB: used}, (800 + 64 + 558 + 2) * mib, "-i 4096 -J size=64"},
		{"efi extra", SizeRequest{Layout: efi, UsedKiB: 91 << 10, ExtraMiB: 91}, (208 + 64 + 558 + 2) * mib, "-i 4096 -J size=64"},
		{"explicit is kept", SizeRequest{Layout: efi, Explicit: 2 << 30, EFIElement: true, UsedKiB: used}, 2 << 30, "-i 4096 -J size=64"},
		{"tiny", SizeRequest{Layout: flat, UsedKiB: 900}, 8*mib + roundUp(900<<10*100/91, 64<<10) + 64*mib, "-i 4096 -J size=9"},
		{"explicit tiny", SizeRequest{Layout: flat, Explicit: 20 * mib}, 20 * mib, "-i 4096"},
		{"many small files", SizeRequest{Layout: flat, UsedKiB: 1000, Inodes: 100000}, roundUp(100000*4096*11/10+64*mib, 64<<10), "-i 4096 -J size=64"},
		{"xfs minimum", SizeRequest{Layout: xfs, UsedKiB: 1000}, 302 * mib, ""},
		{"journal and resize", SizeRequest{Layout: flat, UsedKiB: used, JournalMiB: 16, MaxOnlineResize: 999, RootOptions: []string{"-m", "0"}},
			816 * mib, "-E resize=999 -i 4096 -J size=16 -m 0"},
		{"compat explicit efi", SizeRequest{Layout: efi, Explicit: 2 << 30, EFIElement: true, Compat: true}, 2<<30 + 525*mib, "-i 4096 -J size=64"},
		{"compat scaled", SizeRequest{Layout: flat, UsedKiB: used, Compat: true}, 864 * mib, "-i 4096 -J size=64"},
		{"compat extra", SizeRequest{Layout: flat, UsedKiB: used, ExtraMiB: 100, Compat: true}, 644 * mib, "-i 4096 -J size=64"},
	}
	for _, tc := range cases {
		s, err := ComputeSize(tc.r)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if s.Bytes != tc.bytes || strings.Join(s.RootOptions, " ") != tc.options {
			t.Errorf("%s: %d bytes, want %d; options %q, want %q\n%s", tc.name, s.Bytes, tc.bytes,
				s.RootOptions, tc.options, strings.Join(s.Explanation, "\n"))
		}
		if len(s.Explanation) == 0 || s.Bytes%(64<<10) != 0 {
			t.Errorf("%s: %q", tc.name, s.Explanation)
		}
	}
}

func TestComputedSizeIsTheSmallestThatHolds(t *testing.T) {
	l := load(t, "var.yaml", Defaults{}) // the root gets half, and each xfs needs 300 MiB
	for _, usedMiB := range []int64{1, 100, 400, 3000} {
		s, err := ComputeSize(SizeRequest{Layout: l, UsedKiB: usedMiB << 10})
		if err != nil {
			t.Fatal(err)
		}
		need := max(withOverhead(usedMiB*mib, "xfs"), int64(float64(usedMiB*mib)/0.6), 300*mib)
		p, err := l.Place(s.Bytes)
		if err != nil || p.Extent("root").Bytes < need {
			t.Errorf("%d MiB: %v, root %d of %d", usedMiB, err, p.Extent("root").Bytes, need)
		}
		if p, err := l.Place(s.Bytes - 64<<10); err == nil && p.Extent("root").Bytes >= need {
			t.Errorf("%d MiB: %d bytes would have been enough", usedMiB, s.Bytes-64<<10)
		}
	}
}

func TestNoSizeHelpsAFixedRoot(t *testing.T) {
	doc := strings.Replace(partitioned, "100%", "100MiB", 1)
	l, err := Parse([]byte(doc), Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ComputeSize(SizeRequest{Layout: l, UsedKiB: 500 << 10}); err == nil || !strings.Contains(err.Error(), `"root" has a fixed size`) {
		t.Errorf("got %v", err)
	}
	var space *SpaceError
	if _, err := ComputeSize(SizeRequest{Layout: l, Explicit: 64 * mib}); !errors.As(err, &space) {
		t.Errorf("too small an explicit size: %v", err)
	}
}

func TestSelect(t *testing.T) {
	read := func(path string) ([]byte, error) { return []byte("read " + path), nil }
	with := func(files ...string) fstest.MapFS {
		m := fstest.MapFS{}
		for _, f := range files {
			m[f] = &fstest.MapFile{Data: []byte(f)}
		}
		return m
	}
	elements := []Candidate{
		{"base", with("element-deps")},
		{"gpt", with("block-device-default.yaml", "block-device-ppc64el.yaml")},
		{"other", with("block-device-default.yaml")},
	}
	for _, tc := range []struct{ config, arch, document, from string }{
		{"file:///x.yaml", "amd64", "read /x.yaml", "/x.yaml"},
		{"- a: {}", "amd64", "- a: {}", "DIB_BLOCK_DEVICE_CONFIG"},
		{"", "amd64", "block-device-default.yaml", "element gpt: block-device-default.yaml"},
		{"", "ppc64le", "block-device-ppc64el.yaml", "element gpt: block-device-ppc64el.yaml"},
	} {
		s, err := Select(tc.config, tc.arch, elements, read)
		if err != nil || string(s.Document) != tc.document || s.From != tc.from {
			t.Errorf("%+v: %v %q from %q", tc, err, s.Document, s.From)
		}
		if tc.config == "" && (len(s.Ignored) != 1 || s.Ignored[0] != "other") {
			t.Errorf("ignored %q", s.Ignored)
		}
	}
	if s, err := Select("", "amd64", elements[:1], read); err != nil || s.From != "" || s.Document != nil {
		t.Errorf("no layout: %v %+v", err, s)
	}
}
