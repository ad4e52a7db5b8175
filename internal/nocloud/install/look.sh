
# look_at_version finds the version in the package manager's lists, and else in
# the program's own. It is worth knowing, not necessary.
look_at_version() {
	version=$(sed -n '/^Package: cloud-init$/,/^$/s/^Version: //p' "$root/var/lib/dpkg/status" 2>/dev/null) || :
	[ -n "$version" ] ||
		version=$(sed -n '/^P:cloud-init$/,/^$/s/^V://p' "$root/lib/apk/db/installed" 2>/dev/null) || :
	if [ -z "$version" ] && [ -z "$root" ] && command -v rpm >/dev/null 2>&1; then
		version=$(rpm -q --qf '%{VERSION}-%{RELEASE}' cloud-init 2>/dev/null) || version=
	fi
	# From 25.3 on the build writes meson_versions.py.
	for file in "$root"/usr/lib/python3*/*-packages/cloudinit/*version*.py "$root"/usr/local/lib/python3*/*-packages/cloudinit/*version*.py; do
		[ -z "$version" ] && [ -f "$file" ] || continue
		version=$(sed -n -e 's/^_PACKAGED_VERSION *= *"\([0-9].*\)".*/\1/p' -e 's/^__VERSION__ *= *"\([0-9].*\)".*/\1/p' \
			-e 's/^[DNOPUW]*STREAM_VERSION *= *"\([0-9][^"]*\)".*/\1/p' "$file" | tail -n 1)
	done
	if [ -z "$version" ] && [ -z "$root" ]; then
		version=$("$program" --version 2>&1 | sed -n 's/.* \([0-9][0-9.]*[^ ]*\).*/\1/p' | sed -n 1p) || version=
	fi
	say "version=$version"
	# 22.4.2-1 is 2204 to compare with; 0 if unknown.
	release=${version#*:}
	release=${release%%[!0-9.]*}
	case $release in
	[0-9]*.[0-9]*)
		minor=${release#*.}
		release=$((${release%%.*} * 100 + ${minor%%.*}))
		;;
	*) release=0 ;;
	esac
	say "machine=$(uname -m)"
	if [ -r "$root/etc/os-release" ]; then
		say "os=$(sed -n 's/^ID=//p' "$root/etc/os-release" | tr -d "\"'") $(sed -n 's/^VERSION_ID=//p' "$root/etc/os-release" | tr -d "\"'")"
	fi
}

# look_at_config finds configuration that would keep the seed from being read.
look_at_config() {
	main=$root/etc/cloud/cloud.cfg
	if [ "$list" = yes ]; then
		overridden
	else
		look_at_list
	fi
	if [ "$network" = yes ]; then
		naming "^[\"']?network[\"']?[[:space:]]*:" "$main" "$config"/*.cfg | each network
	fi
	[ "$forgets" = yes ] || look_at_trust
	naming "^([^#]*[^#[:alnum:]_-])?(seedfrom|user-data|meta-data)[\"']?[[:space:]]*:" "$main" "$config"/*.cfg |
		while IFS= read -r file; do
			[ -z "$(naming "^[^#]*NoCloud[\"']?[[:space:]]*:" "$file")" ] || printf '%s\n' "$file"
		done | each inline
	if exists "$seeds/nocloud-net"; then
		say second=/var/lib/cloud/seed/nocloud-net
	fi
}

# look_at_trust: of a machine that has booted, cloud-init may go on with what it knows.
look_at_trust() {
	naming "^[\"']?manual_cache_clean[\"']?[[:space:]]*:[[:space:]]*([Tt]rue|TRUE|[Yy]es|on)" "$main" "$config"/*.cfg | each cache
	if exists "$root/var/lib/cloud/instance/manual-clean"; then
		say cache=/var/lib/cloud/instance/manual-clean
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

# look_at_list: without a pin, the list that is read last must have NoCloud.
look_at_list() {
	last=
	for file in "$main" "$config"/*.cfg; do
		! grep -q '^datasource_list:' "$file" 2>/dev/null || last=$file
	done
	if [ -n "$last" ] && ! grep -q '^[^#]*NoCloud' "$last"; then
		say "list=${last#"$root"}"
	fi
}

# look_at_arguments finds what boot loaders tell the kernel, and so cloud-init. Only
# files count: during a build /proc/cmdline is that of another system.
look_at_arguments() {
	set -- "$root"/etc/default/grub "$root"/etc/default/grub.d/*.cfg "$root"/boot/grub/grub.cfg \
		"$root"/boot/grub2/grub.cfg "$root"/boot/grub2/grubenv "$root"/boot/efi/EFI/*/grub.cfg \
		"$root"/boot/loader/entries/*.conf "$root"/boot/efi/loader/entries/*.conf "$root"/efi/loader/entries/*.conf \
		"$root"/etc/kernel/cmdline "$root"/usr/lib/kernel/cmdline "$root"/etc/cmdline.d/*.conf \
		"$root"/boot/extlinux/extlinux.conf "$root"/boot/syslinux/syslinux.cfg "$root"/etc/update-extlinux.conf \
		"$root"/boot/cmdline.txt "$root"/boot/firmware/cmdline.txt
	naming "$disabling" "$@" |
		while IFS= read -r file; do
			if [ "$enable" = yes ] && [ "${DISKIMAGE_REPEAT:-}" != yes ] && allow "$file"; then
				say "enabled=cloud-init=disabled is no longer in ${file#"$root"}"
			else
				say "argument_disabled=${file#"$root"}"
			fi
		done
	naming "^([^#]*[^#[:alnum:]._-])?(ds|ci\.ds|ci\.datasource)=" "$@" |
		while IFS= read -r file; do
			# What only says NoCloud, without another seed, says the same as we do.
			sed -e 's/^[[:space:]]*#.*//' -e "s/=[Nn][Oo][Cc]loud\([\"'[:space:]]\)/\1/g" -e 's/=[Nn][Oo][Cc]loud$//' "$file" |
				grep -Eq '(^|[^[:alnum:]._-])(ds|ci\.ds|ci\.datasource)=' || continue
			printf '%s\n' "$file"
		done | each argument_datasource
}
