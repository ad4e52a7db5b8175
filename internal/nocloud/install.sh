#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Puts the seed that lies beside this script in its place, as a whole: the new
# directory is complete before a rename makes it the seed. Runs as root in any
# POSIX shell. install.go sets root, pin ("" or name:bytes), pin_name and files ("name:bytes …") above.
# What was done is said in lines "nocloud.<fact>=<value>".
# shellcheck disable=SC2154
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
case $0 in
*/*) from=${0%/*} ;;
*) from=. ;;
esac

say() { printf 'nocloud.%s\n' "$1"; }

fail() {
	printf '%s\n' "$1" >&2
	exit 1
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

# On the way out nothing half made is left, and never no seed where one was.
cleanup() {
	if ! exists "$target" && exists "$former"; then
		mv "$former" "$target"
	fi
	rm -rf "$fresh" "$pin_fresh"
}

# check_upload refuses a seed that did not arrive whole.
check_upload() {
	for entry in $files $pin; do
		bytes=$(wc -c <"$from/${entry%:*}")
		[ "$bytes" -eq "${entry##*:}" ] ||
			fail "${entry%:*} arrived incomplete: $((bytes)) of ${entry##*:} bytes"
	done
}

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

# current says whether the seed in place is already the new one.
current() {
	[ -d "$target" ] && [ ! -L "$target" ] && is_like "$target" drwx------ || return 1
	count=0
	for entry in $files; do
		name=${entry%:*}
		[ -f "$target/$name" ] && [ ! -L "$target/$name" ] || return 1
		is_like "$target/$name" -rw------- && same "$target/$name" "$from/$name" || return 1
		count=$((count + 1))
	done
	# shellcheck disable=SC2012
	[ "$(ls -A "$target" | wc -l)" -eq "$count" ]
}

# stage makes the new seed directory beside the old one.
stage() {
	rm -rf "$fresh"
	mkdir "$fresh"
	for entry in $files; do
		cat "$from/${entry%:*}" >"$fresh/${entry%:*}"
		chmod 0600 "$fresh/${entry%:*}"
	done
	chmod 0700 "$fresh"
	chown -R 0:0 "$fresh"
}

# swap puts the new directory in the place of the old, whatever that is.
swap() {
	rm -rf "$former"
	if exists "$target"; then
		mv "$target" "$former"
	fi
	mv "$fresh" "$target"
	rm -rf "$former"
}

install_seed() {
	check_upload
	(umask 022 && mkdir -p "$seeds")
	if ! exists "$target" && exists "$former"; then
		mv "$former" "$target" # an earlier run was killed between two renames
	fi
	if current; then
		say seed=unchanged
		return
	fi
	stage
	swap
	say seed=installed
}

install_pin() {
	(umask 022 && mkdir -p "$config")
	if [ -f "$pinned" ] && [ ! -L "$pinned" ] &&
		is_like "$pinned" -rw-r--r-- && same "$pinned" "$from/$pin_name"; then
		say pin=unchanged
		return
	fi
	cat "$from/$pin_name" >"$pin_fresh"
	chmod 0644 "$pin_fresh"
	chown 0:0 "$pin_fresh"
	mv -f "$pin_fresh" "$pinned"
	say pin=installed
}

remove_pin() {
	if exists "$pinned"; then
		rm -f "$pinned"
		say pin=removed
	else
		say pin=none
	fi
}

# overridden names files that are read after ours and set the list again.
overridden() {
	after=no
	for file in "$config"/*.cfg; do
		if [ "$after" = yes ] && grep -q '^datasource_list:' "$file" 2>/dev/null; then
			say "overridden=${file#"$root"}"
		fi
		[ "$file" != "$pinned" ] || after=yes
	done
}

has_cloud_init() {
	for dir in /usr/bin /usr/local/bin /usr/sbin /bin /sbin; do
		[ ! -x "$root$dir/cloud-init" ] || return 0
	done
	[ -z "$root" ] && command -v cloud-init >/dev/null 2>&1
}

if [ "$(id -u)" != 0 ]; then
	echo "only root can write the seed, and this runs as user $(id -u)" >&2
	exit 77
fi
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
install_seed
if [ -n "$pin" ]; then
	install_pin
	overridden
else
	remove_pin
fi
has_cloud_init || say absent=yes
if [ -e "$root/etc/cloud/cloud-init.disabled" ]; then
	say disabled=yes
fi
say done=yes
