#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
echo second >> /etc/shell/scripts
