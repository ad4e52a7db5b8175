#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Make the ssh host keys that are missing.
set -eu -o pipefail

mkdir -p /etc/ssh
exec ssh-keygen -A
