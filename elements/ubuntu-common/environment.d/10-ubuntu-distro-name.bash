# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# What all Ubuntu images have in common. Sourced before every phase, on the host and in the chroot.
export DISTRO_NAME=${DISTRO_NAME:-ubuntu}
export DIB_RELEASE=${DIB_RELEASE:-noble}
export DIB_DEBIAN_COMPONENTS=${DIB_DEBIAN_COMPONENTS:-main,universe}
export EFI_BOOT_DIR=EFI/ubuntu
# No mirror is named here: empty means the image's own, or the bootstrap tool's default.
export DIB_DISTRIBUTION_MIRROR=${DIB_DISTRIBUTION_MIRROR:-}
