# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# POWER firmware boots from a PReP partition, which this layout lacks.
case $ARCH in
    ppc64 | ppc64le | ppc64el)
        echo "block-device-efi has no PReP partition: use block-device-gpt or block-device-mbr for $ARCH" >&2
        exit 1
        ;;
esac
export DIB_BLOCK_DEVICE=efi
