# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: MPL-2.0
#
# The end: what was done.

close_op
cd /
if [ -z "$again" ]; then
	echo generalise.done=yes
elif [ -n "$summary" ] && [ -z "$dry" ]; then
	printf 'generalised: %s\n' "$summary"
elif [ -n "$summary" ]; then
	printf 'would be generalised: %s\n' "$summary"
fi
