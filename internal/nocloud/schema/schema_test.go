// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"22.4.2-1+deb12u3":                       "22.4.2",
		"24.1.3-0ubuntu1~22.04.1":                "24.1.3",
		"23.4":                                   "23.4",
		"/usr/bin/cloud-init 25.1.4-1+deb13u1\n": "25.1.4",
		"cloud-init 19.4":                        "19.4",
		"1:23.1.1-12.el9":                        "23.1.1",
		"24.4-0ubuntu1":                          "24.4",
		"v26.2":                                  "26.2",
		"":                                       "0.0",
		"unknown":                                "0.0",
		"installed":                              "0.0",
	} {
		v, ok := ParseVersion(text)
		if v.String() != want || ok != (want != "0.0") || ok != v.Known() {
			t.Errorf("%q: %s, %v; want %s", text, v, ok, want)
		}
	}
}

func TestVersionsAreOrdered(t *testing.T) {
	var sorted []Version
	for _, text := range []string{"21.4", "22.3", "22.3.4", "22.4", "23.1", "24.10"} {
		v, _ := ParseVersion(text)
		sorted = append(sorted, v)
	}
	for i, v := range sorted {
		for k, w := range sorted {
			if v.Before(w) != (i < k) {
				t.Errorf("%s before %s: %v", v, w, v.Before(w))
			}
		}
	}
}

// found are the findings of a cloud-config, as text.
func found(t *testing.T, text string, o Options) (all []string) {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	for _, f := range CloudConfig(n.Content[0], o) {
		grade := "error"
		if f.Warning {
			grade = "warning"
		}
		if aged := strings.Contains(f.Text, "since cloud-init"); aged != f.ByVersion {
			t.Errorf("%s: by version: %v", f.Text, f.ByVersion)
		}
		all = append(all, fmt.Sprintf("%s %d:%d %s; %s", grade, f.Line, f.Column, f.Text, f.Advice))
	}
	return all
}

// A known version turns what differs between versions into what is so on the target.
func TestTargetVersion(t *testing.T) {
	for _, c := range []struct{ text, target, want string }{
		{"ubuntu_pro: {token: x}", "22.4.2", "warning 1:1 ubuntu_pro is known since cloud-init 24.1; the target has 22.4.2 and will ignore it"},
		{"ubuntu_pro: {token: x}", "24.1", ""},
		{"ubuntu_pro: {token: x}", "", "warning 1:1 ubuntu_pro is known since cloud-init 24.1 only"},
		{"ubuntu_advantage: {token: x}", "22.4", ""},
		{"ubuntu_advantage: {token: x}", "25.1", "warning 1:1 ubuntu_advantage is deprecated since cloud-init 24.1; write ubuntu_pro"},
		{"rh_subscription: {auto-attach: true}", "", ""},
		{"rh_subscription: {auto-attach: true}", "25.3", "warning 1:19 rh_subscription.auto-attach is deprecated since cloud-init 25.3; write auto_attach"},
		{"migrate: true", "22.4", ""},
		{"migrate: true", "24.1.3", "warning 1:1 migrate is gone since cloud-init 24.1; the target has 24.1.3"},
		{"migrate: true", "", "warning 1:1 migrate is gone since cloud-init 24.1;"},
		{"wireguard: {interfaces: [{name: a}]}", "22.1", "warning 1:1 wireguard is known since cloud-init 22.3; the target has 22.1"},
		{"wireguard: {interfaces: [{name: a}]}", "", ""},
		{"ssh_genkeytypes: [dsa]", "22.4", ""},
		{"rh_subscription: {add-pool: [a]}", "25.2", ""},
		{"rh_subscription: {add-pool: [a]}", "25.3", "warning 1:19 rh_subscription.add-pool is deprecated since cloud-init 25.3; write add_pool"},
		{"rh_subscription: {add_pool: [a]}", "25.1", "warning 1:19 rh_subscription.add_pool is known since cloud-init 25.3; the target has 25.1"},
		{"rh_subscription: {add_pool: [a]}", "26.2", ""},
		{"ansible: {pull: {url: a, playbook_name: b}}", "25.1", ""},
		{"ansible: {pull: {url: a, playbook_names: [b]}}", "26.2", "warning 1:17 ansible.pull as a mapping is deprecated since cloud-init 25.2; write a list of mappings"},
		{"ansible: {pull: [{url: a, playbook_names: [b]}, {url: a, playbook_names: [c]}]}", "26.2", ""},
		{"ansible: {pull: [{url: a, playbook_name: b}]}", "25.1", "warning 1:17 ansible.pull as a list is known since cloud-init 25.2; the target has 25.1"},
		{"ansible: {pull: [{url: a, playbook_name: b}]}", "26.2", "warning 1:27 ansible.pull[0].playbook_name is deprecated since cloud-init 25.2; write playbook_names, a list"},
		{"rpi: {interfaces: {spi: true, serial: {console: true}}, enable_usb_gadget: true}", "26.2", ""},
		{"rpi: {enable_rpi_connect: true}", "26.2", "warning 1:7 rpi.enable_rpi_connect is gone since cloud-init 26.1"},
		{"ssh_genkeytypes: [dsa]", "25.1", "warning 1:19 ssh_genkeytypes[0]: dsa is gone since cloud-init 24.1"},
		{"packages: [{apt: [x]}]", "22.4.2", "warning 1:12 packages[0] as a mapping is known since cloud-init 23.4; the target has 22.4.2"},
		{"packages: [{apt: [x]}]", "23.4", ""},
		{"users: [{name: a, doas: [permit a]}]", "23.1", "warning 1:19 users[0].doas is known since cloud-init 23.3"},
		{"users: [{name: a, no-log-init: true}]", "23.1", ""},
		{"users: [{name: a, no-log-init: true}]", "24.2", "warning 1:19 users[0].no-log-init is deprecated since cloud-init 24.2; write no_log_init"},
		{"chpasswd: {list: ['a:R']}", "22.1", ""},
		{"yum_repos: {a: {mirrorlist: 'http://x'}}", "24.2", "warning 1:17 yum_repos.a.mirrorlist is known since cloud-init 24.3"},
	} {
		target, _ := ParseVersion(c.target)
		got := found(t, c.text, Options{Target: target})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
			t.Errorf("%s on %q: %q, want %q", c.text, c.target, got, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	const own = "hostnam: x\n"
	if got := found(t, own, Options{OwnKeys: []string{"hostnam"}}); len(got) != 0 {
		t.Errorf("a key of the user's own: %q", got)
	}
	const plain = "password: x\nusers: [{name: a, lock_passwd: false, plain_text_passwd: x}]\n"
	if got := found(t, plain, Options{}); len(got) != 2 {
		t.Errorf("plain passwords: %q", got)
	}
	if got := found(t, plain, Options{PlainPasswords: true}); len(got) != 0 {
		t.Errorf("plain passwords that are allowed: %q", got)
	}
}

// A document of nothing but mistakes, and one whose aliases multiply, end soon.
func TestManyFindingsEnd(t *testing.T) {
	if got := found(t, "packages: ["+strings.Repeat("{x: [y]},", 10000)+"]", Options{}); len(got) != maxFindings {
		t.Errorf("%d findings", len(got))
	}
	found(t, "? "+strings.Repeat("long", 1<<20)+"\n: x\n", Options{})
	many := strings.Builder{}
	for i := range 20000 {
		fmt.Fprintf(&many, "some-name-%d: x\n", i)
	}
	if got := found(t, many.String(), Options{}); len(got) != maxFindings {
		t.Errorf("%d findings of many keys", len(got))
	}
	bomb := "a0: &a0 [x]\n"
	for i := range 25 {
		bomb += fmt.Sprintf("a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
	}
	found(t, bomb+"users: *a25\nruncmd: *a25\n", Options{})
}

// Every age in the tables can be parsed, every key that is needed exists, and what is
// meant is a key or says where to go.
func TestTablesAreWhole(t *testing.T) {
	seen := map[*Type]bool{}
	var walk func(path string, t *Type)
	check := func(path string, a age) {
		for _, v := range []string{a.since, a.deprecated, a.removed} {
			if _, ok := ParseVersion(v); v != "" && !ok {
				t.Errorf("%s: the version %q", path, v)
			}
		}
		if (a.deprecated != "" || a.removed != "") && a.instead == "" {
			t.Errorf("%s does not say what to write", path)
		}
	}
	walk = func(path string, ty *Type) {
		if ty == nil || seen[ty] {
			return
		}
		seen[ty] = true
		check(path, ty.age)
		for _, n := range ty.notes {
			check(path, n.age)
			if n.word != "" && !slices.Contains(ty.words, n.word) {
				t.Errorf("%s: a note on %q, which is no word of it", path, n.word)
			}
		}
		if ty.wanted() == "" {
			t.Errorf("%s: nothing may be there", path)
		}
		for _, names := range slices.Concat(ty.needs, ty.wants) {
			for name := range strings.SplitSeq(names, "|") {
				if ty.keys[name] == nil {
					t.Errorf("%s needs %s, which is no key", path, name)
				}
			}
		}
		for name := range ty.meant {
			if ty.keys[name] != nil {
				t.Errorf("%s: %s is a key and said to be none", path, name)
			}
		}
		for name, of := range ty.keys {
			walk(path+"."+name, of)
		}
		walk(path+"[]", ty.items)
		walk(path+".*", ty.others)
	}
	walk("", cloudConfig)
	for name, of := range v1Types {
		walk("v1."+name, of)
	}
	for name, of := range v2Sections {
		walk("v2."+name, of)
	}
	if len(seen) < 300 {
		t.Errorf("only %d types", len(seen))
	}
}
