// SPDX-License-Identifier: MPL-2.0

package seedconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/template/config"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/golden"
)

const (
	key      = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@example.com"
	password = "correct horse: battery"
)

type attributes = map[string]any

// decode makes a Config of a template's values as the components do.
func decode(t testing.TB, values attributes) *Config {
	t.Helper()
	var c Config
	if err := config.Decode(&c, &config.DecodeOpts{}, values); err != nil {
		t.Fatal(err)
	}
	return &c
}

// rendered is the seed's files.
func rendered(t testing.TB, c *Config) map[string]string {
	t.Helper()
	for _, err := range c.Check() {
		t.Error(err)
	}
	seed, errs := c.Seed()
	for _, err := range errs {
		t.Error(err)
	}
	out, err := seed.Render()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range out.Files {
		files[f.Name] = string(f.Content)
	}
	return files
}

// everything has every attribute.
func everything(t testing.TB) attributes {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(binary, []byte("\x7fELF\x00\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	return attributes{
		"hostname": "web-1", "fqdn": "web-1.example.com", "instance_id": "i-1", "manage_etc_hosts": true,
		"timezone": "Europe/Berlin", "locale": "en_GB.UTF-8",
		"meta":     attributes{"role": "web", "on": "1e3"},
		"keyboard": attributes{"layout": "de", "model": "pc105", "variant": "nodeadkeys", "options": "compose:ralt"},
		"user": []attributes{
			{"name": "alice", "gecos": "Alice, of Wonderland", "groups": []string{"adm", "docker"}, "primary_group": "staff", "shell": "/bin/bash",
				"homedir": "/srv/alice", "uid": "1500", "sudo": "ALL=(ALL) NOPASSWD:ALL", "ssh_authorized_keys": []string{key + "\n"}, "ssh_import_id": []string{"gh:alice"}},
			{"name": "bob", "password": password},
			{"name": "carol", "hashed_password": "$y$j9T$abc$def", "lock_passwd": true},
			{"name": "backup", "system": true},
		},
		"group":               []attributes{{"name": "docker", "members": []string{"alice"}}, {"name": "no"}},
		"ssh_authorized_keys": []string{key}, "password": password, "root_password": password,
		"ssh_pwauth": true, "disable_root": false,
		"growpart": attributes{"mode": "off", "devices": []string{"/"}},
		"mounts":   [][]string{{"/dev/vdb1", "/srv", "ext4", "defaults,nofail", "0", "2"}, {"/dev/vdc", "none", "swap"}},
		"ntp":      attributes{"enabled": true, "servers": []string{"192.0.2.1", "2001:db8::1"}, "pools": []string{"pool.ntp.org"}, "ntp_client": "chrony"},
		"bootcmd":  []string{"echo early"},
		"write_file": []attributes{
			{"path": "/etc/motd", "content": "Welcome\n\n  to {{ this }}: \"machine\"\n", "permissions": "644"},
			{"path": "/etc/yes", "content": "no", "owner": "root:root", "permissions": "0600"},
			{"path": "/home/alice/.profile", "content": "umask 077\n", "owner": "alice:staff", "append": true},
			{"path": "/opt/tool", "source": binary, "permissions": "0755", "defer": true},
			{"path": "/etc/empty"},
		},
		"packages": []string{"nginx", "vim=2:9.0"}, "package_update": true, "package_upgrade": false, "package_reboot_if_required": true,
		"runcmd":        []string{"systemctl enable --now nginx", "echo 'a: b' >/etc/x"},
		"final_message": "up after $UPTIME s",
		"power_state":   attributes{"mode": "reboot", "delay": "+5", "message": "bye", "timeout": 60, "condition": "test -e /run/reboot"},
		"network": attributes{
			"ethernet": []attributes{
				{"name": "eth0", "addresses": []string{"192.0.2.10/24", "2001:db8::10/64"}, "gateway4": "192.0.2.1", "gateway6": "2001:db8::1",
					"nameservers": []string{"192.0.2.53"}, "search": []string{"example.com"}, "mtu": 9000, "optional": true,
					"route": []attributes{{"to": "10.0.0.0/8", "via": "192.0.2.2", "metric": 100}}},
				{"name": "lan", "match": attributes{"macaddress": "52:54:00:AB:CD:EF"}, "set_name": "lan0", "dhcp4": true, "dhcp6": false},
				{"name": "eth2"}, {"name": "eth3"},
			},
			"bond": []attributes{{"name": "bond0", "interfaces": []string{"eth2", "eth3"}, "mode": "802.3ad", "mii_monitor_interval": 100,
				"lacp_rate": "fast", "transmit_hash_policy": "layer3+4"}},
			"bridge": []attributes{{"name": "br0", "interfaces": []string{"bond0"}, "stp": false, "dhcp4": true}},
			"vlan":   []attributes{{"name": "vlan10", "id": 10, "link": "bond0", "addresses": []string{"198.51.100.2/24"}}},
		},
	}
}

func TestEverything(t *testing.T) {
	files := rendered(t, decode(t, everything(t)))
	for _, name := range []string{"user-data", "meta-data", "network-config"} {
		golden.Compare(t, "testdata/everything."+name, files[name])
	}
	if again := rendered(t, decode(t, everything(t))); again["user-data"] != files["user-data"] {
		t.Error("a second time it is another seed")
	}
	for _, text := range files {
		if strings.Contains(text, password) {
			t.Error("the password stands in the seed")
		}
	}
}

// What looks like one of the mistakes and is none.
func TestNotMistaken(t *testing.T) {
	files := rendered(t, decode(t, attributes{
		"user":         []attributes{{"name": "root", "ssh_authorized_keys": []string{key}}},
		"default_user": false, "disable_root": false, "ssh_authorized_keys": []string{key}, // for root
		"write_file": []attributes{{"path": "/etc/early", "owner": "root:root", "content": "\ufffd\n"}},
		"script": []attributes{
			{"content": "#!/bin/sh\n", "name": "same", "per": "boot"},
			{"content": "#!/bin/sh\n", "name": "same", "per": "once"},
		},
	}))
	for _, unwanted := range []string{"defer", "b64"} { // root is there from the beginning
		if strings.Contains(files["user-data"], unwanted) {
			t.Errorf("%s in\n%s", unwanted, files["user-data"])
		}
	}
}

// What is not for cloud-init goes into the seed as it is.
func TestRaw(t *testing.T) {
	const text = "version: v1alpha1\r\n"
	if errs := decode(t, attributes{"user_data": text}).Check(); len(errs) == 0 {
		t.Error("accepted without raw")
	}
	if files := rendered(t, decode(t, attributes{"user_data": text, "raw": true})); files["user-data"] != text {
		t.Errorf("user-data is %q", files["user-data"])
	}
}

// The parts in their order, each with what it is.
func TestParts(t *testing.T) {
	files := rendered(t, decode(t, attributes{
		"user_data":    "#cloud-config\nruncmd: [echo first]\n",
		"runcmd":       []string{"echo second"},
		"cloud_config": "{\"runcmd\": [\"echo third\"]}\n",
		"part": []attributes{
			{"content": "#cloud-boothook\n#!/bin/sh\necho\n", "filename": "hook"},
			{"content": "#cloud-config\npackages: [vim]\n", "merge_type": "dict(replace)"},
			{"content": "## template: jinja\n#cloud-config\nhostname: {{ ds.meta_data.role }}\n"},
			{"content": "#!/bin/sh\n", "content_type": "text/x-shellscript"},
		},
		"script": []attributes{
			{"content": "#!/bin/sh\necho boot\n", "per": "boot"},
			{"content": "#!/bin/sh\necho größer\n"},
			{"content": "#!/bin/sh\necho once\n", "per": "once", "name": "10-once"},
		},
	}))
	golden.Compare(t, "testdata/parts.user-data", files["user-data"])
}

// What we render, the cloud-init of two releases finds right.
func TestAccCloudInitFindsItRight(t *testing.T) {
	if os.Getenv("PACKER_ACC") == "" {
		t.Skip("acceptance tests run with PACKER_ACC=1; call `make acc`")
	}
	for _, release := range []string{"bookworm", "trixie"} {
		t.Run(release, func(t *testing.T) {
			judge := foreign.NewCloudInit(t, release)
			if judge == nil {
				t.Skip("no cloud-init to ask")
			}
			files := rendered(t, decode(t, everything(t)))
			judgeDocument(t, judge, files["user-data"], "cloud-config")
			if release == "trixie" {
				judgeDocument(t, judge, files["network-config"], "network-config")
			}
		})
	}
}

// Each attribute by itself gives a seed that is right, too.
func TestEachAttributeAlone(t *testing.T) {
	var judge *foreign.CloudInit
	if os.Getenv("PACKER_ACC") != "" {
		judge = foreign.NewCloudInit(t, "trixie")
	}
	for name, value := range everything(t) {
		t.Run(name, func(t *testing.T) {
			files := rendered(t, decode(t, attributes{name: value}))
			if judge != nil {
				judgeDocument(t, judge, files["user-data"], "cloud-config")
			}
		})
	}
}

func TestCloudConfigGetsItsHeader(t *testing.T) {
	for text, want := range map[string]string{
		"a: b\n":                                "#cloud-config\na: b\n",
		"\"timezone\": \"UTC\"\n":               "#cloud-config\n\"timezone\": \"UTC\"\n",
		"#cloud-config\ntimezone: UTC\n":        "#cloud-config\ntimezone: UTC\n",
		"# mine\ntimezone: UTC\n":               "#cloud-config\n# mine\ntimezone: UTC\n",
		"## template: jinja\n#cloud-config\n{}": "## template: jinja\n#cloud-config\n{}",
		"# mine\n#cloud-config\ntimezone: UTC":  "# mine\n#cloud-config\ntimezone: UTC",
	} {
		seed, _ := decode(t, attributes{"cloud_config": text}).Seed()
		if got := string(seed.Parts[0].Text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestDerivedSalts(t *testing.T) {
	hash := func(values attributes) string {
		c := decode(t, values)
		return c.hash("root", c.RootPassword)
	}
	base := hash(attributes{"root_password": password})
	for name, other := range map[string]attributes{
		"host":     {"root_password": password, "hostname": "b"},
		"key":      {"root_password": password, "ssh_authorized_keys": []string{key}},
		"password": {"root_password": "other"},
	} {
		if got := hash(other); got == base || !strings.HasPrefix(got, "$6$") {
			t.Errorf("%s: %s and %s", name, base, got)
		}
	}
	salt := func(hash string) string { return strings.Split(hash, "$")[2] }
	if salt(base) != salt(hash(attributes{"root_password": "other"})) {
		t.Error("the salt says something about the password")
	}
	if hash(attributes{"root_password": password, "instance_id": "random"}) != base {
		t.Error("a random identity makes another hash in every build")
	}
}

func TestRandomIdentity(t *testing.T) {
	id := func(c *Config) string {
		seed, errs := c.Seed()
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		return seed.InstanceID
	}
	a, b := decode(t, attributes{"instance_id": "random"}), decode(t, attributes{"instance_id": "random"})
	if first := id(a); first != id(a) || first == id(b) || !strings.HasPrefix(first, "iid-") || len(first) != 20 {
		t.Errorf("%s, %s, %s", first, id(a), id(b))
	}
}

func TestHostnames(t *testing.T) {
	for _, c := range []struct {
		values     attributes
		meta, user string
	}{
		{attributes{"fqdn": "a.example.com", "instance_id": "i"}, "instance-id: i\nlocal-hostname: a.example.com\n", "#cloud-config\nfqdn: a.example.com\n"},
		{attributes{"fqdn": "a.example.com", "hostname": "b", "instance_id": "i"}, "instance-id: i\nlocal-hostname: b\n", "#cloud-config\nhostname: b\nfqdn: a.example.com\n"},
		{attributes{"hostname": "b", "instance_id": "i"}, "instance-id: i\nlocal-hostname: b\n", "#cloud-config\n{}\n"},
		{attributes{"fqdn": "a.b", "meta_data": "local-hostname: c\n", "instance_id": "i"}, "instance-id: i\nlocal-hostname: c\n", "#cloud-config\nfqdn: a.b\n"},
	} {
		files := rendered(t, decode(t, c.values))
		if files["meta-data"] != c.meta || files["user-data"] != c.user {
			t.Errorf("%v: %q, %q", c.values, files["meta-data"], files["user-data"])
		}
	}
}

// A value may be known in part.
func TestPartlyUnknownValues(t *testing.T) {
	c := decode(t, attributes{
		"hostname": "web-" + Unknown, "user_data": "#cloud-config\ntimezone: [" + Unknown + "]\n", "cloud_config": "timezone: [" + Unknown + "]\n",
		"user":   []attributes{{"name": "u" + Unknown, "shell": Unknown + "sh", "ssh_authorized_keys": []string{"ssh-rsa " + Unknown}}},
		"runcmd": []string{"echo " + Unknown}, "network": attributes{"ethernet": []attributes{{"name": "eth0", "addresses": []string{Unknown + "/24"}}}},
		"script": []attributes{{"content": Unknown + "\n"}},
	})
	for _, err := range c.Check() {
		t.Error(err)
	}
	if got := strings.Join(c.Unknowns(), " "); got != "hostname user[0].name user[0].shell user[0].ssh_authorized_keys[0] network.ethernet[0].addresses[0]" {
		t.Error(got)
	}
}

// While a value is not known, nothing is made of it, and its name is known.
func TestUnknownValues(t *testing.T) {
	c := decode(t, attributes{
		"timezone": Unknown, "cloud_config": Unknown, "meta": attributes{"a": Unknown}, "password": Unknown,
		"user":       []attributes{{"name": Unknown, "uid": Unknown, "password": Unknown, "ssh_authorized_keys": []string{Unknown}}, {"name": Unknown}},
		"write_file": []attributes{{"path": Unknown, "source": Unknown, "permissions": Unknown, "owner": Unknown}, {"path": Unknown}},
		"script":     []attributes{{"content": Unknown, "per": Unknown, "name": Unknown}},
		"part":       []attributes{{"source": Unknown, "content_type": Unknown, "merge_type": Unknown}},
		"mounts":     [][]string{{Unknown, Unknown}},
		"network": attributes{"ethernet": []attributes{{"name": Unknown, "addresses": []string{Unknown}, "gateway4": Unknown, "route": []attributes{{"to": Unknown, "via": Unknown}}}},
			"vlan": []attributes{{"name": "v", "id": Unknown, "link": Unknown}}},
		"runcmd": []string{"true"},
	})
	for _, err := range c.Check() {
		t.Error(err)
	}
	seed, errs := c.Seed()
	if len(seed.Parts) > 0 || seed.NetworkConfig.Given() || len(errs) > 0 {
		t.Errorf("%+v, %v", seed, errs)
	}
	for _, name := range []string{"cloud_config", "meta.a", "user[0].name", "user[0].ssh_authorized_keys[0]", "user[1].name", "write_file[0].source", "script[0].content", "mounts[0][1]", "network.ethernet[0].route[0].to", "network.vlan[0].id"} {
		if !strings.Contains(strings.Join(c.Unknowns(), " ")+" ", name+" ") {
			t.Errorf("%s is not among %v", name, c.Unknowns())
		}
	}
}

func judgeDocument(t *testing.T, judge *foreign.CloudInit, text, kind string) {
	t.Helper()
	var arguments []string
	if kind == "network-config" {
		arguments = []string{"--schema-type", kind}
	}
	if valid, said := judge.Schema(t, text, arguments...); !valid || strings.Contains(strings.ToLower(said), "deprecat") {
		t.Errorf("%s\n%s", said, text)
	}
}
