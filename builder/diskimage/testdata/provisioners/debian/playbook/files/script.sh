#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
printf "%s\n" "$1" > /etc/ansible-script
