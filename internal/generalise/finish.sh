# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: MPL-2.0
#
# The end: what was done, and where the builder repeats scripts, that it does.

close_op
cd /
if [ -z "$again" ]; then
	if [ -n "$self" ]; then
		diskimage_repeat nocloud-generalise "$self"
	fi
	echo generalise.done=yes
elif [ -n "$summary" ] && [ -z "$dry" ]; then
	printf 'generalised once more: %s\n' "$summary"
elif [ -n "$summary" ]; then
	printf 'would be generalised: %s\n' "$summary"
fi
