# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# arm64 firmware boots from an EFI system partition, which this layout lacks.
case $ARCH in
    arm64 | aarch64)
        echo "block-device-mbr has no EFI system partition: use block-device-efi for $ARCH" >&2
        exit 1
        ;;
esac
export DIB_BLOCK_DEVICE=mbr
