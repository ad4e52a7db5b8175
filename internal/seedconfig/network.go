// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc struct-markdown

package seedconfig

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/template/config"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/yamltext"
)

// Network is the network in the form of version 2.
type Network struct {
	// An interface with hardware behind it. Repeatable; see [`ethernet`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#ethernet).
	Ethernets []Ethernet `mapstructure:"ethernet"`
	// Interfaces used as one. Repeatable; see [`bond`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#bond).
	Bonds []Bond `mapstructure:"bond"`
	// A bridge. Repeatable; see [`bridge`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#bridge).
	Bridges []Bridge `mapstructure:"bridge"`
	// A virtual network on an interface. Repeatable; see [`vlan`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#vlan).
	VLANs []VLAN `mapstructure:"vlan"`
}

// Addressing is what every kind of interface can have.
type Addressing struct {
	// Whether it gets an IPv4 address by DHCP.
	DHCP4 config.Trilean `mapstructure:"dhcp4"`
	// Whether it gets an IPv6 address by DHCP.
	DHCP6 config.Trilean `mapstructure:"dhcp6"`
	// Static addresses with their prefix length, such as `192.0.2.10/24`.
	Addresses []string `mapstructure:"addresses"`
	// The IPv4 address of the router. It becomes a route, as `gateway4` itself is
	// deprecated in netplan.
	Gateway4 string `mapstructure:"gateway4"`
	// The IPv6 address of the router.
	Gateway6 string `mapstructure:"gateway6"`
	// Addresses of name servers.
	Nameservers []string `mapstructure:"nameservers"`
	// Domains in which names without a dot are looked up.
	Search []string `mapstructure:"search"`
	// The size of the largest packet, in bytes.
	MTU int `mapstructure:"mtu"`
	// The hardware address that the interface is to have.
	MACAddress string `mapstructure:"macaddress"`
	// Whether the boot goes on without it.
	Optional config.Trilean `mapstructure:"optional"`
	// A route. Repeatable; see [`route`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#route).
	Routes []Route `mapstructure:"route"`
}

// Route is a way to other networks.
type Route struct {
	// The network, such as `10.0.0.0/8`, or `default`.
	To string `mapstructure:"to" required:"true"`
	// The router's address.
	Via string `mapstructure:"via" required:"true"`
	// The lower, the more it is preferred.
	Metric int `mapstructure:"metric"`
}

// Match tells which hardware an interface is.
type Match struct {
	// The kernel's name for it, which may have wildcards: `en*`. Needs netplan on the
	// machine; where cloud-init configures the network by other means it goes by
	// `macaddress` only.
	Name string `mapstructure:"name"`
	// Its hardware address.
	MACAddress string `mapstructure:"macaddress"`
	// The kernel's driver, such as `virtio_net`.
	Driver string `mapstructure:"driver"`
}

// Ethernet is an interface with hardware behind it.
type Ethernet struct {
	// The interface's name; beside `match`, any name by which the other blocks can
	// speak of it.
	Name string `mapstructure:"name" required:"true"`
	// Which hardware it is.
	Match *Match `mapstructure:"match"`
	// The name that it gets. Needs `match`.
	SetName string `mapstructure:"set_name"`

	Addressing `mapstructure:",squash"`
}

// Bond is several interfaces used as one.
type Bond struct {
	// The interface's name, such as `bond0`.
	Name string `mapstructure:"name" required:"true"`
	// The names of its members, each an `ethernet`.
	Interfaces []string `mapstructure:"interfaces" required:"true"`
	// The mode, such as `active-backup` or `802.3ad`.
	Mode string `mapstructure:"mode"`
	// How often members are looked at, in milliseconds.
	MIIMonitorInterval int `mapstructure:"mii_monitor_interval"`
	// `slow` or `fast`, with the mode 802.3ad.
	LACPRate string `mapstructure:"lacp_rate"`
	// By what traffic is spread, such as `layer3+4`.
	TransmitHashPolicy string `mapstructure:"transmit_hash_policy"`
	// The member that is preferred with the mode `active-backup`.
	Primary string `mapstructure:"primary"`

	Addressing `mapstructure:",squash"`
}

// Bridge joins interfaces to one network.
type Bridge struct {
	// The interface's name, such as `br0`.
	Name string `mapstructure:"name" required:"true"`
	// The names of its members.
	Interfaces []string `mapstructure:"interfaces"`
	// Whether loops are found and cut (spanning tree).
	STP config.Trilean `mapstructure:"stp"`

	Addressing `mapstructure:",squash"`
}

// VLAN is a virtual network on an interface.
type VLAN struct {
	// The interface's name, such as `vlan10`.
	Name string `mapstructure:"name" required:"true"`
	// The number of the virtual network, 1 to 4094.
	ID string `mapstructure:"id" required:"true"`
	// The name of the interface that it is on.
	Link string `mapstructure:"link" required:"true"`

	Addressing `mapstructure:",squash"`
}

var (
	interfaceName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,14}$`)
	hashPolicies  = []string{"layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4"}
	bondModes     = []string{"balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"}
)

func (n *Network) check(wrong *problems) {
	if n == nil {
		return
	}
	if n.empty() {
		wrong.add("network", "the block describes no interface", "add `ethernet { name = \"eth0\" }`, or leave it out for what the image does by itself")
	}
	names := map[string]bool{}
	check := func(kind string, i int, name string, a *Addressing) string {
		at := fmt.Sprintf("network.%s[%d]", kind, i)
		checkInterface(wrong, at, name, names)
		a.check(wrong, at)
		return at
	}
	for i := range n.Ethernets {
		e := &n.Ethernets[i]
		e.check(wrong, check("ethernet", i, e.Name, &e.Addressing))
	}
	for i := range n.Bonds {
		b := &n.Bonds[i]
		b.check(wrong, check("bond", i, b.Name, &b.Addressing))
	}
	for i := range n.Bridges {
		check("bridge", i, n.Bridges[i].Name, &n.Bridges[i].Addressing)
	}
	for i := range n.VLANs {
		v := &n.VLANs[i]
		at := check("vlan", i, v.Name, &v.Addressing)
		if id, err := strconv.Atoi(v.ID); !notKnown(v.ID) && (err != nil || id < 1 || id > 4094) {
			wrong.add(at+".id", "not the number of a virtual network", "give 1 to 4094")
		}
		if v.Link == "" {
			wrong.add(at+".link", "the interface below is missing", "set it")
		}
	}
	n.checkMembers(wrong, names)
}

func checkInterface(wrong *problems, at, name string, names map[string]bool) {
	switch {
	case notKnown(name):
		names[Unknown] = true
	case name == "":
		wrong.add(at+".name", "a name is missing", "set it")
	case !interfaceName.MatchString(name):
		wrong.add(at+".name", "not the name of an interface", "use letters, digits, dots and dashes, 15 characters at most")
	case names[name]:
		wrong.add(at+".name", fmt.Sprintf("another interface is called %q", name), "give each its own name")
	}
	names[name] = true
}

// checkMembers finds interfaces that others are made of and nobody describes.
func (n *Network) checkMembers(wrong *problems, names map[string]bool) {
	member := func(at, name string) {
		if known(name) != "" && !names[name] && !names[Unknown] {
			wrong.add(at, fmt.Sprintf("nothing describes the interface %q", name), fmt.Sprintf("add `ethernet { name = %q }`", name))
		}
	}
	for i, b := range n.Bonds {
		for j, name := range b.Interfaces {
			member(fmt.Sprintf("network.bond[%d].interfaces[%d]", i, j), name)
		}
	}
	for i, b := range n.Bridges {
		for j, name := range b.Interfaces {
			member(fmt.Sprintf("network.bridge[%d].interfaces[%d]", i, j), name)
		}
	}
	for i, v := range n.VLANs {
		member(fmt.Sprintf("network.vlan[%d].link", i), v.Link)
	}
}

func (e *Ethernet) check(wrong *problems, at string) {
	wrong.match(at+".set_name", e.SetName, interfaceName, "not the name of an interface", "use letters, digits, dots and dashes, 15 characters at most")
	if e.Match == nil {
		if e.SetName != "" {
			wrong.add(at+".set_name", "only hardware that is matched can be given a name", "add `match { macaddress = … }`")
		}
		return
	}
	if *e.Match == (Match{}) {
		wrong.add(at+".match", "it says nothing", "set name, macaddress or driver")
	}
	checkMAC(wrong, at+".match.macaddress", e.Match.MACAddress)
}

func (b *Bond) check(wrong *problems, at string) {
	if b.Interfaces != nil && len(b.Interfaces) == 0 {
		return // not known yet
	}
	if len(b.Interfaces) == 0 {
		wrong.add(at+".interfaces", "a bond without members", "name them")
	}
	wrong.oneOf(at+".mode", b.Mode, bondModes...)
	wrong.oneOf(at+".lacp_rate", b.LACPRate, "slow", "fast")
	wrong.oneOf(at+".transmit_hash_policy", b.TransmitHashPolicy, hashPolicies...)
	if known(b.Primary) != "" && !slices.Contains(b.Interfaces, b.Primary) {
		wrong.add(at+".primary", "not a member of the bond", "name one of interfaces")
	}
}

func (a *Addressing) check(wrong *problems, at string) {
	for i, text := range a.Addresses {
		if _, err := netip.ParsePrefix(text); !notKnown(text) && err != nil {
			wrong.add(fmt.Sprintf("%s.addresses[%d]", at, i), "not an IP address with its prefix length", "write it as 192.0.2.10/24")
		}
	}
	checkAddress(wrong, at+".gateway4", a.Gateway4, netip.Addr.Is4, "IPv4")
	checkAddress(wrong, at+".gateway6", a.Gateway6, netip.Addr.Is6, "IPv6")
	for i, text := range a.Nameservers {
		checkAddress(wrong, fmt.Sprintf("%s.nameservers[%d]", at, i), text, netip.Addr.IsValid, "IP")
	}
	wrong.matchAll(at+".search", a.Search, hostName, "not a domain", "use letters, digits, dashes and dots")
	if a.MTU != 0 && (a.MTU < 68 || a.MTU > 65536) {
		wrong.add(at+".mtu", "not a size that packets can have", "give 68 to 65536, usually 1500")
	}
	checkMAC(wrong, at+".macaddress", a.MACAddress)
	for i, r := range a.Routes {
		r.check(wrong, fmt.Sprintf("%s.route[%d]", at, i))
	}
}

func (r Route) check(wrong *problems, at string) {
	if r.To == "" {
		wrong.add(at+".to", "the network is missing", "set it, such as 10.0.0.0/8 or default")
	}
	if _, err := netip.ParsePrefix(r.To); known(r.To) != "" && r.To != "default" && err != nil {
		wrong.add(at+".to", "not a network", "write it as 10.0.0.0/8, or default")
	}
	if r.Via == "" {
		wrong.add(at+".via", "the router is missing", "set it")
	}
	checkAddress(wrong, at+".via", r.Via, netip.Addr.IsValid, "IP")
}

func checkAddress(wrong *problems, attribute, text string, is func(netip.Addr) bool, kind string) {
	if address, err := netip.ParseAddr(text); known(text) != "" && (err != nil || !is(address)) {
		wrong.add(attribute, "not an "+kind+" address", "write it without prefix length")
	}
}

func checkMAC(wrong *problems, attribute, text string) {
	if mac, err := net.ParseMAC(text); known(text) != "" && (err != nil || len(mac) != 6 || !strings.Contains(text, ":")) {
		wrong.add(attribute, "not a hardware address", "write it as 52:54:00:12:34:56")
	}
}

// empty says whether the block describes nothing.
func (n *Network) empty() bool {
	return n == nil || len(n.Ethernets)+len(n.Bonds)+len(n.Bridges)+len(n.VLANs) == 0
}

// text is the network-config.
func (n *Network) text() string {
	m := yamltext.Map{{Key: "version", Value: 2}}
	var ethernets, bonds, bridges, vlans yamltext.Map
	for _, e := range n.Ethernets {
		ethernets.Add(e.Name, e.write())
	}
	for _, b := range n.Bonds {
		bonds.Add(b.Name, b.write())
	}
	for _, b := range n.Bridges {
		out := yamltext.Map{{Key: "interfaces", Value: yamltext.Strings(b.Interfaces)}}
		if b.STP != config.TriUnset {
			out.Add("parameters", yamltext.Map{{Key: "stp", Value: b.STP.True()}})
		}
		bridges.Add(b.Name, b.Addressing.write(out))
	}
	for _, v := range n.VLANs {
		out := yamltext.Map{{Key: "id", Value: v.ID}, {Key: "link", Value: v.Link}}
		if id, err := strconv.Atoi(v.ID); err == nil {
			out[0].Value = id
		}
		vlans.Add(v.Name, v.Addressing.write(out))
	}
	for _, section := range []yamltext.Entry{{Key: "ethernets", Value: ethernets}, {Key: "bonds", Value: bonds}, {Key: "bridges", Value: bridges}, {Key: "vlans", Value: vlans}} {
		if content, ok := section.Value.(yamltext.Map); ok && len(content) > 0 {
			m.Add(section.Key, content)
		}
	}
	return m.Text()
}

func (e *Ethernet) write() yamltext.Map {
	var out yamltext.Map
	if e.Match != nil {
		var match yamltext.Map
		addText(&match, "name", e.Match.Name)
		addText(&match, "macaddress", strings.ToLower(e.Match.MACAddress))
		addText(&match, "driver", e.Match.Driver)
		out.Add("match", match)
	}
	addText(&out, "set-name", e.SetName)
	return e.Addressing.write(out)
}

func (b *Bond) write() yamltext.Map {
	out := yamltext.Map{{Key: "interfaces", Value: yamltext.Strings(b.Interfaces)}}
	var parameters yamltext.Map
	addText(&parameters, "mode", b.Mode)
	if b.MIIMonitorInterval > 0 {
		parameters.Add("mii-monitor-interval", strconv.Itoa(b.MIIMonitorInterval)) // a text to cloud-init 25.1
	}
	addText(&parameters, "lacp-rate", b.LACPRate)
	addText(&parameters, "transmit-hash-policy", b.TransmitHashPolicy)
	addText(&parameters, "primary", b.Primary)
	if len(parameters) > 0 {
		out.Add("parameters", parameters)
	}
	return b.Addressing.write(out)
}

// write adds addresses to an interface. The default route is written as the
// network that it is: cloud-init 22.4 does not know the word.
func (a *Addressing) write(out yamltext.Map) yamltext.Map {
	addBool(&out, "dhcp4", a.DHCP4)
	addBool(&out, "dhcp6", a.DHCP6)
	addStrings(&out, "addresses", a.Addresses)
	var routes yamltext.List
	for _, r := range append([]Route{{To: "default", Via: a.Gateway4}, {To: "default", Via: a.Gateway6}}, a.Routes...) {
		if r.Via == "" {
			continue
		}
		if via, err := netip.ParseAddr(r.Via); r.To == "default" && err == nil {
			r.To = "0.0.0.0/0"
			if via.Is6() {
				r.To = "::/0"
			}
		}
		route := yamltext.Map{{Key: "to", Value: r.To}, {Key: "via", Value: r.Via}}
		if r.Metric > 0 {
			route.Add("metric", r.Metric)
		}
		routes = append(routes, route)
	}
	addList(&out, "routes", routes)
	var names yamltext.Map
	addStrings(&names, "addresses", a.Nameservers)
	addStrings(&names, "search", a.Search)
	if len(names) > 0 {
		out.Add("nameservers", names)
	}
	if a.MTU > 0 {
		out.Add("mtu", a.MTU)
	}
	addText(&out, "macaddress", strings.ToLower(a.MACAddress))
	addBool(&out, "optional", a.Optional)
	return out
}
