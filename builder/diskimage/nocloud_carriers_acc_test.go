// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/media"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/qemu"
)

// rendered are the files of a seed that has to be without error.
func rendered(t *testing.T, s nocloud.Seed) nocloud.Rendered {
	t.Helper()
	if wrong := s.Check().Errors(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	out, err := s.Render()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// carrier writes a volume with a seed.
func carrier(t *testing.T, s nocloud.Seed, format media.Format) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seed"+format.Extension())
	if err := media.Write(t.Context(), path, format, rendered(t, s).Files, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return path
}

// withoutSeed is a copy of an image that has neither a seed nor a word on where
// to look for one.
func (d rawDisk) withoutSeed(t *testing.T) rawDisk {
	t.Helper()
	clone := rawDisk{filepath.Join(t.TempDir(), "clone.raw"), d.offset}
	judge(t, "cp", "--sparse=always", d.path, clone.path)
	const pin = "/etc/cloud/cloud.cfg.d/99_zz_diskimage_datasource.cfg"
	gone := []string{pin, "/etc/cloud/cloud.cfg.d/99-installer.cfg", "/etc/cloud/ds-identify.cfg"}
	for _, file := range []string{"user-data", "meta-data", "network-config", "vendor-data"} {
		gone = append(gone, nocloud.SeedDir+"/"+file)
	}
	for _, file := range gone {
		judge(t, "debugfs", "-w", "-R", "rm "+file, clone.root())
	}
	judge(t, "debugfs", "-w", "-R", "rmdir "+nocloud.SeedDir, clone.root())
	for _, gone := range []string{nocloud.SeedDir, pin} {
		if said := judge(t, "debugfs", "-R", "stat "+gone, clone.root()); strings.Contains(said, "Inode:") {
			t.Fatalf("%s is still there", gone)
		}
	}
	return clone
}

// cloneSeed makes a user that may log in, and says by a template who the machine is.
func (s seeded) cloneSeed(name string) nocloud.Seed {
	text := func(t string) nocloud.Document { return nocloud.Document{Attribute: "part", Text: []byte(t)} }
	return nocloud.Seed{
		Hostname: name, InstanceID: "iid-" + name,
		UserData: text("#cloud-config\nusers:\n- name: admin\n  sudo: ALL=(ALL) NOPASSWD:ALL\n  shell: /bin/bash\n" +
			"  ssh_authorized_keys: ['" + s.public + "']\nmanage_etc_hosts: true\nruncmd:\n- echo first >> /var/tmp/runcmd\n"),
		Parts: []nocloud.Part{
			{Document: text("## template: jinja\n#cloud-config\nruncmd:\n- echo {{ v1.local_hostname }} >> /var/tmp/runcmd\n"), Filename: "template"},
			{Document: text("#!/bin/sh\necho script >> /var/tmp/script\n"), Filename: "script", Type: nocloud.ScriptTypes["once"]},
		},
	}
}

// bootClone boots one clone and returns who it is.
func (s seeded) bootClone(t *testing.T, spec qemu.Spec, seed, name string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*bootDeadline)
	defer cancel()
	m := startGuest(t, ctx, spec)
	answers := login{"admin", s.key, m.SSHAddress()}.facts(t, ctx, append([][2]string{
		{"runcmd", "cat /var/tmp/runcmd"}, {"script", "cat /var/tmp/script"},
	}, identityQuestions...))
	checkStatus(t, answers, seed, "iid-"+name)
	for question, want := range map[string]string{"hostname": name, "runcmd": "first\n" + name, "script": "script"} {
		if answers[question] != want {
			t.Errorf("%s: %q, want %q", question, answers[question], want)
		}
	}
	return answers
}

// bootClones boots two clones of one image, by an ISO and from a server that the firmware
// names: they are the machines that their seeds say, and two.
func bootClones(t *testing.T, s seeded, d rawDisk) {
	clone := d.withoutSeed(t)
	var identities [2]map[string]string
	t.Run("pair", func(t *testing.T) {
		t.Run("iso", func(t *testing.T) {
			t.Parallel()
			const name = "clone-iso"
			spec := clone.spec(t)
			spec.Media = []string{carrier(t, s.cloneSeed(name), media.ISO)}
			identities[0] = s.bootClone(t, spec, "/dev/vdb", name)
		})
		t.Run("server", func(t *testing.T) {
			t.Parallel()
			identities[1] = bootFromServer(t, s, clone)
		})
	})
	for _, what := range []string{"machine-id", "host keys", "instance-id", "hostname"} {
		if identities[0][what] == identities[1][what] {
			t.Errorf("two clones have one %s: %q", what, identities[0][what])
		}
	}
}

// bootFromServer boots an image without a seed, whose firmware names a server.
func bootFromServer(t *testing.T, s seeded, d rawDisk) map[string]string {
	const name = "served"
	seed := rendered(t, s.cloneSeed(name))
	dir := filepath.Join(t.TempDir(), "seed")
	if err := media.WriteDirectory(t.Context(), dir, media.HTTPFiles(seed.Files)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	where := "http://10.0.2.2:" + address.Port() + "/"
	spec := d.spec(t)
	spec.SerialNumber = media.Locator{URL: where}.Text()
	spec.Isolated = false // the host is the server
	return s.bootClone(t, spec, "dmi,"+where, name)
}

// partitionName is the machine of the partition's seed.
const partitionName = "clone-partition"

// partitionSeed is the builder's block whose seed lies on a partition of the image, which is
// cloneSeed in attributes.
func (s seeded) partitionSeed() string {
	return fmt.Sprintf(`
  nocloud {
    partition        = true
    compress         = true
    hostname         = %[1]q
    instance_id      = "iid-%[1]s"
    manage_etc_hosts = true
    user {
      name                = "admin"
      sudo                = "ALL=(ALL) NOPASSWD:ALL"
      shell               = "/bin/bash"
      ssh_authorized_keys = [%[2]q]
    }
    runcmd = ["echo first >> /var/tmp/runcmd"]
    part { content = "## template: jinja\n#cloud-config\nruncmd:\n- echo {{ v1.local_hostname }} >> /var/tmp/runcmd\n" }
    script {
      per     = "once"
      content = "#!/bin/sh\necho script >> /var/tmp/script\n"
    }
  }`, partitionName, s.public)
}

// bootPartition boots an image that has no seed but on its own CIDATA partition, the second.
func bootPartition(t *testing.T, s seeded, d rawDisk) {
	s.bootClone(t, d.withoutSeed(t).spec(t), "/dev/vda2", partitionName)
}
