// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What depends on the version of cloud-init is told when the machine said which it
// is, and only if there is reason to.
func TestWarningsAreForTheMachinesVersion(t *testing.T) {
	const always = "kubernetes is not a key"
	for version, want := range map[string]string{
		"22.4.2-1+deb12u4": "create_hostname_file is known since cloud-init 23.4; the target has 22.4.2",
		"25.1.4-1+deb13u1": "ca-certs is deprecated since cloud-init 22.3",
		"22.1-1":           "create_hostname_file is known since cloud-init 23.4; the target has 22.1",
		"none":             "create_hostname_file is known since cloud-init 23.4 only",
	} {
		t.Run(version, func(t *testing.T) {
			b := newBench(t, map[string]any{"machine_schema": "false", "user_data": "#cloud-config\nkubernetes: {}\ncreate_hostname_file: true\nca-certs: {remove_defaults: true}\n"})
			if version != "none" {
				b.put("var/lib/dpkg/status", "Package: cloud-init\nVersion: "+version+"\n\n")
				b.put("usr/bin/cloud-init", "#!/bin/sh\n")
				if err := os.Chmod(filepath.Join(b.comm.root, "usr/bin/cloud-init"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			b.must()
			said := b.said.String()
			for _, text := range []string{always, want} {
				if strings.Count(said, text) != 1 {
					t.Errorf("%d times %q in\n%s", strings.Count(said, text), text, said)
				}
			}
			if known := strings.Contains(said, "create_hostname_file"); known == strings.HasPrefix(version, "25") {
				t.Errorf("create_hostname_file on %s:\n%s", version, said)
			}
			if deprecated := strings.Contains(said, "ca-certs is deprecated"); deprecated == strings.HasPrefix(version, "22.1") {
				t.Errorf("ca-certs on %s:\n%s", version, said)
			}
		})
	}
}

// That cloud-init has run already matters only if it still knows afterwards.
func TestActedInstanceIsForgotten(t *testing.T) {
	for _, generalise := range []string{"false", "true"} {
		b := newBench(t, map[string]any{"instance_id": "i-1", "generalise": generalise})
		b.put("usr/bin/cloud-init", "#!/bin/sh\n")
		b.put("var/lib/cloud/data/instance-id", "i-1\n")
		if err := os.Chmod(filepath.Join(b.comm.root, "usr/bin/cloud-init"), 0o755); err != nil {
			t.Fatal(err)
		}
		b.must()
		if told := strings.Contains(b.said.String(), "already run on this machine for this instance-id"); told == (generalise == "true") {
			t.Errorf("generalise = %s:\n%s", generalise, b.said.String())
		}
	}
}
