# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# As diskimage-builder has it: unless told otherwise these images are for clouds with EC2's metadata.
export DIB_CLOUD_INIT_DATASOURCES=${DIB_CLOUD_INIT_DATASOURCES:-Ec2}
