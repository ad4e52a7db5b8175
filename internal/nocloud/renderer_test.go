// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"slices"
	"strings"
	"testing"
)

// networkOf is a seed with a network-config only.
func networkOf(text string) Seed {
	return Seed{NetworkConfig: Document{Attribute: "network_config", Text: []byte(text)}}
}

const translated = `version: 2
ethernets:
  id0:
    match: {name: en*}
    addresses: [192.0.2.10/24]
    routes: [{to: default, via: 192.0.2.1}]
    nameservers: {addresses: [192.0.2.53]}
`

func TestRendererIsLookedFor(t *testing.T) {
	eachShell(t, func(g target) {
		g.write("usr/bin/cloud-init", "#!/bin/sh\n", 0o755)
		look := func(want string, lacking ...string) {
			g.t.Helper()
			report := g.must(g.run(true, networkOf(translated)))
			if report.Renderer != want || !slices.Equal(report.Lacking, lacking) {
				g.t.Errorf("%q without %q, want %q without %q", report.Renderer, report.Lacking, want, lacking)
			}
		}
		look("other")
		g.write("usr/sbin/netplan", "#!/bin/sh\n", 0o755)
		look("netplan")
		g.write("etc/network/interfaces", "", 0o644)
		for _, name := range []string{"ifup", "ifdown", "ifquery"} {
			look("netplan") // busybox, for one, has no ifquery
			g.write("sbin/"+name, "#!/bin/sh\n", 0o755)
		}
		look("ifupdown", "route", "resolvconf")
		g.write("usr/sbin/route", "#!/bin/sh\n", 0o755)
		look("ifupdown", "resolvconf")
		g.write("etc/cloud/cloud.cfg", "system_info:\n  network:\n    renderers: ['netplan', 'eni']\n", 0o644)
		look("netplan")
		if report := g.must(g.run(true, Seed{})); report.Renderer != "" {
			g.t.Errorf("without network-config there is %q", report.Renderer)
		}
	})
}

func TestWhatRenderersLack(t *testing.T) {
	const byName, byMAC = "version: 2\nethernets: {ens3: {match: {name: ens3}}}\n", "version: 2\nethernets: {a: {match: {name: 'en*', macaddress: '52:54:00:00:00:01'}}}\n"
	const v1 = "network: {version: 1, config: [{type: nameserver, address: 192.0.2.53}]}\n"
	const sections = "network: {version: 2, renderer: networkd, wifis: {w: {dhcp4: true}}, tunnels: {t: {mode: gre}}, ethernets: {e: {dhcp4: true}}}\n"
	const loop = "version: 2\nethernets: &a {x: *a}\n"
	for _, tc := range []struct {
		renderer, network string
		lacking           []string
		says              []string
	}{
		{"netplan", translated, nil, nil},
		{"", translated, nil, nil},
		{"other", translated, nil, []string{"0.0.0.0/0", "ethernets.id0"}},
		{"ifupdown", translated, []string{"route", "resolvconf"}, []string{"0.0.0.0/0", "ethernets.id0", "Install net-tools", "Install resolvconf"}},
		{"ifupdown", v1, []string{"route", "resolvconf"}, []string{"Install resolvconf"}},
		{"ifupdown", byName, []string{"route", "resolvconf"}, nil},
		{"other", byMAC, nil, nil},
		{"netplan", sections, nil, nil},
		{"ifupdown", sections, nil, []string{"has wifis", "has tunnels"}},
		{"other", loop, nil, nil},
		{"other", "", nil, nil},
	} {
		said := Report{Renderer: tc.renderer, Lacking: tc.lacking}.rendering([]byte(tc.network))
		if len(said) != len(tc.says) {
			t.Errorf("%s, %q: got %q, want %q", tc.renderer, tc.network, said, tc.says)
			continue
		}
		for i, want := range tc.says {
			if !strings.Contains(said[i], want) {
				t.Errorf("%q does not say %q", said[i], want)
			}
		}
	}
}
