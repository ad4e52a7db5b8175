#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
echo first >> /etc/shell/scripts
