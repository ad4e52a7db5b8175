// SPDX-License-Identifier: MPL-2.0

package element

import "strings"

// upstreamFamily is a group of diskimage-builder's own elements.
type upstreamFamily struct {
	// description is what is said of the group, in brackets; may be empty.
	description string
	// obsolete elements will not be built in.
	obsolete bool
	names    string
}

// upstreamElements are all elements of diskimage-builder 3.42 (element contract
// §7.1), so that the name of one that is not built in is not taken for a slip.
func upstreamElements() []upstreamFamily {
	return []upstreamFamily{
		{"", false, `
			baremetal base block-device-efi block-device-efi-4k block-device-efi-lvm
			block-device-gpt block-device-mbr bootloader cache-url
			cleanup-kernel-initrd cloud-init cloud-init-datasources
			cloud-init-disable-resizefs cloud-init-growpart cloud-init-nocloud
			containerfile devuser dhcp-all-interfaces dib-init-system
			disable-nouveau dkms docker dracut-regenerate dynamic-login
			element-manifest enable-serial-console ensure-venv fail2ban growroot
			growvols grub2 ibft-interfaces install-bin install-static install-types
			iscsi-boot iso journal-to-console keylime-agent local-config manifests
			mellanox modprobe nm-dhcp-ib-interfaces no-final-image openssh-server
			openstack-ci-mirrors package-installs pip-and-virtualenv pip-cache
			pkg-map posix proliant-tools pypi python-brickclient
			python-stow-versions replace-partition runtime-ssh-host-keys
			select-boot-kernel-initrd simple-init source-repositories
			stable-interface-names svc-map sysctl sysprep tpm-emulator vm`},
		{" (Debian family)", false, `
			apt-conf apt-preferences apt-sources autoupdates debian debian-minimal
			debootstrap dpkg fips ubuntu ubuntu-common ubuntu-minimal ubuntu-signed`},
		{" (RPM family)", false, `
			almalinux-container centos centos-minimal disable-selinux elrepo epel
			fedora fedora-container fedora-minimal openeuler-minimal redhat-common
			replace-partition-redhat rhel rhel-common rocky-container rpm-distro
			selinux-fixfiles-restore selinux-permissive yum yum-minimal`},
		{" (SUSE family)", false, `
			opensuse opensuse-minimal zypper zypper-minimal`},
		{" (Gentoo)", false, `gentoo`},
		{" (for Ironic's ramdisks)", false, `
			dracut-ramdisk ramdisk ramdisk-base`},
		{" (for U-Boot or z Systems)", false, `uboot zipl`},
		{"", true, `
			debian-systemd debian-upstart deploy-baremetal deploy-kexec
			deploy-targetcli deploy-tgtadm dib-python dib-run-parts dracut-network
			hpdsa hwburnin hwdiscovery ilo lvm modprobe-blacklist oat-client
			rax-nova-agent ubuntu-systemd-container`},
	}
}

// formerElements are names of diskimage-builder's earlier years that it has no
// more, each with what to do instead.
func formerElements() map[string]string {
	former := map[string]string{
		"architecture-emulation-binaries": "set architecture and install qemu-user-static on the host",
		"centos7":                         "CentOS 7 is not supported any more; element centos builds later releases",
		"centos8":                         "element centos with DIB_RELEASE takes its place",
		"deploy":                          ironicNow,
		"deploy-ironic":                   ironicNow,
		"enable-services":                 "enable services in a hook of your own or in a provisioner",
		"ironic-agent":                    ironicNow,
		"ironic-discoverd-ramdisk":        ironicNow,
		"rhel7":                           "element rhel with DIB_RELEASE takes its place",
		"serial-console":                  "element enable-serial-console takes its place",
		"stackuser":                       "element devuser makes a user",
		"ubuntu-core":                     "element ubuntu-minimal takes its place",
	}
	for name := range strings.FieldsSeq(`
		cinder config-applier devstack glance glance-api heat-cfntools heat-jeos
		icinga-core icinga-web imgagent keystone mysql-migration nova nova-api
		nova-vm openstack-all openstack-db os-config-applier os-refresh-config
		os-svc-install quantum quantum-api salt-minion swift tripleo-staging`) {
		former[name] = "it went to a repository of its own or was given up"
	}
	return former
}

const ironicNow = "element ironic-python-agent-ramdisk of ironic-python-agent-builder takes its place"

// describeUpstream says what the element of that name is to diskimage-builder
// and what can be done, in a clause without a final full stop. It is empty for a
// name that diskimage-builder never had.
func describeUpstream(name string) string {
	for _, family := range upstreamElements() {
		for candidate := range strings.FieldsSeq(family.names) {
			switch {
			case candidate != name:
			case family.obsolete:
				return name + " is an obsolete element of diskimage-builder and will not be built in; " + withUpstreamTree
			default:
				return name + " is an element of diskimage-builder" + family.description + " that is not built in yet; " + withUpstreamTree
			}
		}
	}
	if instead, ok := formerElements()[name]; ok {
		return name + " was an element of diskimage-builder, which has it no more: " + instead +
			"; if you have a copy, put the directory that holds it on element_paths"
	}
	return ""
}

const withUpstreamTree = "to use diskimage-builder's own, put its directory diskimage_builder/elements on element_paths"
