
# replace FRESH FILE renames a new file of root's over the old one.
replace() {
	chmod 0644 "$1"
	chown 0:0 "$1"
	mv -f "$1" "$2"
}

# stage_pin writes the pin beside its place, before the seed is touched: where /etc
# cannot be written, nothing is changed.
stage_pin() {
	(umask 022 && mkdir -p "$config")
	pin_kept=yes
	is_file "$pinned" -rw-r--r-- && same "$pinned" "$from/$pin_name" && return
	pin_kept=
	cat "$from/$pin_name" >"$pin_fresh"
}

install_pin() {
	if [ -n "$pin_kept" ]; then
		say pin=unchanged
		return
	fi
	replace "$pin_fresh" "$pinned"
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

# late_var says whether a file system is mounted over the seed's place. What is
# mounted during a build says as much as fstab and units do.
late_var() {
	mounts=/proc/self/mounts
	[ -z "$root" ] || mounts=/dev/null
	for table in "$root/etc/fstab" "$mounts"; do
		[ -r "$table" ] || continue
		if grep -Eq '^[^#[:space:]]+[[:space:]]+/var(/lib(/cloud(/seed(/nocloud)?)?)?)?[[:space:]]' "$table"; then
			return 0
		fi
	done
	for unit in var var-lib var-lib-cloud var-lib-cloud-seed; do
		for dir in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
			[ ! -s "$root$dir/$unit.mount" ] || return 0
		done
	done
	return 1
}

# pin_identify tells ds-identify itself, where the seed is out of its sight when it
# runs. A file that somebody else wrote is left, and judged by the proof.
pin_identify() {
	if [ -f "$identify_cfg" ] && ! grep -qxF "$identify_mark" "$identify_cfg"; then
		say identify=kept
	elif late_var && [ "$list" = yes ]; then
		write_identify
	elif [ -f "$identify_cfg" ]; then
		rm -f "$identify_cfg"
		say identify=removed
	elif late_var; then
		say identify=late
	fi
}

write_identify() {
	if is_file "$identify_cfg" -rw-r--r-- &&
		[ "$(cat "$identify_cfg")" = "$(identify_text)" ]; then
		say identify=unchanged
		return
	fi
	(umask 022 && mkdir -p "$root/etc/cloud")
	identify_text >"$identify_fresh"
	replace "$identify_fresh" "$identify_cfg"
	say identify=installed
}

identify_text() { printf '%s\n' "$identify_mark" 'datasource: NoCloud'; }
