
# look_at_disabling finds, and removes if wanted, the file that turns cloud-init off.
look_at_disabling() {
	disabled=$root/etc/cloud/cloud-init.disabled
	if ! exists "$disabled"; then
		return
	fi
	if [ "$enable" = yes ]; then
		rm -f "$disabled"
		say enabled=/etc/cloud/cloud-init.disabled
	else
		say disabled=yes
	fi
}

disabling='^[^#]*cloud-init=disabled'

# allow takes cloud-init=disabled out of a boot loader's file. Not out of grubenv,
# which has a form of its own, nor of what is reached by a link.
allow() {
	case $1 in
	*/grubenv) return 1 ;;
	esac
	[ ! -L "$1" ] || return 1
	sed -e '/^[[:space:]]*#/b' \
		-e :again -e "s/[[:space:]]cloud-init=disabled\\([[:space:]\"']\\)/\\1/" -e tagain -e 's/[[:space:]]cloud-init=disabled$//' \
		-e "s/\\([=\"']\\)cloud-init=disabled[[:space:]]/\\1/g" -e "s/\\([=\"']\\)cloud-init=disabled\\([\"']\\)/\\1\\2/g" \
		-e 's/=cloud-init=disabled$/=/' -e 's/^cloud-init=disabled[[:space:]]//' -e 's/^cloud-init=disabled$//' \
		"$1" >"$from/arguments" || return 1
	if grep -Eq "$disabling" "$from/arguments" ||
		! { cp -p "$1" "$1.diskimage" && cat "$from/arguments" >"$1.diskimage" && mv -f "$1.diskimage" "$1"; }; then
		rm -f "$1.diskimage"
		return 1
	fi
}

# unit_file NAME prints the path, on the machine, of a unit that is not masked.
unit_file() {
	for dir in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
		if [ -s "$root$dir/$1" ]; then
			echo "$dir/$1"
			return
		fi
	done
	return 1
}

# masked NAME DIR: a link to /dev/null or an empty file hides what comes with the package.
masked() {
	hidden=$root/etc/systemd/$2/$1
	if [ -L "$hidden" ]; then
		# shellcheck disable=SC2012
		case $(ls -ld "$hidden") in
		*' -> /dev/null') return 0 ;;
		esac
		return 1
	fi
	[ -f "$hidden" ] && [ ! -s "$hidden" ]
}

# wanted NAME says whether some target or unit starts a unit.
wanted() {
	for dir in /etc /usr/local/lib /usr/lib /lib; do
		for link in "$root$dir"/systemd/system/*.wants/"$1" "$root$dir"/systemd/system/*.requires/"$1"; do
			! exists "$link" || return 0
		done
	done
	return 1
}

# by_systemd says whether systemd is what the machine begins with: packages bring units
# and scripts along, whichever is used. A tree without an init is taken for one that
# will have systemd.
by_systemd() {
	if [ -z "$root" ] && [ -d /run/systemd/system ]; then
		return 0
	fi
	for init in "$root/usr/sbin/init" "$root/sbin/init"; do
		if [ -L "$init" ]; then
			# shellcheck disable=SC2012
			case $(ls -ld "$init") in
			*/systemd) return 0 ;;
			esac
			return 1
		elif [ -f "$init" ]; then
			return 1
		fi
	done
}

# look_at_units looks which of the units there are, those of the several processes
# or those of the one, and whether they would be started.
look_at_units() {
	set -- cloud-init.target cloud-init-local.service cloud-init.service cloud-config.service cloud-final.service
	style=several
	if ! by_systemd; then
		look_at_scripts
		return
	elif unit_file cloud-init-main.service >/dev/null; then
		set -- cloud-init.target cloud-init-main.service cloud-init-local.service cloud-init-network.service cloud-config.service cloud-final.service
		style=one
		look_at_netcat
	elif ! unit_file cloud-init-local.service >/dev/null && ! unit_file cloud-init.service >/dev/null; then
		look_at_scripts
		return
	fi
	say "units=$style"
	for unit; do
		look_at_unit "$unit" system
	done
	look_at_unit cloud-init-generator system-generators
}

look_at_unit() {
	if masked "$1" "$2"; then
		if [ "$enable" != yes ]; then
			say "masked=/etc/systemd/$2/$1"
			return
		fi
		rm -f "$root/etc/systemd/$2/$1"
		say "enabled=/etc/systemd/$2/$1"
	fi
	if [ "$2" != system ] || ! file=$(unit_file "$1") || wanted "$1"; then
		return
	fi
	# The generator starts the target; a unit without [Install] is started by others.
	targets=$(sed -n 's/^WantedBy=//p' "$root$file")
	if [ "$1" = cloud-init.target ]; then
		! has_generator || return 0
		targets=${targets:-multi-user.target}
	fi
	if [ -z "$targets" ]; then
		return
	elif [ "$enable" != yes ]; then
		say "off=$1"
		return
	fi
	for wants in $targets; do
		(umask 022 && mkdir -p "$root/etc/systemd/system/$wants.wants")
		ln -s "$file" "$root/etc/systemd/system/$wants.wants/$1"
	done
	say "enabled=$1"
}

has_generator() {
	for dir in /usr/lib /lib /usr/local/lib /etc; do
		[ ! -f "$root$dir/systemd/system-generators/cloud-init-generator" ] || return 0
	done
	return 1
}

# look_at_netcat: the units of the one process reach it by netcat, which knows Unix
# sockets in one of its kinds only.
look_at_netcat() {
	file=$(unit_file cloud-init-local.service) && grep -Eq '[| ]nc(\.openbsd)? ' "$root$file" || return 0
	for dir in /usr/bin /bin /usr/local/bin; do
		! exists "$root$dir/nc.openbsd" && ! exists "$root$dir/nc" || return 0
	done
	say netcat=missing
}

# look_at_scripts is for OpenRC and sysvinit: what is not started is only told.
look_at_scripts() {
	found=
	fetches=
	for name in cloud-init-main cloud-init-local cloud-init cloud-init-network cloud-config cloud-final; do
		[ -f "$root/etc/init.d/$name" ] || continue
		found=yes
		case $name in
		cloud-init | cloud-init-network) fetches=yes ;;
		esac
		started=
		for link in "$root"/etc/runlevels/*/"$name" "$root"/etc/rc[2-5S].d/S??"$name"; do
			! exists "$link" || started=yes
		done
		[ -n "$started" ] || say "off=/etc/init.d/$name"
	done
	if [ -n "$found" ]; then
		# Debian 13 has no script for the stage in which the seed's user-data is read.
		[ -n "$fetches" ] || say 'off=/etc/init.d/cloud-init-network, which is missing'
		say units=scripts
	else
		say units=none
	fi
}
