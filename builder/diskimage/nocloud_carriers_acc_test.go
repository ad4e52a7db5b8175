// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
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
func withoutSeed(t *testing.T, image string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clone.raw")
	judge(t, "cp", "--sparse=always", image, path)
	const pin = "/etc/cloud/cloud.cfg.d/99_zz_diskimage_datasource.cfg"
	for _, file := range []string{"user-data", "meta-data", "network-config"} {
		judge(t, "debugfs", "-w", "-R", "rm "+nocloud.SeedDir+"/"+file, path)
	}
	judge(t, "debugfs", "-w", "-R", "rmdir "+nocloud.SeedDir, path)
	for _, file := range []string{pin, "/etc/cloud/cloud.cfg.d/99-installer.cfg", "/etc/cloud/ds-identify.cfg"} {
		judge(t, "debugfs", "-w", "-R", "rm "+file, path)
	}
	for _, gone := range []string{nocloud.SeedDir, pin} {
		if said := judge(t, "debugfs", "-R", "stat "+gone, path); strings.Contains(said, "Inode:") {
			t.Fatalf("%s is still there", gone)
		}
	}
	return path
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

// bootClones boots two clones of one image, by an ISO and by a FAT volume: they are
// the machines that their seeds say, and two.
func bootClones(t *testing.T, s seeded, image string) {
	clone := withoutSeed(t, image)
	identities := make([]map[string]string, 2)
	t.Run("pair", func(t *testing.T) {
		for i, format := range []media.Format{media.ISO, media.VFAT} {
			t.Run(string(format), func(t *testing.T) {
				t.Parallel()
				spec := bootSpec(t, clone)
				name := "clone-" + string(format)
				seed := s.cloneSeed(name)
				seed.Compress = i > 0
				spec.Media = []string{carrier(t, seed, format)}
				identities[i] = s.bootClone(t, spec, "/dev/vdb", name)
			})
		}
	})
	for _, what := range []string{"machine-id", "host keys", "instance-id", "hostname"} {
		if identities[0][what] == identities[1][what] {
			t.Errorf("two clones have one %s: %q", what, identities[0][what])
		}
	}
}

// bootFromServer boots an image without a seed, whose firmware names a server.
func bootFromServer(t *testing.T, s seeded, image string) {
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
	spec := bootSpec(t, withoutSeed(t, image))
	spec.SerialNumber = media.Locator{URL: where}.Text()
	spec.Isolated = false // the host is the server
	s.bootClone(t, spec, "dmi,"+where, name)
}
