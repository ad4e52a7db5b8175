# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# Which parts of the release beside itself, and from where.
export DIB_UBUNTU_MIRROR_DISTS=${DIB_UBUNTU_MIRROR_DISTS-updates,security,backports}

# The mirror: the user's, else the one this host uses if it runs Ubuntu on the same kind of
# processor (other kinds are in another archive), else none: the bootstrap tool's default decides.
if [ -z "$DIB_DISTRIBUTION_MIRROR" ]; then
    if [ -x "${_LIB:-}/host-apt-mirror" ] && [ "$(dpkg --print-architecture 2>/dev/null)" = "${ARCH:-}" ]; then
        DIB_DISTRIBUTION_MIRROR=$("$_LIB/host-apt-mirror" ubuntu "$DIB_RELEASE")
    elif [ -d /tmp/in_target.d ] && [ -f /etc/apt/sources.list ]; then
        # In the chroot: what root.d settled on.
        DIB_DISTRIBUTION_MIRROR=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list | head -n 1)
    fi
fi
export DIB_DISTRIBUTION_MIRROR

# Every "name:line" becomes a line of sources.list. The bootstrap reads them all.
if [ -z "${DIB_APT_SOURCES_CONF:-}" ] && [ -n "$DIB_DISTRIBUTION_MIRROR" ]; then
    DIB_APT_SOURCES_CONF="default:deb $DIB_DISTRIBUTION_MIRROR $DIB_RELEASE ${DIB_DEBIAN_COMPONENTS//,/ }"
    for _dib_part in ${DIB_UBUNTU_MIRROR_DISTS//,/ }; do
        DIB_APT_SOURCES_CONF+="
$_dib_part:deb $DIB_DISTRIBUTION_MIRROR $DIB_RELEASE-$_dib_part ${DIB_DEBIAN_COMPONENTS//,/ }"
    done
    unset _dib_part
fi
export DIB_APT_SOURCES_CONF=${DIB_APT_SOURCES_CONF:-}
