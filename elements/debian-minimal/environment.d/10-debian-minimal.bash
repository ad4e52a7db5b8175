# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# What to install and from where. Sourced before every phase, on the host and in the chroot.
export DISTRO_NAME=debian
export DIB_RELEASE=${DIB_RELEASE:-bookworm}
export DIB_INIT_SYSTEM=systemd
export EFI_BOOT_DIR=EFI/debian

case ${ARCH:-amd64} in
    i386) export DIB_DEBIAN_KERNEL=${DIB_DEBIAN_KERNEL:-linux-image-686} ;;
    armhf) export DIB_DEBIAN_KERNEL=${DIB_DEBIAN_KERNEL:-linux-image-armmp} ;;
    ppc64el) export DIB_DEBIAN_KERNEL=${DIB_DEBIAN_KERNEL:-linux-image-powerpc64le} ;;
    *) export DIB_DEBIAN_KERNEL=${DIB_DEBIAN_KERNEL:-linux-image-${ARCH:-amd64}} ;;
esac

export DIB_DEBIAN_COMPONENTS=${DIB_DEBIAN_COMPONENTS:-main}
export DIB_DEBIAN_COMPONENTS_WS=${DIB_DEBIAN_COMPONENTS//,/ }

# The mirror: the user's, else the one this host uses, else none: then the bootstrap tool's
# own default decides. No mirror is named here.
if [ -n "${DIB_DEBIAN_DISTRIBUTION_MIRROR:-}" ]; then
    DIB_DISTRIBUTION_MIRROR=$DIB_DEBIAN_DISTRIBUTION_MIRROR
fi
if [ -x "${_LIB:-}/host-apt-mirror" ]; then
    if [ -z "${DIB_DISTRIBUTION_MIRROR:-}" ]; then
        DIB_DISTRIBUTION_MIRROR=$("$_LIB/host-apt-mirror" debian "$DIB_RELEASE")
    fi
    if [ -z "${DIB_DEBIAN_SECURITY_MIRROR:-}" ]; then
        DIB_DEBIAN_SECURITY_MIRROR=$("$_LIB/host-apt-mirror" --security debian "$DIB_RELEASE")
    fi
elif [ -z "${DIB_DISTRIBUTION_MIRROR:-}" ] && [ -d /tmp/in_target.d ] &&
    [ -f /etc/apt/sources.list.d/default.list ]; then
    # In the chroot: what root.d settled on.
    DIB_DISTRIBUTION_MIRROR=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list.d/default.list | head -n 1)
fi
export DIB_DISTRIBUTION_MIRROR=${DIB_DISTRIBUTION_MIRROR:-}
export DIB_DEBIAN_SECURITY_MIRROR=${DIB_DEBIAN_SECURITY_MIRROR:-}

# Security suites are named <release>-security since bullseye, <release>/updates before.
case $DIB_RELEASE in
    jessie | stretch | buster) _dib_security_suite=$DIB_RELEASE${DIB_DEBIAN_SECURITY_SUBPATH:-/updates} ;;
    *) _dib_security_suite=$DIB_RELEASE${DIB_DEBIAN_SECURITY_SUBPATH:--security} ;;
esac
export DIB_DEBIAN_SECURITY_PATH=${DIB_DEBIAN_SECURITY_PATH:-$_dib_security_suite}
unset _dib_security_suite

# One "name:line" per file in sources.list.d.
if [ -z "${DIB_APT_SOURCES_CONF:-}" ] && [ -n "$DIB_DISTRIBUTION_MIRROR" ]; then
    DIB_APT_SOURCES_CONF="default:deb $DIB_DISTRIBUTION_MIRROR $DIB_RELEASE $DIB_DEBIAN_COMPONENTS_WS"
    case $DIB_RELEASE in
        testing | unstable | sid) ;;
        *)
            DIB_APT_SOURCES_CONF+="
backports:deb $DIB_DISTRIBUTION_MIRROR $DIB_RELEASE-backports $DIB_DEBIAN_COMPONENTS_WS
updates:deb $DIB_DISTRIBUTION_MIRROR $DIB_RELEASE-updates $DIB_DEBIAN_COMPONENTS_WS"
            if [ -n "$DIB_DEBIAN_SECURITY_MIRROR" ]; then
                DIB_APT_SOURCES_CONF+="
security:deb $DIB_DEBIAN_SECURITY_MIRROR $DIB_DEBIAN_SECURITY_PATH $DIB_DEBIAN_COMPONENTS_WS"
            fi
            ;;
    esac
fi
export DIB_APT_SOURCES_CONF=${DIB_APT_SOURCES_CONF:-}
