// SPDX-License-Identifier: MPL-2.0

package generalise

func gone(dir string, names ...string) Action  { return Action{Verb: Remove, Dir: dir, Names: names} }
func blank(dir string, names ...string) Action { return Action{Verb: Truncate, Dir: dir, Names: names} }
func below(dir string, names ...string) Action {
	return Action{Verb: RemoveBelow, Dir: dir, Names: names}
}
func generated(dir string, names ...string) Action {
	return Action{Verb: RemoveGenerated, Dir: dir, Names: names}
}
func lines(dir, file string, names ...string) Action {
	return Action{Verb: DropLines, Dir: dir, Names: append([]string{file}, names...)}
}
func home(paths ...string) Action { return Action{Verb: RemoveAtHome, Names: paths} }
func special(function, dir, text string) Action {
	return Action{Verb: Special, Dir: dir, Names: []string{function}, Text: text}
}

// emptied removes all entries of a directory.
func emptied(dir string) Action { return gone(dir, "*", ".[!.]*", "..?*") }

func anywhere() []Family { return Families() }

// identity: what tells one machine from another.
func identity() []Operation {
	return []Operation{
		{
			Name: "machine-id", What: "systemd's and D-Bus's identity of the machine, from which DHCP identifiers and others derive",
			Default: true, Why: "clones with one machine-id get one DHCP address", Families: anywhere(),
			Actions: []Action{
				special("machine_id", "/etc/machine-id", "emptied; systemd of every version makes a new one at boot, also where /etc is read-only"),
				special("dbus_id", "/var/lib/dbus/machine-id", "becomes a link to /etc/machine-id, as D-Bus itself makes it"),
			},
			Live: "the running machine keeps its id until it boots",
		},
		{
			Name: "first-boot", What: "lets systemd (247 or later) see its first boot: /etc/machine-id says `uninitialized`",
			Default: false, Why: "systemd then also sets all units to their presets, which enables units that the image has disabled",
			Families: anywhere(), Actions: []Action{special("first_boot", "/etc/machine-id", "says uninitialized")},
		},
		{
			Name: "ssh-host-keys", What: "the host keys of OpenSSH and Dropbear", Default: true,
			Why:      "whoever has one clone could pose as the others; cloud-init makes new ones, without it see to that",
			Families: anywhere(),
			Actions: []Action{
				gone("/etc/ssh", "ssh_host_*_key", "ssh_host_*_key.pub", "ssh_host_*_key-cert.pub", "ssh_host_key", "ssh_host_key.pub"),
				gone("/etc/dropbear", "dropbear_*_host_key"),
			},
			Live: "sessions go on; new connections are refused until new keys are made",
		},
		{
			Name: "random-seed", What: "saved entropy", Default: true, Why: "the same seed in every clone is none",
			Families: anywhere(),
			Actions: []Action{
				gone("/var/lib/systemd", "random-seed"), gone("/var/lib/urandom", "random-seed"), gone("/var/lib/misc", "random-seed"),
				gone("/var/lib/seedrng", "seed.credit", "seed.no-credit"),
				gone("/boot/loader", "random-seed"), gone("/boot/efi/loader", "random-seed"), gone("/efi/loader", "random-seed"),
				home(".gnupg/random_seed"),
			},
			Live: "systemd saves a new one when the machine is shut down",
		},
		{
			Name: "credential-secret", What: "the key of the host with which systemd encrypts credentials", Default: true,
			Why: "clones could decrypt each other's; credentials that were encrypted with it are lost", Families: anywhere(),
			Actions: []Action{gone("/var/lib/systemd", "credential.secret", "tpm2-srk-public-key.*")},
		},
		{
			Name: "hostname", What: "the name of the machine", Default: false,
			Why: "images have a name on purpose, and cloud-init replaces it by the seed's", Families: anywhere(),
			Actions: []Action{gone("/etc", "hostname", "HOSTNAME")},
		},
	}
}

// hardware: what belongs to this machine's hardware and storage.
func hardware() []Operation {
	return []Operation{
		{
			Name: "iscsi-initiator", What: "the name of the iSCSI initiator", Default: true,
			Why: "two initiators with one name take each other's sessions", Families: anywhere(),
			Actions: []Action{special("iscsi", "/etc/iscsi/initiatorname.iscsi", "says GenerateName=yes where open-iscsi knows that (Debian), else goes")},
		},
		{
			Name: "nvme-host", What: "the names with which the machine goes to NVMe over fabrics", Default: true,
			Why: "storage tells hosts apart by them", Families: anywhere(),
			Actions: []Action{gone("/etc/nvme", "hostnqn", "hostid")},
		},
		{
			Name: "lvm-devices", What: "LVM's list of this machine's disks, and its backups of metadata", Default: true,
			Why: "with the list, a clone's volumes on disks with other names are not found", Families: anywhere(),
			Actions: []Action{gone("/etc/lvm/devices", "system.devices", "backup"), gone("/etc/lvm/archive", "*"), gone("/etc/lvm/backup", "*"), gone("/etc/lvm/cache", "*", ".cache")},
		},
		{
			Name: "multipath-bindings", What: "names that multipath gave to this machine's disks", Default: true,
			Why: "they stand for disks that a clone does not have", Families: anywhere(),
			Actions: []Action{gone("/etc/multipath", "wwids", "bindings", "prkeys")},
		},
		{
			Name: "blkid-cache", What: "the cache of block devices", Default: true, Why: "it is about this machine's disks",
			Families: anywhere(),
			Actions:  []Action{gone("/etc", "blkid.tab", "blkid.tab.old"), gone("/etc/blkid", "blkid.tab", "blkid.tab.old"), gone("/run/blkid", "blkid.tab", "blkid.tab.old")},
		},
		{
			Name: "hardware-ids", What: "identifiers for statistics (smolt, whoopsie, fwupd)", Default: true,
			Why: "clones would count as one machine", Families: anywhere(),
			Actions: []Action{
				gone("/etc/smolt", "uuid", "hw-uuid"), gone("/etc/sysconfig", "hw-uuid"),
				gone("/var/lib/whoopsie", "whoopsie-id"), gone("/var/lib/fwupd/pki", "secret.key", "client.pem"),
			},
		},
		{
			Name: "bluetooth", What: "paired Bluetooth devices and the keys for them", Default: true, Why: "the devices are this machine's",
			Families: anywhere(), Actions: []Action{emptied("/var/lib/bluetooth")},
		},
	}
}

// network: what was negotiated or generated for this machine's network.
func network() []Operation {
	return []Operation{
		{
			Name: "dhcp-leases", What: "leases and identifiers of dhclient, dhcpcd, NetworkManager, systemd-networkd and wicked", Default: true,
			Why: "a clone would ask for this machine's address", Families: anywhere(),
			Actions: []Action{
				gone("/var/lib/dhcp", "dhclient*.lease*"), gone("/var/lib/dhclient", "*.lease", "*.leases"),
				gone("/var/lib/dhcp3", "dhclient*"), gone("/var/lib/dhcp6", "*.lease*"),
				gone("/var/lib/dhcpcd", "*.lease", "*.lease6", "duid", "secret"), gone("/var/lib/dhcpcd5", "*.lease", "*.lease6"), gone("/etc", "dhcpcd.duid", "dhcpcd.secret"),
				gone("/var/lib/NetworkManager", "*.lease", "*.lease6"),
				gone("/var/lib/systemd/network", "*"),
				gone("/var/lib/wicked", "lease-*.xml", "duid.xml", "iaid.xml", "wickedd*.xml"),
			},
			Live: "clients keep their leases in memory, and may write them once more at shutdown",
		},
		{
			Name: "networkmanager-state", What: "what NetworkManager remembers: its secret, seen access points, times of connections", Default: true,
			Why: "stable privacy addresses derive from the secret", Families: anywhere(),
			Actions: []Action{gone("/var/lib/NetworkManager", "secret_key", "seen-bssids", "timestamps", "NetworkManager.state", "NetworkManager-intern.conf")},
			Live:    "NetworkManager may write them again until it ends",
		},
		{
			Name: "network-connections", What: "connections of NetworkManager", Default: false,
			Why: "an image may have them on purpose; those of cloud-init go with cloud-init-network", Families: anywhere(),
			Actions: []Action{gone("/etc/NetworkManager/system-connections", "*")},
		},
		{
			Name: "dhcp-server-state", What: "leases that a DHCP server has given", Default: true, Why: "they were given by this machine",
			Families: anywhere(),
			Actions:  []Action{gone("/var/lib/dhcpd", "*.leases", "*.leases~"), gone("/var/lib/dhcp", "dhcpd*.leases", "dhcpd*.leases~"), gone("/var/lib/kea", "*.csv", "*.csv.*"), gone("/var/lib/misc", "dnsmasq.leases")},
		},
		{
			Name: "udev-net-rules", What: "rules of udev that tie names of interfaces and drives to hardware addresses", Default: true,
			Why: "a clone's first interface would become eth1", Families: anywhere(),
			Actions: []Action{gone("/etc/udev/rules.d", "70-persistent-net.rules", "70-persistent-cd.rules", "70-net-setup-link.rules")},
		},
		{
			Name: "hardware-addresses", What: "hardware addresses and UUIDs in ifcfg files", Default: true,
			Why: "the file would be for an interface that a clone does not have", Families: []Family{RHEL, SUSE},
			Actions: []Action{
				lines("/etc/sysconfig/network-scripts", "ifcfg-*", "HWADDR=*", "UUID=*"),
				lines("/etc/sysconfig/network", "ifcfg-*", "HWADDR=*", "UUID=*", "LLADDR=*"),
			},
		},
		{
			Name: "resolv-conf", What: "name servers of the network that the image was built in", Default: true,
			Why: "they need not exist where it runs", Families: anywhere(),
			Actions: []Action{special("resolver", "/etc/resolv.conf", "emptied if it is a file; a link stays, as does the file while the builder lends its own name servers")},
			Live:    "left alone: the machine needs it, and its DHCP client writes it anew at boot",
		},
		{
			Name: "firewall-rules", What: "saved rules of iptables and nftables, zones of firewalld", Default: false,
			Why: "an image has them on purpose", Families: anywhere(),
			Actions: []Action{
				gone("/etc/iptables", "rules.v4", "rules.v6"), gone("/etc/sysconfig", "iptables", "ip6tables", "nftables.conf"),
				gone("/etc/firewalld/zones", "*.xml", "*.xml.old"), gone("/etc/firewalld/services", "*.xml", "*.xml.old"),
			},
		},
	}
}
