// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// seedAttributes has blocks that are repeated, dynamic, and within others.
const seedAttributes = `
  hostname = "web-1"
  user {
    name     = "alice"
    password = var.password
    groups   = ["adm"]
  }
@USERS@  write_file {
    path        = "/etc/motd"
    permissions = 0644
    content     = "{{ this }} stays\n"
  }
  mounts           = [["/dev/vdb1", "/srv"]]
  manage_etc_hosts = true
  runcmd           = ["true"]
  cloud_config     = yamlencode({ runcmd = [["echo", "last"]], snap = { commands = ["snap install x"] } })
  network {
    ethernet {
      name      = "eth0"
      addresses = ["192.0.2.10/24"]
      gateway4  = "192.0.2.1"
    }
    vlan {
      name = "vlan7"
      id   = 7
      link = "eth0"
      route {
        to  = "10.0.0.0/8"
        via = "192.0.2.2"
      }
    }
  }
  script {
    per     = "boot"
    content = "#!/bin/sh\necho {{ .Nothing }}\n"
  }
`

// Packer knows dynamic blocks in provisioners and sources, and not in data sources.
const (
	dynamicUsers = `dynamic "user" {
    for_each = var.users
    content {
      name     = user.key
      uid      = user.value
      password = var.unmarked
    }
  }
`
	repeatedUsers = `user {
    name     = "bob"
    uid      = 1501
    password = var.unmarked
  }
  user {
    name = "carol"
    uid  = 1502
  }
`
)

const seedVariables = `
variable "password" {
  default   = "hush-sesame-1"
  sensitive = true
}
variable "unmarked" {
  default = "hush-sesame-2"
}
variable "users" {
  default = { bob = 1501, carol = 1502 }
}
`

// Attributes of a seed go through the real packer: in HCL with repeated and dynamic
// blocks, over both protocols, and no password is told.
func TestAccSeedAttributes(t *testing.T) {
	needPacker(t)
	t.Parallel()
	n := newNobody(t)
	text := seedVariables + "data \"diskimage-nocloud\" \"x\" {\n  media = [\"directory\"]\n  output_directory = \"" + n.dir + "/cache/seeds\"\n" + strings.Replace(seedAttributes, "@USERS@", repeatedUsers, 1) + "}\n" +
		nullBuild + say("data.diskimage-nocloud.x.directory") + "}\n"
	for _, protocol := range []string{"", "PACKER_FORCE_GOB=1"} {
		status, out := n.run(t, "build", "t.pkr.hcl", text, protocol, "PACKER_LOG=1")
		if status != 0 {
			t.Fatalf("status %d:\n%s", status, out)
		}
		if strings.Contains(out, "hush-sesame") {
			t.Errorf("a password is told:\n%s", linesWith([]byte(out), "hush-sesame"))
		}
	}
	// The second run makes the same seed, so there is one directory.
	made, err := filepath.Glob(filepath.Join(n.dir, "cache", "seeds", "seed-*", "user-data"))
	if err != nil || len(made) != 1 {
		t.Fatalf("made %v, %v", made, err)
	}
	checkSeedAttributes(t, filepath.Dir(made[0]))
}

// checkSeedAttributes looks at what came of them.
func checkSeedAttributes(t *testing.T, directory string) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(directory, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	userData := read("user-data")
	for _, want := range []string{
		"Content-Type: multipart/mixed", "name: alice", "name: bob\n    uid: 1501\n", "name: carol\n    uid: 1502\n", `hashed_passwd: "$6$`,
		`permissions: "0644"`, "{{ this }} stays", "[/dev/vdb1, /srv]", "manage_etc_hosts: true\n", `"snap install x"`, "text/x-shellscript-per-boot", "echo {{ .Nothing }}",
	} {
		if !strings.Contains(userData, want) {
			t.Errorf("no %q in\n%s", want, userData)
		}
	}
	if strings.Contains(userData, "hush-sesame") {
		t.Error("a password stands in the seed")
	}
	var network struct {
		Ethernets map[string]struct{ Addresses []string }
		VLANs     map[string]struct {
			ID     int
			Routes []map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(read("network-config")), &network); err != nil || network.Ethernets["eth0"].Addresses[0] != "192.0.2.10/24" ||
		network.VLANs["vlan7"].ID != 7 || network.VLANs["vlan7"].Routes[0]["via"] != "192.0.2.2" {
		t.Errorf("%+v, %v", network, err)
	}
	if text := read("meta-data"); !strings.Contains(text, "local-hostname: web-1\n") {
		t.Errorf("meta-data %q", text)
	}
}

// The provisioner has the same attributes. What depends on the build passes when the
// template is validated, mistakes are told at once, and JSON has its variables.
func TestAccSeedAttributesAreValidated(t *testing.T) {
	needPacker(t)
	t.Parallel()
	n := newNobody(t)
	provisioner := func(attributes string) string {
		return seedVariables + nullBuild + "  provisioner \"diskimage-nocloud\" {\n" + strings.Replace(attributes, "@USERS@", dynamicUsers, 1) + "  }\n}\n"
	}
	unknown := strings.NewReplacer(`"web-1"`, `"web-${build.ID}"`, `"alice"`, "build.User", `["192.0.2.10/24"]`, "[build.Host]", `id   = 7`, "id = build.Port")
	for what, text := range map[string]string{"known": seedAttributes, "unknown": unknown.Replace(seedAttributes)} {
		if status, out := n.run(t, "validate", "t.pkr.hcl", provisioner(text)); status != 0 {
			t.Errorf("%s: status %d:\n%s", what, status, out)
		}
	}
	wrong := strings.NewReplacer("@USERS@", strings.Replace(dynamicUsers, "user.key", `"${user.key} "`, 1), "= 7", "= 4095", "0644", "0888", "192.0.2.1\"", "192.0.2.1/24\"")
	status, out := n.run(t, "validate", "t.pkr.hcl", provisioner(wrong.Replace(seedAttributes)))
	for _, want := range []string{"user[1].name: ", "user[2].name: ", `write_file "/etc/motd".permissions: `, "network.vlan[0].id: ", "network.ethernet[0].gateway4: "} {
		if status != 1 || !strings.Contains(out, want) {
			t.Errorf("status %d, no %q in\n%s", status, want, out)
		}
	}
	const json = `{
  "variables": {"name": "alice", "pw": "hush-sesame-3"}, "sensitive-variables": ["pw"],
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{
    "type": "diskimage-nocloud", "manage_etc_hosts": true, "mounts": [["/dev/vdb1", "/srv"]],
    "user": [{"name": "{{user ` + "`name`" + `}}", "password": "{{user ` + "`pw`" + `}}"}, {"name": "bob"}],
    "write_file": [{"path": "/a", "content": "{{ stays }}"}], "network": {"ethernet": [{"name": "eth0", "dhcp4": true}]}
  }]
}`
	if status, out := n.run(t, "validate", "t.json", json); status != 0 {
		t.Errorf("status %d:\n%s", status, out)
	}
	status, out = n.run(t, "validate", "t.json", strings.Replace(json, `"alice"`, `"a b"`, 1))
	if status != 1 || !strings.Contains(out, `user[0].name: "a b"`) || strings.Contains(out, "hush-sesame") {
		t.Errorf("status %d:\n%s", status, out)
	}
}
