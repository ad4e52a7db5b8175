# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
case ${DIB_RELEASE:-} in
    trusty) export DIB_INIT_SYSTEM=upstart ;;
    *) export DIB_INIT_SYSTEM=systemd ;;
esac
