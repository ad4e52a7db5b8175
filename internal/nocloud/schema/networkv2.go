// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// aYes is a boolean that may be the word in quotes, too.
var aYes = aSwitch.tolerating(text)

var dhcpOverrides = object(fields{
	"hostname": aText, "route-metric": aNumber, "send-hostname": aSwitch, "use-dns": aSwitch, "use-domains": aText.or(aSwitch),
	"use-hostname": aSwitch, "use-mtu": aSwitch, "use-ntp": aSwitch, "use-routes": aSwitch,
})

var v2Route = object(fields{
	"to": aText.checked(destination), "via": anAddress, "from": aText, "metric": aNumber, "on-link": aSwitch, "scope": word("global", "link", "host"),
	"table": aNumber, "type": aText, "mtu": anMTU, "congestion-window": aNumber, "advertised-receive-window": aNumber,
	"advertised-mss": aNumber,
}).needing("to").meaning(map[string]string{
	"gateway": "write via; gateway belongs to version 1", "destination": "write to; destination belongs to version 1",
	"network": "write to; network belongs to version 1", "netmask": "write the prefix length in to: 192.0.2.0/24",
	"dev": "a route belongs to the interface below which it stands", "default": "write to: 0.0.0.0/0, or ::/0",
})

func destination(j *judge, path string, n *yaml.Node) {
	if formOf(n) != text || n.Value == "default" {
		return
	}
	_, err := netip.ParsePrefix(n.Value)
	if _, plain := netip.ParseAddr(n.Value); err != nil && plain != nil {
		j.fail(n, "write default, or a network: 192.0.2.0/24", "%s is not a network", path)
	}
}

// version1Keys are keys of version 1 that people write into version 2.
var version1Keys = map[string]string{
	"subnets": "write dhcp4: true, or addresses; subnets belongs to version 1", "mac_address": "write match: {macaddress: …}; mac_address belongs to version 1",
	"mac": "write match: {macaddress: …}", "dns_nameservers": "write nameservers: {addresses: [...]}; dns_nameservers belongs to version 1",
	"dns_search": "write nameservers: {search: [...]}; dns_search belongs to version 1", "dns": "write nameservers: {addresses: [...]}",
	"gateway": "write routes: [{to: 0.0.0.0/0, via: …}]", "address": "write addresses: [192.0.2.10/24]", "netmask": "write the prefix length behind the address: 192.0.2.10/24",
	"bond_interfaces": "write interfaces; bond_interfaces belongs to version 1", "bridge_interfaces": "write interfaces; bridge_interfaces belongs to version 1",
	"params": "write parameters; params belongs to version 1", "vlan_id": "write id; vlan_id belongs to version 1",
	"vlan_link": "write link; vlan_link belongs to version 1", "type": "the section says the type (ethernets, bonds …)",
	"name": "write set-name, or match: {name: …}", "dhcp": "write dhcp4: true", "nameserver": "write nameservers: {addresses: [...]}",
	"route": "write routes, a list",
}

// v2Device is an interface of version 2 with keys of its own. What only netplan
// reads is named, so that what is misspelt can be told from it.
func v2Device(own fields) *Type {
	keys := fields{
		"renderer": word("networkd", "NetworkManager", "sriov"), "dhcp4": aYes, "dhcp6": aYes,
		"dhcp4-overrides": dhcpOverrides, "dhcp6-overrides": dhcpOverrides, "addresses": listOf(aText.or(anyMap)).say("write [192.0.2.10/24]"),
		"gateway4":    aText.checked(oldGateway("0.0.0.0/0")),
		"gateway6":    aText.checked(oldGateway("::/0")),
		"nameservers": object(fields{"addresses": listOf(anAddress).tolerating(text), "search": texts.tolerating(text)}).say("write nameservers: {addresses: [192.0.2.53]}"),
		"macaddress":  aMAC, "mtu": anMTU, "optional": aSwitch, "routes": listOf(v2Route).say("write a list: - {to: 0.0.0.0/0, via: 192.0.2.1}"),
		"match": object(fields{"name": aText, "macaddress": aMAC, "driver": aText.or(texts)}).
			meaning(map[string]string{"mac": "write macaddress", "mac_address": "write macaddress"}).say("write match: {name: 'en*'}"),
		"set-name": aText.exactly().checked((*judge).nicName), "wakeonlan": aSwitch,
	}
	for _, name := range strings.Fields(`dhcp-identifier ipv6-mtu ipv6-privacy link-local ignore-carrier critical accept-ra
		ipv6-address-generation ipv6-address-token optional-addresses activation-mode routing-policy neigh-suppress emit-lldp
		receive-checksum-offload transmit-checksum-offload tcp-segmentation-offload tcp6-segmentation-offload
		generic-segmentation-offload generic-receive-offload large-receive-offload openvswitch networkmanager auth
		virtual-function-count embedded-switch-mode delay-virtual-functions-rebind infiniband-mode hairpin port-mac-learning ra-overrides`) {
		keys[name] = anything
	}
	maps.Copy(keys, own)
	return object(keys).meaning(version1Keys).checked(v2Addresses)
}

var bondModes = word("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb",
	"balance-tcp", "balance-slb")

// v2Sections are the keys below which version 2 has interfaces by name. Those
// with no type of their own are netplan's alone.
var v2Sections = map[string]*Type{
	"ethernets": v2Device(fields{"link": aText}),
	"wifis":     v2Device(fields{"access-points": anyMap, "wakeonwlan": anything, "regulatory-domain": aText}),
	"vlans": v2Device(fields{"id": aNumber.checked(vlanID), "link": aText}).
		needing("id", "link"),
	"bonds": v2Device(fields{
		"interfaces": texts.checked(fewMembers),
		"parameters": object(fields{"mode": bondModes}).with(anything),
	}),
	"bridges":           v2Device(fields{"interfaces": texts, "parameters": anyMap}),
	"dummy-devices":     anyMap,
	"modems":            anyMap,
	"nm-devices":        anyMap,
	"tunnels":           anyMap,
	"virtual-ethernets": anyMap,
	"vrfs":              anyMap,
}

// v2Others are the other keys of version 2.
var v2Others = []string{"openvswitch", "renderer", "version"}

func fewMembers(j *judge, path string, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		j.warn(n, "name the interfaces that it is made of", "%s names no members: the bond would never come up", path)
	}
}

func oldGateway(to string) func(*judge, string, *yaml.Node) {
	return func(j *judge, path string, n *yaml.Node) {
		anAddress.check(j, path, n)
		j.warn(n, fmt.Sprintf("write routes: [{to: %s, via: …}]", to), "%s is deprecated in netplan", path)
	}
}

func (j *judge) version2(root *yaml.Node) {
	names := map[string]string{}
	for _, p := range pairs(root) {
		t, known := v2Sections[p.key.Value]
		switch {
		case known:
			j.v2Section(p, t, names)
		case p.key.Value == "config":
			j.fail(p.key, "write `version: 1`, or the interfaces below ethernets", "config belongs to version 1; version 2 has ethernets, bonds, …")
		case p.key.Value == "renderer":
			j.value("renderer", p.value, word("networkd", "NetworkManager", "sriov"))
		case !slices.Contains(v2Others, p.key.Value):
			j.v2Unknown(p.key)
		}
	}
	j.v2Links(root, names)
}

// v2Unknown: netplan may know a key that we do not; a misspelt one it does not.
func (j *judge) v2Unknown(key *yaml.Node) {
	known := slices.Concat(slices.Sorted(maps.Keys(v2Sections)), v2Others)
	if like, ok := typo(key.Value, known, 3); ok {
		j.fail(key, fmt.Sprintf("did you mean %s?", like), "%s is not a key of version 2", shown(key))
		return
	}
	j.warn(key, "check it with `netplan generate`", "%s is not a key of version 2 that is known here", shown(key))
}

func (j *judge) v2Section(section pair, t *Type, names map[string]string) {
	path := section.key.Value
	if section.value.Kind != yaml.MappingNode {
		j.fail(section.key, "write `eth0:` below it, further indented", "%s is %s, not a mapping of interface names", path, called(formOf(section.value)))
		return
	}
	for _, p := range pairs(section.value) {
		name := path + "." + shown(p.key)
		switch {
		case p.key.Value == "renderer":
			continue
		case p.value.Kind != yaml.MappingNode:
			j.fail(p.key, "indent its settings below it, or write {}", "%s has %s where its settings should be", name, emptyOr(p.value))
			continue
		case names[p.key.Value] != "":
			j.fail(p.key, "give each its own name", "%s has the name of an interface below %s", name, names[p.key.Value])
		}
		names[p.key.Value] = path
		if path != "ethernets" && path != "wifis" {
			j.nicName(name, p.key)
		}
		j.v2Device(name, p.value, t)
	}
}

func emptyOr(n *yaml.Node) string {
	if formOf(n) == null {
		return "a null value"
	}
	return called(formOf(n))
}

// v2Device judges an interface. A misspelt key of a device is told although
// netplan may know others.
func (j *judge) v2Device(path string, n *yaml.Node, t *Type) {
	j.value(path, n, t)
	if setName := given(n, "set-name"); setName != nil && given(n, "match") == nil {
		j.fail(setName, "add match: {macaddress: …}, or remove it", "%s.set-name has no match beside it, so nothing is renamed", path)
	}
}

// v2Addresses judges the addresses of an interface and its gateways.
func v2Addresses(j *judge, path string, n *yaml.Node) {
	addresses := given(n, "addresses")
	if addresses == nil || addresses.Kind != yaml.SequenceNode {
		return
	}
	var networks []netip.Prefix
	for i, item := range addresses.Content {
		item = resolve(item)
		if item.Kind == yaml.MappingNode && len(item.Content) > 0 {
			item = resolve(item.Content[0]) // an address with options
		}
		if item.Kind != yaml.ScalarNode {
			continue
		}
		name := fmt.Sprintf("%s.addresses[%d]", path, i)
		if network, ok := j.prefixed(name, item); ok {
			networks = append(networks, network)
		} else if _, err := netip.ParseAddr(item.Value); err == nil {
			j.warn(item, addressAdvice, "%s is an address without its prefix length, which netplan refuses", name)
		}
	}
	for _, name := range []string{"gateway4", "gateway6"} {
		j.reachable(path+"."+name, given(n, name), networks)
	}
	if routes := given(n, "routes"); routes != nil {
		for i, route := range routes.Content {
			if onLink := given(route, "on-link"); onLink == nil || !truth(onLink.Value) {
				j.reachable(fmt.Sprintf("%s.routes[%d].via", path, i), given(route, "via"), networks)
			}
		}
	}
}

// v2Links warns of bonds, bridges and VLANs over interfaces that are not there,
// which netplan refuses.
func (j *judge) v2Links(root *yaml.Node, names map[string]string) {
	for _, section := range []string{"bonds", "bridges", "vlans"} {
		for _, device := range pairs(get(root, section)) {
			var over []*yaml.Node
			if link := given(device.value, "link"); link != nil && link.Kind == yaml.ScalarNode {
				over = append(over, link)
			}
			if list := given(device.value, "interfaces"); list != nil {
				over = append(over, list.Content...)
			}
			for _, n := range over {
				if n = resolve(n); n.Kind == yaml.ScalarNode && names[n.Value] == "" && formOf(n) != unknown {
					j.warn(n, "define it, at least as `NAME: {}` below ethernets", "%s.%s is over an interface that is not defined, which netplan refuses", section, shown(device.key))
				}
			}
		}
	}
}
