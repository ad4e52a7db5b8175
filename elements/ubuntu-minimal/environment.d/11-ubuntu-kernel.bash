# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
export DIB_UBUNTU_KERNEL=${DIB_UBUNTU_KERNEL:-linux-image-generic}
