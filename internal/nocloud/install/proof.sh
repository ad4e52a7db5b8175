
# identify runs the machine's ds-identify, which decides early at boot whether and
# from where cloud-init works, on the tree: as a library whose answers about the
# hardware, the kernel's arguments and block devices are given, so that it does
# not speak of the machine that builds. It writes nothing. With "masked" it sees no
# configuration and has to look for the seed itself.
# shellcheck disable=SC2034
identify() (
	set +eu
	nowhere=/dev/null/none
	PATH_ROOT=$root PATH_RUN=$nowhere PATH_RUN_CI=/ PATH_RUN_CI_CFG=/dev/null PATH_RUN_DI_RESULT=/dev/null
	PATH_SYS_CLASS_DMI_ID=$nowhere PATH_SYS_HYPERVISOR=$nowhere PATH_SYS_CLASS_BLOCK=$nowhere PATH_DEV_DISK=$nowhere
	PATH_PROC_CMDLINE=$nowhere PATH_PROC_1_CMDLINE=$nowhere PATH_PROC_1_ENVIRON=$nowhere PATH_PROC_UPTIME=$nowhere
	PATH_VAR_LIB_CLOUD=$root/var/lib/cloud PATH_ETC_CLOUD=$root/etc/cloud PATH_DI_ENV=$nowhere
	unset PATH_DI_CONFIG PATH_ETC_CI_CFG PATH_ETC_CI_CFG_D KERNEL_CMDLINE
	if [ "$1" = masked ]; then
		PATH_ETC_CI_CFG=$nowhere PATH_ETC_CI_CFG_D=$nowhere PATH_DI_CONFIG=$nowhere
	elif late_var; then
		PATH_VAR_LIB_CLOUD=$nowhere
	fi
	DEBUG_LEVEL=2 DI_LOG=stderr DI_MAIN=noop masked=$1
	set --
	# shellcheck source=/dev/null
	. "$ds_identify"
	DI_VIRT=none DI_BLKID_EXPORT_OUT=none DI_KERNEL_CMDLINE=none DI_PID_1_PRODUCT_NAME=none
	DI_DMI_BOARD_NAME=none DI_DMI_CHASSIS_ASSET_TAG=none DI_DMI_PRODUCT_NAME=none
	DI_DMI_PRODUCT_SERIAL=none DI_DMI_PRODUCT_UUID=none DI_DMI_SYS_VENDOR=none
	# Twice the same name is a list to search; a single one would be believed.
	[ "$masked" != masked ] || DI_DSLIST='NoCloud NoCloud'
	is_disabled() { return 1; } # which is judged apart
	if [ "$forgets" = yes ]; then
		manual_clean_and_existing() { return 1; }
	fi
	modprobe() { return 1; }
	udevadm() { return 1; }
	write_result() { echo "result: $1" >&2; }
	main --force
)

# prove fails unless cloud-init would find the seed, and, where the list is pinned,
# would look for it with the configuration that is there.
prove() {
	ds_identify=
	for dir in /usr/lib /usr/libexec /lib /usr/local/lib; do
		[ ! -f "$root$dir/cloud-init/ds-identify" ] || ds_identify=$root$dir/cloud-init/ds-identify
	done
	if [ -z "$ds_identify" ]; then
		say proof=missing
		return
	fi
	log=$(identify masked 2>&1 </dev/null) || :
	case $log in
	*"check for 'NoCloud' returned found"*) say "proof=found" ;;
	*"check for 'NoCloud' returned"*) fail 80 "ds-identify, which decides at boot, does not find the seed in /var/lib/cloud/seed/nocloud: $(inventory)" ;;
	*) say proof=unknown ;;
	esac
	[ "$list" != yes ] || prove_choice
}

# prove_choice looks at what would be chosen with the configuration as it is.
prove_choice() {
	log=$(identify as_is 2>&1 </dev/null) || :
	chosen=$(printf '%s\n' "$log" | sed -n 's/^result: //p' | tail -n 1)
	case ${chosen#datasource_list: '[  ]'} in
	*NoCloud*) say "chosen=${chosen#datasource_list: }" ;;
	'')
		case $log in
		*mode=disabled*) fail 80 "ds-identify, which decides at boot, turns cloud-init off: a policy in /etc/cloud/ds-identify.cfg says so; remove that line" ;;
		*'No ds found'* | *'result: datasource_list: [  ]'*) fail 80 "ds-identify, which decides at boot, chooses no datasource with the configuration as it is$(suspects)" ;;
		esac
		;;
	'# manual_cache_clean.') fail 80 "cloud-init would go on with the data of an earlier boot and not read the seed: set generalise, or remove manual_cache_clean from the configuration and /var/lib/cloud/instance/manual-clean from the image" ;;
	*) fail 80 "ds-identify, which decides at boot, chooses ${chosen#datasource_list: } and not NoCloud$(suspects)" ;;
	esac
}

# suspects names the files that may choose another datasource.
suspects() {
	also=$(overridden | sed 's/^nocloud\.overridden=/ and /' | tr -d '\n')
	if grep -q '^[[:space:]]*datasource:' "$identify_cfg" 2>/dev/null; then
		also=" and /etc/cloud/ds-identify.cfg$also"
	fi
	[ -z "$also" ] || echo ": see${also# and}"
}

# inventory says what is there of the seed.
inventory() {
	if [ ! -d "$target" ]; then
		echo "there is no such directory; has a later provisioner or hook removed it?"
		return
	fi
	absent=
	for name in user-data meta-data; do
		[ -f "$target/$name" ] || absent="$absent${absent:+ and }$name"
	done
	echo "${absent:-nothing} is missing there; has a later provisioner or hook removed it?"
}
