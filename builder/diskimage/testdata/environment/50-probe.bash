# shellcheck shell=bash
# SPDX-License-Identifier: MPL-2.0
# Sourced in every phase: what it exports is what it saw.
PROBE_COUNT=$((${PROBE_COUNT:-0} + 1))
PROBE_SOURCED="$0 $# $(pwd) ${BASH_SOURCE[0]}"
PROBE_OPTIONS=$-
PROBE_TYPE=${DIB_DEFAULT_INSTALLTYPE:-none}
export PROBE_COUNT PROBE_SOURCED PROBE_OPTIONS PROBE_TYPE
