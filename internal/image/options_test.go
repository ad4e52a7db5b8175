// SPDX-License-Identifier: MPL-2.0

package image

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOptionsThatMakeNoSense(t *testing.T) {
	for _, tc := range []struct {
		options     Options
		compression Compression
		text        string
	}{
		{Options{"compression_type": "zstd"}, Zlib, "qcow2_compression"},
		{Options{"backing_file": "/etc/passwd"}, Zlib, "another image"},
		{Options{"encrypt.format": "luks"}, Zlib, "another image"},
		{Options{"cluster-size": "64k"}, Zlib, `did you mean "cluster_size"`},
		{Options{"cluster_size": ""}, Zlib, "not a value"},
		{Options{"cluster_size": "6 4k"}, Zlib, "not a value"},
		{Options{"compat": "0.10"}, Zstd, "zlib"},
		{Options{"preallocation": "metadata"}, Zlib, "exclude each other"},
	} {
		if err := tc.options.Check(tc.compression); err == nil || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%v with %s: %v, want %q", tc.options, tc.compression, err, tc.text)
		}
	}
	for _, fine := range []Options{nil, {"compat": "0.10"}, {"preallocation": "off"}, {"cluster_size": "2M", "lazy_refcounts": "on"}} {
		if err := fine.Check(Zlib); err != nil {
			t.Errorf("%v: %v", fine, err)
		}
	}
	if err := (Options{"preallocation": "full"}).Check(NoCompression); err != nil {
		t.Error(err)
	}
}

func TestParseOptions(t *testing.T) {
	got, err := ParseOptions("compat=0.10,cluster_size=64k,,x,")
	if diff := cmp.Diff(Options{"compat": "0.10", "cluster_size": "64k,x"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got := got.argument("compression_type=zlib"); got != "compression_type=zlib,cluster_size=64k,,x,compat=0.10" {
		t.Error(got)
	}
	if _, err := ParseOptions("compat"); err == nil {
		t.Error("an option without a value was read")
	}
}

func TestOptionsReachQemuImg(t *testing.T) {
	for compression, want := range map[Compression]string{
		Zlib:          "-c -o compression_type=zlib,cluster_size=2M",
		NoCompression: "unsafe -o cluster_size=2M",
	} {
		args, err := convertArguments(Spec{Compression: compression, Options: Options{"cluster_size": "2M"}})
		if text := strings.Join(args, " "); err != nil || !strings.Contains(text, want) {
			t.Errorf("%v: %v", err, text)
		}
	}
}
