// SPDX-License-Identifier: MPL-2.0

package seedconfig

import (
	"fmt"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
)

const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n"

func user(name, attribute string, value any) attributes {
	return attributes{"user": []attributes{{"name": name, attribute: value}}}
}

func ethernet(attribute string, value any) attributes {
	return attributes{"network": attributes{"ethernet": []attributes{{"name": "eth0", attribute: value}}}}
}

// bad are attributes with one mistake each: how the message begins, and a piece of it.
var bad = []struct {
	values      attributes
	start, says string
}{
	{user("", "gecos", "x"), "user[0].name: ", "missing"},
	{user("9lives", "gecos", "x"), "user[0].name: ", "begin with a letter"},
	{user("a b", "gecos", "x"), "user[0].name: ", `"a b" is not a name`},
	{user(strings.Repeat("x", 33), "gecos", "x"), "user[0].name: ", "32 characters"},
	{user("default", "gecos", "x"), "user[0].name: ", "default_user"},
	{attributes{"user": []attributes{{"name": "a"}, {"name": "a"}}}, "user[1].name: ", "another user"},
	{user("a", "gecos", "x:y"), "user[0].gecos: ", "colon"},
	{user("a", "groups", []string{"adm", "a,b"}), "user[0].groups[1]: ", "not a group"},
	{user("a", "primary_group", "-x"), "user[0].primary_group: ", "not a group"},
	{user("a", "shell", "bash"), "user[0].shell: ", "/bin/bash"},
	{user("a", "homedir", "home/a"), "user[0].homedir: ", "absolute"},
	{user("a", "uid", "-1"), "user[0].uid: ", "digits"},
	{user("a", "uid", "4294967295"), "user[0].uid: ", "digits"},
	{user("a", "sudo", "true"), "user[0].sudo: ", "NOPASSWD:ALL"},
	{user("a", "sudo", "ALL\nALL"), "user[0].sudo: ", "one rule"},
	{user("a", "ssh_authorized_keys", []string{key, "ssh-rsa AAAA"}), "user[0].ssh_authorized_keys[1]: ", ".pub"},
	{user("a", "ssh_authorized_keys", []string{""}), "user[0].ssh_authorized_keys[0]: ", ".pub"},
	{user("a", "ssh_authorized_keys", []string{key + "\n" + key}), "user[0].ssh_authorized_keys[0]: ", "more than one line"},
	{attributes{"ssh_authorized_keys": []string{privateKey}}, "ssh_authorized_keys[0]: ", "private key"},
	{user("a", "ssh_import_id", []string{"https://github.com/a"}), "user[0].ssh_import_id[0]: ", "gh:name"},
	{user("a", "hashed_password", "secret"), "user[0].hashed_password: ", "openssl passwd -6"},
	{user("a", "password", "$6$abcdefgh$0123456789012345678901234567890123456789"), "user[0].password: ", "user[0].hashed_password"},
	{user("a", "password", "secret\n"), "user[0].password: ", "trimspace"},
	{user("a", "password", strings.Repeat("x", 512)), "user[0].password: ", "511"},
	{attributes{"user": []attributes{{"name": "a", "password": "x", "hashed_password": "$6$a$b"}}}, "user[0].hashed_password: ", "give one"},
	{attributes{"password": "x", "hashed_password": "$6$a$b"}, "hashed_password: ", "give one"},
	{attributes{"hashed_password": "$y$j9T$a$b"}, "hashed_password: ", "plain password"},
	{attributes{"root_hashed_password": "x"}, "root_hashed_password: ", "not a password's hash"},
	{attributes{"root_password": "x", "user": []attributes{{"name": "root"}}}, "root_password: ", "user block"},
	{attributes{"password_expire": true}, "password_expire: ", "no password"},
	{attributes{"default_user": false}, "default_user: ", "nobody"},
	{attributes{"default_user": false, "user": []attributes{{"name": "a"}}, "ssh_authorized_keys": []string{key}}, "ssh_authorized_keys: ", "default_user = false"},
	{attributes{"default_user": false, "user": []attributes{{"name": "a"}}, "password": "x"}, "password: ", "default_user = false"},
	{attributes{"group": []attributes{{"name": ""}}}, "group[0].name: ", "missing"},
	{attributes{"group": []attributes{{"name": "a", "members": []string{"a b"}}}}, "group[0].members[0]: ", "not a user"},

	{attributes{"write_file": []attributes{{"content": "x"}}}, "write_file[0].path: ", "missing"},
	{attributes{"write_file": []attributes{{"path": "etc/motd"}}}, `write_file "etc/motd".path: `, "absolute"},
	{attributes{"write_file": []attributes{{"path": "/etc/"}}}, `write_file "/etc/".path: `, "of a file"},
	{attributes{"write_file": []attributes{{"path": "/a"}, {"path": "//a"}}}, `write_file "//a".path: `, "another block"},
	{attributes{"write_file": []attributes{{"path": "/a", "permissions": "0888"}}}, `write_file "/a".permissions: `, "octal"},
	{attributes{"write_file": []attributes{{"path": "/a", "permissions": "u+x"}}}, `write_file "/a".permissions: `, "octal"},
	{attributes{"write_file": []attributes{{"path": "/a", "permissions": "rw-r--r--"}}}, `write_file "/a".permissions: `, "octal"},
	{attributes{"write_file": []attributes{{"path": "/a", "owner": "root root"}}}, `write_file "/a".owner: `, "root:root"},
	{attributes{"write_file": []attributes{{"path": "/a", "content": "x", "source": "/dev/null"}}}, `write_file "/a".source: `, "content is set"},
	{attributes{"write_file": []attributes{{"path": "/a", "source": "/nonexistent"}}}, `write_file "/a".source: `, "readable file"},
	{attributes{"write_file": []attributes{{"path": "/a", "source": "/dev/zero"}}}, `write_file "/a".source (/dev/zero): `, "larger"},
	{attributes{"user": []attributes{{"name": "a"}}, "write_file": []attributes{{"path": "/a", "owner": "a", "defer": false}}}, `write_file "/a".defer: `, "does not exist yet"},
	{attributes{"script": []attributes{{"name": "x"}}}, "script[0].content: ", "no content"},
	{attributes{"script": []attributes{{"content": "echo\n"}}}, "script[0].content, line 1, column 1: ", "#!/bin/sh"},
	{attributes{"script": []attributes{{"content": "#!/bin/sh\n", "per": "day"}}}, "script[0].per: ", "boot, instance, once"},
	{attributes{"script": []attributes{{"content": "#!/bin/sh\n", "name": "../x"}}}, "script[0].name: ", "plain file name"},
	{attributes{"script": []attributes{{"content": "#!/bin/sh\n", "name": "x"}, {"content": "#!/bin/sh\n", "name": "x", "per": "instance"}}}, "script[1].name: ", "another script"},
	{attributes{"part": []attributes{{"filename": "x"}}}, "part[0].content: ", "no content"},
	{attributes{"part": []attributes{{"content": "echo\n"}}}, "part[0].content, line 1", "header"},
	{attributes{"part": []attributes{{"content": "#!/bin/sh\n", "content_type": "shell"}}}, "part[0].content_type: ", "text/cloud-config"},
	{attributes{"part": []attributes{{"content": "#!/bin/sh\n", "filename": "a b"}}}, "part[0].filename: ", "plain file name"},
	{attributes{"part": []attributes{{"content": "#cloud-config\n{}\n", "merge_type": "append"}}}, "part[0].merge_type: ", "rule of merging"},

	{attributes{"fqdn": "a b"}, "fqdn: ", "host name"},
	{attributes{"hostname": "a_ b"}, "hostname: ", "host name"},
	{attributes{"instance_id": "nocloud"}, "instance_id: ", "clones"},
	{attributes{"manage_etc_hosts": "maybe"}, "manage_etc_hosts: ", "localhost"},
	{attributes{"timezone": "UTC+2 "}, "timezone: ", "Europe/Berlin"},
	{attributes{"timezone": "../etc/passwd"}, "timezone: ", "Europe/Berlin"},
	{attributes{"locale": "en GB"}, "locale: ", "en_GB.UTF-8"},
	{attributes{"keyboard": attributes{"model": "pc105"}}, "keyboard.layout: ", "missing"},
	{attributes{"keyboard": attributes{"layout": "de de"}}, "keyboard.layout: ", "xkeyboard-config"},
	{attributes{"growpart": attributes{"mode": "always"}}, "growpart.mode: ", "auto, growpart"},
	{attributes{"growpart": attributes{"devices": []string{"vda"}}}, "growpart.devices[0]: ", "absolute"},
	{attributes{"ntp": attributes{"servers": []string{"http://a"}}}, "ntp.servers[0]: ", "without protocol"},
	{attributes{"ntp": attributes{"ntp_client": "sntp"}}, "ntp.ntp_client: ", "chrony"},
	{attributes{"packages": []string{"vim nano"}}, "packages[0]: ", "one an item"},
	{attributes{"packages": []string{"--force"}}, "packages[0]: ", "not a package"},
	{attributes{"runcmd": []string{"true", " "}}, "runcmd[1]: ", "empty"},
	{attributes{"bootcmd": []string{""}}, "bootcmd[0]: ", "empty"},
	{attributes{"mounts": [][]string{{"/dev/vdb"}}}, "mounts[0]: ", "two to six"},
	{attributes{"mounts": [][]string{{"/dev/vdb", "srv"}}}, "mounts[0][1]: ", "absolute"},
	{attributes{"mounts": [][]string{{"/dev/vdb", "/my data"}}}, "mounts[0][1]: ", `\040`},
	{attributes{"power_state": attributes{"delay": "now"}}, "power_state.mode: ", "missing"},
	{attributes{"power_state": attributes{"mode": "off"}}, "power_state.mode: ", "poweroff"},
	{attributes{"power_state": attributes{"mode": "halt", "delay": "5m"}}, "power_state.delay: ", "minutes"},
	{attributes{"power_state": attributes{"mode": "halt", "timeout": -1}}, "power_state.timeout: ", "seconds"},
	{attributes{"meta": attributes{"instance-id": "x"}}, `meta["instance-id"]: `, "instance_id"},
	{attributes{"meta": attributes{"a b": "x"}}, `meta["a b"]: `, "letters"},
	{attributes{"meta": attributes{"a": "x"}, "meta_data": "a: y\n"}, "meta_data, line 1, column 1: ", "meta"},
	{attributes{"cloud_config": "a: b\n  c: d\n"}, "cloud_config, line 2", "key: value"},
	{attributes{"cloud_config": "timezone: UTC\n", "timezone": "Europe/Rome"}, "cloud_config, line 1, column 1: ", "timezone has another value in the attributes"},
	{attributes{"user_data": "#cloud-config\nusers: [{name: a}]\n", "user": []attributes{{"name": "a"}}}, "the attributes: ", `user "a" is described in user_data`},
	{attributes{"cloud_config": "users:\n- name: a\n  lock_passwd: false\n  plain_text_passwd: s3cret\n"}, "cloud_config, line 4", "hashed_passwd"},

	{attributes{"network": attributes{}}, "network: ", "no interface"},
	{attributes{"network": attributes{"ethernet": []attributes{{"dhcp4": true}}}}, "network.ethernet[0].name: ", "missing"},
	{attributes{"network": attributes{"ethernet": []attributes{{"name": "my nic"}}}}, "network.ethernet[0].name: ", "15 characters"},
	{attributes{"network": attributes{"ethernet": []attributes{{"name": "a"}}, "vlan": []attributes{{"name": "a", "id": 1, "link": "a"}}}}, "network.vlan[0].name: ", "another interface"},
	{ethernet("addresses", []string{"192.0.2.1"}), "network.ethernet[0].addresses[0]: ", "prefix length"},
	{ethernet("addresses", []string{"192.0.2.256/24"}), "network.ethernet[0].addresses[0]: ", "prefix length"},
	{ethernet("gateway4", "2001:db8::1"), "network.ethernet[0].gateway4: ", "IPv4"},
	{ethernet("gateway6", "192.0.2.1"), "network.ethernet[0].gateway6: ", "IPv6"},
	{ethernet("gateway4", "192.0.2.1/24"), "network.ethernet[0].gateway4: ", "without prefix"},
	{ethernet("nameservers", []string{"dns.example.com"}), "network.ethernet[0].nameservers[0]: ", "IP address"},
	{ethernet("search", []string{"a b"}), "network.ethernet[0].search[0]: ", "domain"},
	{ethernet("mtu", 10), "network.ethernet[0].mtu: ", "1500"},
	{ethernet("macaddress", "52-54-00-12-34-56"), "network.ethernet[0].macaddress: ", "52:54"},
	{ethernet("set_name", "lan0"), "network.ethernet[0].set_name: ", "match"},
	{ethernet("match", attributes{}), "network.ethernet[0].match: ", "says nothing"},
	{ethernet("match", attributes{"macaddress": "x"}), "network.ethernet[0].match.macaddress: ", "hardware address"},
	{ethernet("route", []attributes{{"to": "10.0.0.0", "via": "192.0.2.1"}}), "network.ethernet[0].route[0].to: ", "10.0.0.0/8"},
	{ethernet("route", []attributes{{"via": "192.0.2.1"}}), "network.ethernet[0].route[0].to: ", "missing"},
	{ethernet("route", []attributes{{"to": "default"}}), "network.ethernet[0].route[0].via: ", "missing"},
	{attributes{"network": attributes{"bond": []attributes{{"name": "bond0"}}}}, "network.bond[0].interfaces: ", "without members"},
	{attributes{"network": attributes{"bond": []attributes{{"name": "bond0", "interfaces": []string{"eth0"}}}}}, "network.bond[0].interfaces[0]: ", `nothing describes the interface "eth0"`},
	{attributes{"network": attributes{"ethernet": []attributes{{"name": "a"}}, "bond": []attributes{{"name": "b", "interfaces": []string{"a"}, "mode": "lacp"}}}}, "network.bond[0].mode: ", "802.3ad"},
	{attributes{"network": attributes{"ethernet": []attributes{{"name": "a"}}, "bond": []attributes{{"name": "b", "interfaces": []string{"a"}, "primary": "c"}}}}, "network.bond[0].primary: ", "not a member"},
	{attributes{"network": attributes{"bridge": []attributes{{"name": "br0", "interfaces": []string{"x"}}}}}, "network.bridge[0].interfaces[0]: ", "nothing describes"},
	{attributes{"network": attributes{"ethernet": []attributes{{"name": "a"}}, "vlan": []attributes{{"name": "v", "id": 4095, "link": "a"}}}}, "network.vlan[0].id: ", "4094"},
	{attributes{"network": attributes{"vlan": []attributes{{"name": "v", "id": 1}}}}, "network.vlan[0].link: ", "missing"},
	{attributes{"network": attributes{"ethernet": []attributes{{"name": "a"}}}, "network_config": "version: 2\n"}, "network: ", "network_config is set"},
}

func TestBadAttributes(t *testing.T) {
	for i, b := range bad {
		t.Run(fmt.Sprintf("%d %s", i, b.start), func(t *testing.T) {
			errs := decode(t, b.values).Check()
			found := false
			for _, err := range errs {
				t.Log(err)
				found = found || strings.HasPrefix(err.Error(), b.start) && strings.Contains(err.Error(), b.says)
			}
			if !found || len(errs) > 1 {
				t.Errorf("of %v came %v, want one that begins with %q and has %q", b.values, errs, b.start, b.says)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	errs := decode(t, attributes{
		"user":       []attributes{{"name": "a b", "shell": "sh"}, {"name": "b", "uid": "x"}},
		"write_file": []attributes{{"path": "x"}}, "timezone": "?", "network": attributes{"ethernet": []attributes{{"name": ""}}},
		"cloud_config": "timezone: [UTC]\n", "script": []attributes{{"content": "echo"}},
	}).Check()
	if len(errs) != 8 {
		t.Errorf("%d errors: %v", len(errs), errs)
	}
}

// Neither an error nor the log says a password.
func TestSecretsAreNotSaid(t *testing.T) {
	const secret, hash = "s3cret-9c1b", "no-hash-7d2e"
	c := decode(t, attributes{
		"password": secret, "hashed_password": hash, "root_password": secret + "\n",
		"user":         []attributes{{"name": "a", "password": secret, "hashed_password": hash}},
		"cloud_config": "users:\n- {name: x, plain_text_passwd: " + secret + "}\nchpasswd: {list: ['a:" + secret + "']}\npassword: [" + secret + "]\n",
	})
	errs := c.Check()
	if text := fmt.Sprint(errs); len(errs) < 4 || strings.Contains(text, secret) || strings.Contains(text, hash) {
		t.Errorf("%v", errs)
	}
	err := config.Decode(&Config{}, &config.DecodeOpts{}, attributes{"password": []string{"a\n" + secret}, "user": []attributes{{"password": []string{secret}}}})
	if err == nil || strings.Contains(DecodeError(err).Error(), secret) || !strings.Contains(DecodeError(err).Error(), "'password' expected type 'string'") {
		t.Errorf("decoding says %v", err)
	}
	if said := packersdk.LogSecretFilter.FilterString(secret + " " + hash); strings.Contains(said, "s3cret") || strings.Contains(said, "no-hash") {
		t.Errorf("the log says %s", said)
	}
}
