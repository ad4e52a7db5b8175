# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: MPL-2.0
#
# What single operations do that no verb says, and the beginning of the work.

# special calls a function of its own for a path.
special() { "$1" "$2"; }

# is_id says whether machine-id in the current directory is a file with an id.
is_id() {
	is_file ./machine-id || return 1
	IFS= read -r text <./machine-id || [ -n "$text" ] || return 1
	[ "$text" != uninitialized ]
}

machine_id() {
	enter /etc || return 0
	if is_id; then
		blank_one machine-id
	fi
}

first_boot() {
	enter /etc || return 0
	if [ ! -f machine-id ] || [ -L machine-id ] || spared machine-id; then
		return 0
	fi
	if { [ ! -s machine-id ] || is_id; } && hit write machine-id; then
		echo uninitialized >machine-id || fail "/etc/machine-id cannot be written"
	fi
}

dbus_id() {
	enter /var/lib/dbus || return 0
	if [ ! -f machine-id ] || [ -L machine-id ] || spared machine-id; then
		return 0
	fi
	if [ ! -e "$root/etc/machine-id" ]; then
		gone_one machine-id
	elif hit link machine-id; then
		remove machine-id
		ln -s /etc/machine-id machine-id || fail "the link $here/machine-id cannot be made"
	fi
}

iscsi() {
	enter /etc/iscsi || return 0
	is_file initiatorname.iscsi || return 0
	for checks in "$root/lib/open-iscsi/startup-checks.sh" "$root/usr/lib/open-iscsi/startup-checks.sh" "$root/usr/libexec/open-iscsi/startup-checks.sh"; do
		if [ -f "$checks" ] && generates_name "$checks"; then
			IFS= read -r text <initiatorname.iscsi || :
			if [ "$text" != GenerateName=yes ] && ! spared initiatorname.iscsi && hit write initiatorname.iscsi; then
				echo GenerateName=yes >initiatorname.iscsi || fail "$here/initiatorname.iscsi cannot be written"
			fi
			return 0
		fi
	done
	gone_one initiatorname.iscsi
}

generates_name() {
	while IFS= read -r text || [ -n "$text" ]; do
		case $text in
		*GenerateName*) return 0 ;;
		esac
	done <"$1"
	return 1
}

resolver() {
	enter /etc || return 0
	if ! is_file resolv.conf || exists resolv.conf.ORIG; then
		return 0
	fi
	if [ -n "$live" ]; then
		kept "$1" "the running machine needs it"
	elif [ ! -w resolv.conf ]; then
		kept "$1" "it is immutable"
	else
		blank_one resolv.conf
	fi
}

sudoers() {
	enter /etc/sudoers.d || return 0
	if [ -z "$root" ] && [ -n "${SUDO_USER-}" ] && exists 90-cloud-init-users; then
		kept "$1" "the connecting user may need it"
		return 0
	fi
	gone_one 90-cloud-init-users
}

utmp() {
	[ -z "$live" ] || return 0
	blank /run utmp
}

temporary() {
	if [ -z "$live" ]; then
		gone "$1" '*' '.[!.]*' '..?*'
		return
	fi
	enter "$1" || return 0
	for entry in * .[!.]* ..?*; do
		if ! matches "$entry" 'systemd-private-*' 'snap-private-tmp' '.*-unix' '*.sock' 'ssh-*'; then
			case $entry in
			*[\\[*?]*) kept "$1/$entry" "its name is a pattern" ;;
			*) gone_one "$entry" ;;
			esac
		fi
	done
}

uid=$(id -u 2>/dev/null) || uid=0
if [ "$uid" != 0 ]; then
	echo "only root can generalise a machine, and this runs as user $uid" >&2
	exit 77
fi
if [ -z "$root$again" ] && [ -n "$self" ] && [ -d /run/diskimage/repeat.d ]; then
	# Our builder lends files, /tmp and caches of the host to its phases: what is
	# the image's own is known only at the end, when it runs the script.
	diskimage_repeat "$registered" "$self"
	echo generalise.later=yes
	echo generalise.done=yes
	exit 0
fi
if [ -n "$root" ]; then
	cd -P "$root/" || exit
	root=${PWD%/}
fi
mounts=$nl
if [ -r /proc/self/mounts ]; then
	while IFS=' ' read -r _ point _; do
		case $point in
		*\\*) point=$(printf '%b.' "$point") && point=${point%.} ;;
		esac
		mounts=$mounts$point$nl
	done </proc/self/mounts
fi
one_system=--one-file-system
rm -f $one_system 2>/dev/null || one_system=
find_homes
