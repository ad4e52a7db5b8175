// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// pinPriority makes apt install the pinned version even when a newer one is there.
const pinPriority = 1001

// aptPins is apt-pins MANIFEST: it prints apt preferences that hold each package
// of a dpkg manifest (element dpkg, finalise.d) at the version listed there.
func aptPins(_ context.Context, c *call) error {
	if len(c.args) != 1 {
		return statusf(2, "usage: apt-pins MANIFEST")
	}
	doc, err := os.ReadFile(c.args[0])
	if err != nil {
		return fmt.Errorf("reading the manifest: %w", err)
	}
	var manifest struct {
		Packages []struct{ Package, Version string }
	}
	if err := json.Unmarshal(doc, &manifest); err != nil {
		return fmt.Errorf("%s is not a manifest of packages as element dpkg writes it: %w", c.args[0], err)
	}
	if len(manifest.Packages) == 0 {
		return fmt.Errorf("%s lists no packages; give a dib-manifest-dpkg-* file", c.args[0])
	}
	out := bufio.NewWriter(c.stdout)
	for i, p := range manifest.Packages {
		if p.Package == "" || strings.ContainsFunc(p.Package+p.Version, blankOrControl) {
			return fmt.Errorf("%s: entry %d is no package with its version: %q %q", c.args[0], i+1, p.Package, p.Version)
		}
		if p.Version == "" {
			continue // known to dpkg, never installed
		}
		fmt.Fprintf(out, "Package: %s\nPin: version %s\nPin-Priority: %d\n\n", p.Package, p.Version, pinPriority)
	}
	return out.Flush()
}

// blankOrControl says whether a character would end a field of a preferences file.
func blankOrControl(r rune) bool { return r <= ' ' || r == 0x7f }
