# SPDX-License-Identifier: MPL-2.0
export DIB_APP_EDITOR=${DIB_APP_EDITOR:-none}
if [ "$DIB_RELEASE" = bookworm ]; then
    export DIB_APP_PORT=${DIB_APP_PORT:-8080}
fi
