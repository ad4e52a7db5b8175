#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# install.go puts the parts in this directory together to one script, which runs
# as root in any POSIX shell on the machine that is to have the seed. It sets
# above (every one is a word or a list of words):
#   root      is prefixed to every path on the machine; empty but in tests
#   files     the seed's files, "name:bytes ..."
#   judged    documents for cloud-init's own schema, "file:kind ..."
#   pin       the pinning file, "name:bytes", or empty for none
#   pin_name  its name
#   list      yes if it pins the list
#   enable    yes if cloud-init is to be enabled
#   network   yes if the seed has a network-config
#   instance  the seed's instance-id
#   forgets   yes if what cloud-init knows of earlier boots is removed afterwards
#   proof_only  yes if the seed is only to be proven again
#   registry    where our own builder finds what it runs at the end, and
#   generalises   how the names begin there of what generalises
# What was done and seen is said in lines "nocloud.<fact>=<value>".
# shellcheck shell=sh disable=SC2154
set -eu
umask 077
LC_ALL=C
export LC_ALL

seeds=$root/var/lib/cloud/seed
target=$seeds/nocloud
fresh=$seeds/.nocloud.new
former=$seeds/.nocloud.old
config=$root/etc/cloud/cloud.cfg.d
pinned=$config/$pin_name
pin_fresh=$config/.$pin_name.new
identify_cfg=$root/etc/cloud/ds-identify.cfg
identify_fresh=$root/etc/cloud/.ds-identify.cfg.new
identify_mark='# By diskimage-nocloud: /var is mounted too late for a search.'
case $0 in
*/*) from=${0%/*} ;;
*) from=. ;;
esac

say() { printf 'nocloud.%s\n' "$1"; }

# fail STATUS TEXT ends the script.
fail() {
	printf '%s\n' "$2" >&2
	exit "$1"
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

# is_like says whether something has this mode and belongs to root. ls marks an
# SELinux context by a dot.
is_like() {
	# shellcheck disable=SC2012
	[ "$2 0 0" = "$(ls -ldn "$1" | while read -r mode _ uid gid _; do
		echo "${mode%.} $uid $gid"
	done)" ]
}

# same says whether two files are equal; without cmp none are.
same() {
	command -v cmp >/dev/null 2>&1 && cmp -s "$1" "$2"
}

# is_file says whether a path is a plain file with this mode of root's.
is_file() {
	[ -f "$1" ] && [ ! -L "$1" ] && is_like "$1" "$2"
}

# naming PATTERN FILE... prints the files that have such a line.
naming() {
	pattern=$1
	shift
	grep -lE "$pattern" "$@" /dev/null 2>/dev/null || :
}

# each says a fact for each line of its input, a path on this machine.
each() {
	while IFS= read -r line; do
		say "$1=${line#"$root"}"
	done
}

# cloud_init prints the path of the program, if there is one.
cloud_init() {
	for dir in /usr/bin /usr/local/bin /usr/sbin /bin /sbin; do
		if [ -x "$root$dir/cloud-init" ]; then
			echo "$root$dir/cloud-init"
			return
		fi
	done
	[ -z "$root" ] && command -v cloud-init 2>/dev/null
}
