#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
set -eu
printf '%s\n' "$#" "$PACKER_BUILD_NAME" "$PACKER_BUILDER_TYPE" "${0%_*}" "$PWD" "$(umask)" "${PACKER_PLUGIN_PATH-none}" > /etc/shell/script
