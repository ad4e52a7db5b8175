// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// networkConfig checks the basic shape of a network-config of version 1 or 2,
// with or without the key `network` around it. A document without content
// would end cloud-init 22.1 with an exception.
func (r reporter) networkConfig(text []byte) {
	root, ok := r.configText(text, "network-config")
	if !ok {
		return
	}
	if root == nil {
		r.fail(place{}, "network-config is empty, which some versions of cloud-init crash on", "leave the attribute out, or write {}")
		return
	}
	if key, inner := field(root, "network"); key != nil {
		if inner.Kind != yaml.MappingNode {
			r.fail(at(key), fmt.Sprintf("network is a %s, not a mapping", kindName(inner)), "indent its content below it")
			return
		}
		root = inner
	}
	if len(root.Content) == 0 {
		r.warn(at(root), "network-config says nothing; cloud-init will use its default (DHCP on the first interface)", "")
		return
	}
	if key, value := field(root, "config"); key != nil && value.Value == "disabled" {
		return
	}
	r.networkVersion(root)
}

func (r reporter) networkVersion(root *yaml.Node) {
	key, version := field(root, "version")
	switch {
	case key == nil:
		r.fail(at(root), "network-config has no version", "add `version: 2` (netplan's form) or `version: 1`")
	case version.ShortTag() == "!!int" && version.Value == "1":
		r.networkV1(root)
	case version.ShortTag() == "!!int" && version.Value == "2":
		r.networkV2(root)
	default:
		r.fail(at(version), "the version of network-config must be the number 1 or 2", "write it without quotes")
	}
}

// v1Keys are the types of version 1 and the keys each cannot do without.
var v1Keys = map[string][]string{
	"physical": {"name"}, "loopback": {"name"}, "infiniband": {"name"},
	"vlan":       {"name", "vlan_id", "vlan_link"},
	"bond":       {"name", "bond_interfaces", "params"},
	"bridge":     {"name", "bridge_interfaces"},
	"nameserver": {"address"}, "route": {"destination"},
}

func (r reporter) networkV1(root *yaml.Node) {
	key, config := field(root, "config")
	switch {
	case key == nil:
		r.fail(at(root), "network-config version 1 has no config", "add `config:` with a list of interfaces, or use version: 2")
		return
	case config.Kind != yaml.SequenceNode:
		r.fail(at(key), fmt.Sprintf("config is a %s; in version 1 it is a list", kindName(config)), "begin each entry with `- type: …`")
		return
	}
	for _, entry := range config.Content {
		r.v1Entry(resolve(entry))
	}
}

func (r reporter) v1Entry(entry *yaml.Node) {
	if entry.Kind != yaml.MappingNode {
		r.fail(at(entry), fmt.Sprintf("a %s where an interface is described", kindName(entry)), "write type and name as keys")
		return
	}
	key, kind := field(entry, "type")
	if key == nil {
		r.fail(at(entry), "an entry without a type", "add `type: physical` (or vlan, bond, bridge, nameserver, route …)")
		return
	}
	needed, known := v1Keys[kind.Value]
	if !known {
		r.fail(at(kind), fmt.Sprintf("the type %q does not exist in version 1", kind.Value),
			suggestion(kind.Value, slices.Sorted(maps.Keys(v1Keys))))
		return
	}
	for _, name := range needed {
		if k, _ := field(entry, name); k == nil {
			r.fail(at(entry), fmt.Sprintf("the entry of type %s has no %s; cloud-init would skip it", kind.Value, name), "add it")
		}
	}
}

// suggestion names what is most like word, or all there is.
func suggestion(word string, known []string) string {
	if like, ok := nearest.Name(word, known); ok {
		return fmt.Sprintf("did you mean %s?", like)
	}
	return "use one of " + strings.Join(known, ", ")
}

// v2Sections are the keys below which version 2 has interfaces by name; those
// after wifis are netplan's alone.
var v2Sections = []string{"bonds", "bridges", "ethernets", "vlans", "wifis",
	"dummy-devices", "modems", "nm-devices", "tunnels", "virtual-ethernets", "vrfs"}

// v2Others are the other keys of version 2.
var v2Others = []string{"openvswitch", "renderer", "version", "<<"}

func (r reporter) networkV2(root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := resolve(root.Content[i]), resolve(root.Content[i+1])
		switch {
		case slices.Contains(v2Sections, key.Value):
			r.v2Section(key, value)
		case key.Value == "config":
			r.fail(at(key), "config belongs to version 1; version 2 has ethernets, bonds, …", "write `version: 1`, or the interfaces below ethernets")
		case !slices.Contains(v2Others, key.Value):
			r.v2Unknown(key)
		}
	}
}

// v2Unknown: netplan may know a key that we do not; a misspelt one it does not.
func (r reporter) v2Unknown(key *yaml.Node) {
	text := fmt.Sprintf("the key %q is not one of version 2", key.Value)
	if like, ok := nearest.Name(key.Value, slices.Concat(v2Sections, v2Others)); ok {
		r.fail(at(key), text, fmt.Sprintf("did you mean %s?", like))
		return
	}
	r.warn(at(key), text+" that is known here", "check it with `netplan generate`")
}

func (r reporter) v2Section(key, section *yaml.Node) {
	if section.Kind != yaml.MappingNode {
		r.fail(at(key), fmt.Sprintf("%s is a %s, not a mapping of interface names", key.Value, kindName(section)), "write `eth0:` below it, further indented")
		return
	}
	for i := 0; i+1 < len(section.Content); i += 2 {
		name, device := resolve(section.Content[i]), resolve(section.Content[i+1])
		if name.ShortTag() == "!!merge" || name.Value == "renderer" {
			continue
		}
		if device.Kind != yaml.MappingNode {
			r.fail(at(name), fmt.Sprintf("the interface %s has a %s where its settings should be", name.Value, kindName(device)), "indent its settings below it, or write {}")
			continue
		}
		r.v2Addresses(device)
	}
}

func (r reporter) v2Addresses(device *yaml.Node) {
	key, list := field(device, "addresses")
	if key == nil {
		return
	}
	if list.Kind != yaml.SequenceNode {
		r.fail(at(key), fmt.Sprintf("addresses is a %s, not a list", kindName(list)), "write [192.0.2.10/24]")
		return
	}
	for _, item := range list.Content {
		item = resolve(item)
		if item.Kind != yaml.ScalarNode {
			continue // an address with options
		}
		if _, err := netip.ParsePrefix(item.Value); err == nil {
			continue
		}
		if _, err := netip.ParseAddr(item.Value); err == nil {
			r.warn(at(item), "an address without its prefix length, which netplan refuses", "write it as 192.0.2.10/24")
			continue
		}
		r.fail(at(item), "not an IP address with its prefix length", "write it as 192.0.2.10/24")
	}
}
