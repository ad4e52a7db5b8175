
# On the way out nothing half made is left, and never no seed where one was.
cleanup() {
	if exists "$target"; then
		rm -rf "$former"
	elif exists "$former"; then
		mv "$former" "$target"
	fi
	rm -rf "$fresh" "$pin_fresh" "$identify_fresh"
}

# ended is for signals: nobody may be there any more to remove the upload. (Of an
# EXIT trap mksh would take the status of the script.)
ended() {
	trap - EXIT
	cleanup
	case $from in
	*/packer-nocloud-*) rm -rf "$from" ;;
	esac
	exit "$1"
}

# check_upload refuses a seed that did not arrive whole.
check_upload() {
	for entry in $files $pin; do
		bytes=$(wc -c <"$from/${entry%:*}")
		[ "$bytes" -eq "${entry##*:}" ] ||
			fail 1 "${entry%:*} arrived incomplete: $((bytes)) of ${entry##*:} bytes"
	done
}

# current says whether the seed in place is already the new one.
current() {
	[ -d "$target" ] && [ ! -L "$target" ] && is_like "$target" drwx------ || return 1
	count=0
	for entry in $files; do
		name=${entry%:*}
		is_file "$target/$name" -rw------- && same "$target/$name" "$from/$name" || return 1
		count=$((count + 1))
	done
	# shellcheck disable=SC2012
	[ "$(ls -A "$target" | wc -l)" -eq "$count" ]
}

# another says whether the seed in place says something else.
another() {
	command -v cmp >/dev/null 2>&1 || return 1
	for entry in $files; do
		name=${entry%:*}
		if [ -f "$target/$name" ] && ! same "$target/$name" "$from/$name"; then
			return 0
		fi
	done
	return 1
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

# swap puts the new directory in the place of the old, whatever that is: in one step
# where mv can do that (coreutils 9.5), else a moment has neither in its place.
swap() {
	rm -rf "$former"
	if exists "$target"; then
		if mv --exchange -T "$fresh" "$target" 2>/dev/null; then
			rm -rf "$fresh"
			return
		fi
		mv "$target" "$former"
	fi
	mv "$fresh" "$target"
	rm -rf "$former"
}

install_seed() {
	(umask 022 && mkdir -p "$seeds")
	if ! exists "$target" && exists "$former"; then
		mv "$former" "$target" # an earlier run was killed between two renames
	fi
	if current; then
		say seed=unchanged
		return
	fi
	if another; then
		say replaced=yes
	fi
	stage
	swap
	say seed=installed
	look_at_instance
}

# look_at_instance: cloud-init acts once for an instance-id.
look_at_instance() {
	known=$root/var/lib/cloud/data/instance-id
	if [ -f "$known" ] && [ "$(cat "$known")" = "$instance" ]; then
		say acted=yes
	fi
}
