// SPDX-License-Identifier: MPL-2.0

package element

import "strings"

// upstreamFamily is a group of diskimage-builder's own elements.
type upstreamFamily struct {
	// description completes "… is …".
	description string
	names       string
}

// upstreamElements are all elements of diskimage-builder 3.42 (element contract
// §7.1), so that the name of one that is not built in is not taken for a slip.
func upstreamElements() []upstreamFamily {
	return []upstreamFamily{
		{"an element of diskimage-builder", `
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
		{"an element of diskimage-builder (Debian family)", `
			apt-conf apt-preferences apt-sources autoupdates debian debian-minimal
			debootstrap dpkg fips ubuntu ubuntu-common ubuntu-minimal ubuntu-signed`},
		{"an element of diskimage-builder (RPM family)", `
			almalinux-container centos centos-minimal disable-selinux elrepo epel
			fedora fedora-container fedora-minimal openeuler-minimal redhat-common
			replace-partition-redhat rhel rhel-common rocky-container rpm-distro
			selinux-fixfiles-restore selinux-permissive yum yum-minimal`},
		{"an element of diskimage-builder (SUSE family)", `
			opensuse opensuse-minimal zypper zypper-minimal`},
		{"an element of diskimage-builder (Gentoo)", `gentoo`},
		{"an element of diskimage-builder (for Ironic's ramdisks)", `
			dracut-ramdisk ramdisk ramdisk-base`},
		{"an element of diskimage-builder (for U-Boot or z Systems)", `uboot zipl`},
		{"an obsolete element of diskimage-builder", `
			debian-systemd debian-upstart deploy-baremetal deploy-kexec
			deploy-targetcli deploy-tgtadm dib-python dib-run-parts dracut-network
			hpdsa hwburnin hwdiscovery ilo lvm modprobe-blacklist oat-client
			rax-nova-agent ubuntu-systemd-container`},
	}
}

// describeUpstream describes the element of diskimage-builder with that name,
// and is empty if there is none.
func describeUpstream(name string) string {
	for _, family := range upstreamElements() {
		for _, candidate := range strings.Fields(family.names) {
			if candidate == name {
				return family.description
			}
		}
	}
	return ""
}
