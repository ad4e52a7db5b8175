// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"strings"
	"testing"
)

// The real builder for QEMU is content with what the documentation shows: a CD that it makes itself,
// one of ours, and its HTTP server.
func TestAccQEMUTakesTheSeed(t *testing.T) {
	others := needImporters(t)
	w := newWorkspace(t)
	// The page's image is to be downloaded.
	w.file("debian-12-genericcloud-amd64.qcow2", "")
	count := 0
	for _, text := range documentedDataSource(t) {
		if !strings.Contains(text, `source "qemu" "web"`) {
			continue
		}
		count++
		name := w.file("t.pkr.hcl", text+"build {\n  sources = [\"source.qemu.web\"]\n}\n")
		for _, arguments := range [][]string{{"validate", name}, {"validate", "-evaluate-datasources", name}} {
			if status, out := runPacker(t, w.dir, append(w.plugins(others), "PACKER_CACHE_DIR="+w.dir+"/cache"), arguments...); status != 0 {
				t.Errorf("%v: status %d:\n%s\n%s", arguments, status, out, text)
			}
		}
	}
	if count != 3 {
		t.Errorf("the page shows %d templates for QEMU", count)
	}
}
