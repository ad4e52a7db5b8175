# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
export DIB_CLOUD_INIT_DATASOURCES=NoCloud
