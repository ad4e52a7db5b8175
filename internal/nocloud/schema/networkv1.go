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

var subnetTypes = word("dhcp", "dhcp4", "dhcp6", "static", "static4", "static6", "manual", "loopback",
	"ipv6_slaac", "ipv6_dhcpv6-stateless", "ipv6_dhcpv6-stateful")

var v1Route = object(fields{
	"type": word("route"), "network": aText, "destination": aText, "netmask": aText.or(aNumber),
	"gateway": anAddress, "metric": aNumber, "prefix": aNumber, "id": anything,
}).needing("network|destination").wanting("gateway").meaning(map[string]string{
	"to": "write destination; `to` belongs to version 2", "via": "write gateway; `via` belongs to version 2",
})

var v1Subnet = object(fields{
	"type": subnetTypes, "control": word("manual", "auto", "hotplug"),
	"address": aText, "netmask": aText.or(aNumber), "broadcast": aText, "gateway": anAddress,
	"dns_nameservers": texts.tolerating(text), "dns_search": texts.tolerating(text), "routes": listOf(v1Route),
	"ipv4": aSwitch, "ipv6": aSwitch, "prefix": aNumber, "scope": aText, "metric": aNumber, "mtu": anMTU,
	"pointopoint": aText,
}).needing("type").checked(v1Addresses).meaning(map[string]string{
	"addresses": "write address, one in each subnet; `addresses` belongs to version 2",
	"gateway4":  "write gateway; `gateway4` belongs to version 2", "gateway6": "write gateway; `gateway6` belongs to version 2",
	"nameservers": "write dns_nameservers; `nameservers` belongs to version 2",
	"dhcp4":       "write type: dhcp4; the key belongs to version 2", "dhcp6": "write type: dhcp6; the key belongs to version 2",
	"ip": "write address", "dns": "write dns_nameservers",
})

// version2Keys are keys of version 2 that people write into version 1.
var version2Keys = map[string]string{
	"dhcp4": "write `subnets: [{type: dhcp4}]`; dhcp4 belongs to version 2", "dhcp6": "write `subnets: [{type: dhcp6}]`; dhcp6 belongs to version 2",
	"addresses": "write `subnets: [{type: static, address: …}]`; addresses belongs to version 2",
	"gateway4":  "write gateway in a subnet; gateway4 belongs to version 2", "gateway6": "write gateway in a subnet; gateway6 belongs to version 2",
	"nameservers": "write dns_nameservers in a subnet, or an entry of type nameserver; nameservers belongs to version 2",
	"macaddress":  "write mac_address; macaddress belongs to version 2", "match": "write mac_address; match belongs to version 2",
	"set-name": "write name; set-name belongs to version 2", "interfaces": "write bond_interfaces or bridge_interfaces; interfaces belongs to version 2",
	"parameters": "write params; parameters belongs to version 2", "id": "write vlan_id; id belongs to version 2",
	"link": "write vlan_link; link belongs to version 2", "routes": "write routes in a subnet, or entries of type route",
	"address": "write `subnets: [{type: static, address: …}]`", "gateway": "write gateway in a subnet",
}

// parameters are settings that cloud-init hands on under their own names.
func parameters(prefix, names string, special fields) *Type {
	keys := fields{}
	for _, name := range strings.Fields(names) {
		keys[prefix+name] = anything
	}
	maps.Copy(keys, special)
	return object(keys)
}

var bondParameters = parameters("bond-", `active_slave ad_actor_key ad_actor_sys_prio ad_actor_system ad_aggregator ad_num_ports
	ad_partner_key ad_partner_mac ad_select ad_user_port_key all_slaves_active arp_all_targets arp_interval arp_ip_target
	arp_validate downdelay fail_over_mac lacp_rate lp_interval miimon mii_status min_links num_grat_arp num_unsol_na
	packets_per_slave peer_notif_delay primary queue_id resend_igmp slaves tlb_dynamic_lb updelay use_carrier
	xmit_hash_policy mode lacp-rate xmit-hash-policy min-links fail-over-mac`, fields{
	"bond-mode":             bondModes.or(aNumber),
	"bond-primary_reselect": anything,
}).meaning(map[string]string{"mode": "write bond-mode", "miimon": "write bond-miimon", "mii-monitor-interval": "write bond-miimon"})

var bridgeParameters = parameters("bridge_", `ageing bridgeprio fd hello hw maxage maxwait pathcost portprio ports
	waitport gcint`, fields{"bridge_stp": word("on", "off").or(aSwitch)}).meaning(map[string]string{
	"stp": "write bridge_stp", "forward-delay": "write bridge_fd", "priority": "write bridge_bridgeprio",
})

// v1Device is an interface of version 1 with keys of its own.
func v1Device(needs []string, own fields) *Type {
	keys := fields{
		"type": aText, "name": aText.exactly().checked((*judge).nicName), "mac_address": aMAC, "mtu": anMTU,
		"subnets": listOf(v1Subnet).say("begin each with `- type: …`"), "accept-ra": aSwitch, "keep_configuration": aSwitch.since("25.2"),
		"wakeonlan": aSwitch, "optional": aSwitch,
	}
	maps.Copy(keys, own)
	return object(keys).needing(needs...).meaning(version2Keys)
}

// v1Types are the types of version 1.
var v1Types = map[string]*Type{
	"physical":   v1Device([]string{"name"}, fields{"mtu": anMTU.or(scalar(null))}),
	"loopback":   v1Device([]string{"name"}, nil),
	"infiniband": v1Device([]string{"name"}, nil),
	"vlan": v1Device([]string{"name", "vlan_id", "vlan_link"}, fields{
		"vlan_id": aNumber.checked(vlanID), "vlan_link": aText,
	}),
	"bond": v1Device([]string{"name", "bond_interfaces"}, fields{
		"bond_interfaces": texts.checked(members), "params": bondParameters,
	}),
	"bridge": v1Device([]string{"name", "bridge_interfaces"}, fields{
		"bridge_interfaces": texts, "params": bridgeParameters,
	}),
	"nameserver": object(fields{
		"type": aText, "address": anAddress.or(listOf(anAddress)), "search": texts.tolerating(text), "interface": aText, "name": aText,
	}).needing("address").meaning(map[string]string{"addresses": "write address, which may be a list"}),
	"route": v1Route,
}

func vlanID(j *judge, path string, n *yaml.Node) {
	var id int
	if _, err := fmt.Sscanf(n.Value, "%d", &id); err == nil && (id < 0 || id > 4094) {
		j.fail(n, "write a number from 1 to 4094", "%s is not the number of a VLAN", path)
	}
}

func members(j *judge, path string, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		j.fail(n, "name the interfaces that it is made of", "%s names no members: the bond would never come up", path)
	}
}

func (j *judge) version1(root *yaml.Node) {
	for _, p := range pairs(root) {
		switch p.key.Value {
		case "version", "config":
		case "ethernets", "bonds", "bridges", "vlans", "wifis":
			if get(root, "config") == nil {
				continue // told below, at config
			}
			j.fail(p.key, "write `version: 2`, or list it below config", "%s belongs to version 2", p.key.Value)
		default:
			j.warn(p.key, "remove it", "%s is not a key of version 1 and is not read", shown(p.key))
		}
	}
	key, config := find(root, "config")
	switch {
	case key == nil:
		j.fail(root, "add `config:` with a list of interfaces, or use version: 2", "network-config version 1 has no config")
		return
	case config.Kind != yaml.SequenceNode:
		j.fail(key, "begin each entry with `- type: …`", "config is %s; in version 1 it is a list", called(formOf(config)))
		return
	}
	names := map[string]int{}
	for i, entry := range config.Content {
		j.v1Entry(fmt.Sprintf("config[%d]", i), resolve(entry), names)
	}
}

// v1Entry judges one entry by its type; names are those seen, with their lines.
func (j *judge) v1Entry(path string, entry *yaml.Node, names map[string]int) {
	if entry.Kind != yaml.MappingNode {
		j.fail(entry, "write type and name as keys", "%s is %s where an interface is described", path, called(formOf(entry)))
		return
	}
	key, kind := find(entry, "type")
	if key == nil {
		j.fail(entry, "add `type: physical` (or vlan, bond, bridge, nameserver, route …)", "%s is an entry without a type", path)
		return
	}
	t, known := v1Types[kind.Value]
	if !known {
		j.fail(kind, suggestion(kind.Value, slices.Sorted(maps.Keys(v1Types))), "%s.type does not exist in version 1", path)
		return
	}
	j.value(path+" ("+kind.Value+")", entry, t)
	if name := given(entry, "name"); name != nil && kind.Value != "nameserver" && kind.Value != "route" {
		if line, twice := names[name.Value]; twice {
			j.fail(name, "merge the two; several addresses are several subnets", "%s has the name of the entry in line %d; only the last would count", path, line)
		}
		names[name.Value] = name.Line
	}
}

// v1Addresses judges how the addresses of a subnet go together.
func v1Addresses(j *judge, path string, n *yaml.Node) {
	kind, address := given(n, "type"), given(n, "address")
	if n.Kind != yaml.MappingNode || kind == nil {
		return
	}
	static := kind.Value == "static" || kind.Value == "static4" || kind.Value == "static6"
	switch {
	case static && address == nil:
		j.fail(n, "add `address: 192.0.2.10/24`", "%s is of type %s and has no address", path, kind.Value)
	case address != nil && formOf(address) == text:
		j.v1Static(path, n, address)
	}
}

func (j *judge) v1Static(path string, n, address *yaml.Node) {
	network, ok := j.prefixed(path+".address", address)
	mask := given(n, "netmask")
	bits, good := netmask(mask)
	plain, err := netip.ParseAddr(address.Value)
	switch {
	case mask != nil && !good && formOf(mask) != unknown:
		j.fail(mask, "write 255.255.255.0, or the prefix length behind the address", "%s.netmask is not a netmask", path)
	case err != nil:
	case good:
		network, err = plain.Prefix(bits)
		ok = err == nil
	case mask == nil && given(n, "prefix") == nil:
		j.warn(address, addressAdvice, "%s.address is an address without its prefix length; cloud-init takes /24, or /64", path)
	}
	if ok {
		j.reachable(path+".gateway", given(n, "gateway"), []netip.Prefix{network})
	}
}
