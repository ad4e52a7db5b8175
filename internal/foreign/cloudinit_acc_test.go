// SPDX-License-Identifier: MPL-2.0

package foreign

import (
	"os"
	"strings"
	"testing"
)

func TestAccCloudInit(t *testing.T) {
	if os.Getenv("PACKER_ACC") == "" {
		t.Skip("acceptance tests run with PACKER_ACC=1; call `make acc`")
	}
	for _, release := range []string{"bookworm", "trixie"} {
		c := NewCloudInit(t, release)
		if c == nil {
			t.Skip("no cloud-init on this host")
		}
		for range 2 {
			if valid, said := c.Schema(t, "#cloud-config\nhostname: a\n"); !valid || !strings.Contains(said, "Valid") {
				t.Errorf("%s refuses: %s", release, said)
			}
			if valid, said := c.Schema(t, "#cloud-config\nhostname: [a]\n"); valid || !strings.Contains(said, "hostname") {
				t.Errorf("%s accepts: %s", release, said)
			}
		}
	}
	c := NewCloudInit(t, "trixie")
	const network = "version: 2\nethernets: {eth0: {dhcp4: %s}}\n"
	for value, want := range map[string]bool{"true": true, "often": false} {
		if valid, said := c.Schema(t, strings.Replace(network, "%s", value, 1), "--schema-type", "network-config"); valid != want {
			t.Errorf("dhcp4: %s: valid is %v: %s", value, valid, said)
		}
	}
}
