// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// rendering is about what of the network-config the machine's network will not
// get: cloud-init hands version 2 as it is to netplan only, and translates it for
// all else.
func (r Report) rendering(network []byte) (all []string) {
	root, err := parseYAML(bytes.NewReader(network))
	if err != nil || root == nil || r.Renderer == "" || r.Renderer == "netplan" {
		return nil
	}
	if _, inner := field(root, "network"); inner != nil {
		root = resolve(inner)
	}
	if eachValue(root, "to", func(n *yaml.Node) bool { return n.Value == "default" }) {
		all = append(all, "network-config has a route to: default, which only netplan reads, and this machine has none: cloud-init would stop there and set up no network at all. Write to: 0.0.0.0/0, or ::/0.")
	}
	if _, ethernets := field(root, "ethernets"); ethernets != nil {
		for i := 1; i < len(ethernets.Content); i += 2 {
			if unnamed(ethernets.Content[i-1].Value, ethernets.Content[i]) {
				all = append(all, "network-config: ethernets."+ethernets.Content[i-1].Value+" is chosen by match without macaddress, which only netplan reads, and this machine has none: cloud-init would take "+
					ethernets.Content[i-1].Value+" for the interface's name. Give match a macaddress, or call the entry by the interface's name.")
			}
		}
	}
	all = append(all, leftToNetplan(root)...)
	if slices.Contains(r.Lacking, "route") && eachValue(root, "routes", anyNode) {
		all = append(all, "network-config has routes, which ifupdown sets with the program route, and this machine has none: they would be missing without an error. Install net-tools, or write the default one as gateway4 or gateway6.")
	}
	if slices.Contains(r.Lacking, "resolvconf") && (eachValue(root, "nameservers", anyNode) || eachValue(root, "dns_nameservers", anyNode) || eachValue(root, "type", isNameserver)) {
		all = append(all, "network-config has name servers, which ifupdown sets with the program resolvconf, and this machine has none: they would be missing without an error. Install resolvconf, or openresolv.")
	}
	return all
}

// leftToNetplan is about sections of version 2 that cloud-init cannot translate.
func leftToNetplan(root *yaml.Node) (all []string) {
	if _, version := field(root, "version"); version == nil || version.Value != "2" {
		return nil
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch name := root.Content[i].Value; name {
		case "version", "renderer", "ethernets", "bonds", "bridges", "vlans":
		case "wifis":
			all = append(all, "network-config has wifis, which only netplan sets up, and this machine has none: they would be missing without an error. Install netplan.io, or set the Wi-Fi up by other means.")
		case "tunnels", "vrfs", "modems", "dummy-devices", "virtual-ethernets", "nm-devices", "openvswitch":
			all = append(all, "network-config has "+name+", which only netplan reads, and this machine has none: cloud-init would stop there and set up no network at all. Install netplan.io, or leave them out.")
		}
	}
	return all
}

func anyNode(*yaml.Node) bool { return true }

func isNameserver(n *yaml.Node) bool { return n.Value == "nameserver" }

// unnamed says whether an entry of ethernets is chosen by a pattern that is
// neither its own name nor a hardware address.
func unnamed(key string, entry *yaml.Node) bool {
	_, match := field(entry, "match")
	if match == nil {
		return false
	}
	if _, mac := field(match, "macaddress"); mac != nil {
		return false
	}
	_, name := field(match, "name")
	return name == nil || name.Value != key || strings.ContainsAny(key, "*?[")
}

// eachValue says whether a key stands anywhere in a document with a value that is
// wanted. A document may hold itself by an alias, so aliases are not followed.
func eachValue(n *yaml.Node, key string, wanted func(*yaml.Node) bool) bool {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key && wanted(n.Content[i+1]) {
				return true
			}
		}
	}
	return slices.ContainsFunc(n.Content, func(inner *yaml.Node) bool { return eachValue(inner, key, wanted) })
}
