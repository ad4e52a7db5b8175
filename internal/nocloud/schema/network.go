// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"gopkg.in/yaml.v3"
)

// NetworkConfig judges a network-config, of which root is the mapping, with or
// without the key network around it.
func NetworkConfig(root *yaml.Node, o Options) []Finding {
	j := newJudge(o)
	if key, inner := find(root, "network"); key != nil {
		if inner.Kind != yaml.MappingNode {
			j.fail(key, "indent its content below it", "network is %s, not a mapping", called(formOf(inner)))
			return j.sorted()
		}
		j.beside(root)
		root = inner
		if key, _ := find(root, "network"); key != nil {
			j.fail(key, "leave one of them out", "network stands below network")
			return j.sorted()
		}
	}
	if len(root.Content) == 0 {
		j.warn(root, "", "network-config says nothing; cloud-init will use its default (DHCP on the first interface)")
		return j.sorted()
	}
	if config := get(root, "config"); config == nil || config.Value != "disabled" {
		j.networkVersion(root)
	}
	return j.sorted()
}

// beside: what stands next to the key network is not read.
func (j *judge) beside(root *yaml.Node) {
	for _, p := range pairs(root) {
		if p.key.Value != "network" && !strings.HasPrefix(p.key.Value, "x-") {
			j.warn(p.key, "indent it below network, or remove it", "%s stands beside network and is not read", shown(p.key))
		}
	}
}

// find is a key of a mapping with its value.
func find(n *yaml.Node, name string) (key, value *yaml.Node) {
	for _, p := range pairs(n) {
		if p.key.Value == name {
			return p.key, p.value
		}
	}
	return nil, nil
}

func (j *judge) networkVersion(root *yaml.Node) {
	key, version := find(root, "version")
	switch {
	case key == nil:
		j.fail(root, "add `version: 2` (netplan's form) or `version: 1`", "network-config has no version")
	case formOf(version) == integer && version.Value == "1":
		j.version1(root)
	case formOf(version) == integer && version.Value == "2":
		j.version2(root)
	case formOf(version) == integer:
		j.fail(version, "write 2 (netplan's form) or 1", "there is no such version of network-config")
	default:
		j.fail(version, "write it without quotes", "the version of network-config must be the number 1 or 2")
	}
}

const (
	macAdvice     = "write six pairs of hexadecimal digits, in quotes: '52:54:00:12:34:56'"
	addressAdvice = "write it as 192.0.2.10/24"
)

// aMAC is a hardware address. Without quotes YAML takes one of decimal digits
// for a number in base 60.
var aMAC = aText.exactly().say(macAdvice).checked(func(j *judge, path string, n *yaml.Node) {
	if _, err := net.ParseMAC(n.Value); err != nil {
		j.fail(n, macAdvice, "%s is not a MAC address", path)
	}
})

var anAddress = aText.checked(func(j *judge, path string, n *yaml.Node) {
	if _, err := netip.ParseAddr(n.Value); err != nil && formOf(n) == text {
		j.fail(n, "write it as 192.0.2.1", "%s is not an IP address", path)
	}
})

var anMTU = aNumber.checked(func(j *judge, path string, n *yaml.Node) {
	if formOf(n) == integer && (len(n.Value) < 3 || len(n.Value) > 5) {
		j.warn(n, "write bytes, such as 1500", "%s is an unlikely size", path)
	}
})

// nicName: the kernel takes at most 15 characters, and no slash or blank.
func (j *judge) nicName(path string, n *yaml.Node) {
	switch {
	case formOf(n) != text:
	case len(n.Value) > 15:
		j.fail(n, "shorten it", "%s is longer than the 15 characters that the kernel takes for an interface", path)
	case n.Value == "" || strings.ContainsAny(n.Value, "/ \t"):
		j.fail(n, "write letters, digits, dots and dashes", "%s is not the name of an interface", path)
	}
}

// prefixed says whether a text is an address with its prefix length, and reports
// what is not even an address.
func (j *judge) prefixed(path string, n *yaml.Node) (netip.Prefix, bool) {
	if formOf(n) != text {
		return netip.Prefix{}, false
	}
	if p, err := netip.ParsePrefix(n.Value); err == nil {
		return p, true
	}
	if _, err := netip.ParseAddr(n.Value); err != nil {
		j.fail(n, addressAdvice, "%s is not an IP address with its prefix length", path)
	}
	return netip.Prefix{}, false
}

// reachable warns of a gateway that is in none of the networks.
func (j *judge) reachable(path string, gateway *yaml.Node, networks []netip.Prefix) {
	if gateway == nil || len(networks) == 0 {
		return
	}
	address, err := netip.ParseAddr(gateway.Value)
	if err != nil || address.IsLinkLocalUnicast() {
		return
	}
	same := false
	for _, network := range networks {
		if network.Contains(address) {
			return
		}
		same = same || network.Addr().Is4() == address.Is4()
	}
	if same {
		j.warn(gateway, "check address, prefix length and gateway; with on-link: true in a route of version 2 it is meant so", "%s is outside the networks of the interface's addresses", path)
	}
}

// netmask is the prefix length that a netmask stands for.
func netmask(n *yaml.Node) (bits int, ok bool) {
	if n == nil {
		return 0, false
	}
	if formOf(n) == integer {
		_, err := fmt.Sscanf(n.Value, "%d", &bits)
		return bits, err == nil && bits >= 0 && bits <= 128
	}
	mask := net.ParseIP(n.Value)
	if four := mask.To4(); four != nil {
		ones, size := net.IPMask(four).Size()
		return ones, size != 0
	}
	if mask != nil {
		ones, size := net.IPMask(mask).Size()
		return ones, size != 0
	}
	_, err := fmt.Sscanf(n.Value, "%d", &bits)
	return bits, err == nil && bits >= 0 && bits <= 128
}
