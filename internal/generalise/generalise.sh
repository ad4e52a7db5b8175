#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Carries out operations of the catalogue. Runs as root in any POSIX shell; of
# other programs it starts rm and now and then ln. script.go puts the settings
# root, dry, keep, self and registered above, and the chosen operations below, as calls of
# these functions. What was done is said in lines "generalise.<fact>=<value>",
# or for people when the builder repeats the script.
# shellcheck disable=SC2154,SC2034
set -eu
LC_ALL=C
export LC_ALL
umask 022
nl='
'
# Words are not split, so names may have blanks; patterns are expanded.
IFS=

again=${DISKIMAGE_REPEAT-}
count=0
name=
summary=
live=
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
	live=yes
fi

fail() {
	printf '%s: %s\n' "$name" "$1" >&2
	exit 1
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

# is_file says whether something is a file with content, and no link.
is_file() { [ -f "$1" ] && [ ! -L "$1" ] && [ -s "$1" ]; }

# one_line sets line to a name, without the line ends that it may have.
one_line() {
	line=$1
	while :; do
		case $line in
		*"$nl"*) line=${line%%"$nl"*}\\n${line#*"$nl"} ;;
		*) return ;;
		esac
	done
}

# Operations: what is counted and said.

op() {
	close_op
	name=$1
}

close_op() {
	if [ "$count" -gt 0 ]; then
		summary="$summary${summary:+, }$name $count"
		[ -n "$again" ] || printf 'generalise.count=%s %s\n' "$name" "$count"
	fi
	count=0
}

# hit counts what is done to an entry of the current directory. Where it is true
# it has to be done. A dry run names a thousand for each operation.
hit() {
	count=$((count + 1))
	[ -n "$dry" ] || return 0
	[ "$count" -le 1000 ] || return 1
	one_line "$here/$2"
	if [ -n "$again" ]; then
		printf 'would %s %s (%s)\n' "$1" "$line" "$name"
	else
		printf 'generalise.would=%s %s %s\n' "$name" "$1" "$line"
	fi
	return 1
}

# kept says why something stays that was to go.
kept() {
	one_line "$1"
	if [ -n "$again" ]; then
		printf '%s stays: %s\n' "$line" "$2"
	else
		printf 'generalise.kept=%s %s: %s\n' "$name" "$line" "$2"
	fi
}

# Places.

# enter goes to a directory, unless it is missing or reached through a link. What
# is in it is then named without a path, so that no link is followed.
enter() {
	[ -d "$root$1" ] || return 1
	cd -P "$root$1/" || fail "$1 cannot be entered"
	here=${1%/}
	physical=${PWD%/}
	if [ "$physical" != "$root$here" ]; then
		kept "$1" "a symbolic link leads there"
		return 1
	fi
}

# spared says whether an entry of the current directory has to stay.
spared() {
	case $mounts in
	*"$nl$physical/$1$nl"* | *"$nl$physical/$1/"*)
		kept "$here/$1" "something is mounted there"
		return 0
		;;
	esac
	case $keep/ in
	"$here/$1/"*) return 0 ;;
	esac
	return 1
}

# remove removes entries of the current directory.
remove() {
	# shellcheck disable=SC2086
	rm -rf $one_system -- "$@" || fail "rm could not remove all that it had to in $here"
}

# Verbs: see the type Verb.

gone() {
	enter "$1" || return 0
	shift
	for pattern in "$@"; do
		gone_one "$pattern"
	done
}

gone_one() {
	pattern=$1
	set --
	for entry in $pattern; do
		if ! exists "./$entry" || spared "$entry" || ! hit remove "$entry"; then
			continue
		fi
		set -- "$@" "./$entry"
		if [ $# -ge 100 ]; then
			remove "$@"
			set --
		fi
	done
	[ $# -eq 0 ] || remove "$@"
}

blank() {
	enter "$1" || return 0
	shift
	for pattern in "$@"; do
		for entry in $pattern; do
			blank_one "$entry"
		done
	done
}

# blank_one empties a file in or below the current directory.
blank_one() {
	if is_file "./$1" && ! spared "$1" && hit truncate "$1"; then
		printf '' >"./$1" || fail "$here/$1 cannot be emptied"
	fi
}

# matches says whether a name is like one of the patterns.
matches() {
	candidate=$1
	shift
	for pattern in "$@"; do
		# shellcheck disable=SC2254
		case $candidate in
		$pattern) return 0 ;;
		esac
	done
	return 1
}

# each_below calls $each with every file and link below a prefix ("", "a/b/") of
# the current directory, and the other arguments. Links and mount points are not
# entered.
each_below() {
	prefix=$1
	shift
	for path in "$prefix"* "$prefix".[!.]* "$prefix"..?*; do
		if [ -d "./$path" ] && [ ! -L "./$path" ]; then
			spared "$path" || each_below "$path/" "$@"
		elif exists "./$path"; then
			$each "$path" "$@"
		fi
	done
}

gone_below() {
	enter "$1" || return 0
	shift
	each=gone_like
	each_below "" "$@"
}

gone_like() {
	found=$1
	shift
	if matches "${found##*/}" "$@" && ! spared "$found" && hit remove "$found"; then
		remove "./$found"
	fi
}

logs() {
	enter "$1" || return 0
	shift
	each=log_file
	each_below "" "$@"
}

log_file() {
	found=$1
	shift
	if [ -L "./$found" ] || [ ! -f "./$found" ] || matches "${found%%/*}" "$@"; then
		return 0
	fi
	case ${found##*/} in
	*.gz | *.xz | *.bz2 | *.zst | *.old | *.[0-9] | *.[0-9][0-9] | *.[0-9].log | *-[12][0-9][0-9][0-9][01][0-9][0-3][0-9])
		if ! spared "$found" && hit remove "$found"; then
			remove "./$found"
		fi
		;;
	*) blank_one "$found" ;;
	esac
}

# find_homes lists every home directory, by the path that it really has.
find_homes() {
	homes=$nl
	if [ -f "$root/etc/passwd" ] && [ ! -L "$root/etc/passwd" ]; then
		while IFS=: read -r _ _ _ _ _ dir _; do
			add_home "$dir"
		done <"$root/etc/passwd"
	fi
	add_home /root
	for dir in "$root"/home/*; do
		add_home "${dir#"$root"}"
	done
}

add_home() {
	case $1 in
	/*) [ -d "$root$1" ] || return 0 ;;
	*) return 0 ;;
	esac
	cd -P "$root$1/" 2>/dev/null || return 0
	case $PWD in
	"$root" | / | *"$nl"*) return 0 ;;
	"$root"/*) ;;
	*) return 0 ;;
	esac
	case $homes in
	*"$nl${PWD#"$root"}$nl"*) ;;
	*) homes=$homes${PWD#"$root"}$nl ;;
	esac
}

home() {
	rest=${homes#"$nl"}
	while [ -n "$rest" ]; do
		dir=${rest%%"$nl"*}
		rest=${rest#*"$nl"}
		for path in "$@"; do
			at_home "$dir" "$path"
		done
	done
}

at_home() {
	exists "$root$1/$2" || return 0
	case $2 in
	*/*) gone "$1/${2%/*}" "${2##*/}" ;;
	*) gone "$1" "$2" ;;
	esac
}

generated() {
	enter "$1" || return 0
	shift
	for pattern in "$@"; do
		for entry in $pattern; do
			if is_file "./$entry" && by_cloud_init "$entry" && ! spared "$entry" && hit remove "$entry"; then
				remove "./$entry"
			fi
		done
	done
}

by_cloud_init() {
	IFS= read -r text <"./$1" || return 1
	case $text in
	"# Created by cloud-init"*) return 0 ;;
	esac
	return 1
}

lines() {
	enter "$1" || return 0
	files=$2
	shift 2
	for entry in $files; do
		if is_file "./$entry" && ! spared "$entry"; then
			drop_lines "$entry" "$@"
		fi
	done
}

drop_lines() {
	file=$1
	shift
	whole=
	dropped=
	while IFS= read -r text || [ -n "$text" ]; do
		if matches "$text" "$@"; then
			dropped=yes
		else
			whole=$whole$text$nl
		fi
	done <"./$file"
	if [ -n "$dropped" ] && hit edit "$file"; then
		printf '%s' "$whole" >"./$file" || fail "$here/$file cannot be written"
	fi
}
