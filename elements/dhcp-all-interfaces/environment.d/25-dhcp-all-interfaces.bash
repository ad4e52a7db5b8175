# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# Element debootstrap says who runs the network; other operating systems' elements do not.
export DIB_DEBOOTSTRAP_NETWORK=${DIB_DEBOOTSTRAP_NETWORK:-ifupdown}
