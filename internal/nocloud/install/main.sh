
# register has our own builder repeat the proof at the end of the build, when no
# hook can undo what was proven. Other machines have no such directory.
register() {
	[ -n "$root" ] || [ ! -f "$0" ] || diskimage_repeat nocloud-proof "$0"
}

# to_be_generalised says whether our own builder will generalise the machine at the
# end, by an earlier provisioner's wish.
to_be_generalised() {
	for script in "$registry/$generalises"*; do
		[ ! -f "$script" ] || return 0
	done
	return 1
}

# tell says in words what matters at the end of a build.
tell() {
	case $1 in
	identify=installed) echo "/etc/cloud/ds-identify.cfg names the datasource, since /var is a file system of its own" ;;
	identify=late) echo "Warning: /var is a file system of its own, which ds-identify does not see yet when it runs: set pin_datasource" ;;
	argument_disabled=*) echo "Warning: ${1#*=} has cloud-init=disabled: cloud-init will not run" ;;
	argument_datasource=*) echo "Warning: ${1#*=} has ds= for the kernel, which chooses a datasource before the seed is looked for" ;;
	proof=found) echo "cloud-init's ds-identify finds the seed" ;;
	esac
}

if [ "$(id -u)" != 0 ]; then
	fail 77 "only root can write the seed, and this runs as user $(id -u)"
fi
trap cleanup EXIT
trap 'ended 129' HUP
trap 'ended 130' INT
trap 'ended 141' PIPE # what is said is not heard any more
trap 'ended 143' TERM
if [ "${DISKIMAGE_REPEAT:-}" = yes ]; then
	# Once more at the end of the build: mount points are known and hooks have run.
	say() { tell "$1"; }
	forgets=
	pin_identify
	look_at_arguments
	prove
	exit 0
fi
if [ "$proof_only" = yes ]; then
	if [ -d "$registry" ]; then
		register
	else
		prove
	fi
	exit 0
fi
if to_be_generalised; then
	forgets=yes
fi
check_upload
if program=$(cloud_init); then
	look_at_version
	judge_documents
else
	say absent=yes
fi
[ -z "$pin" ] || stage_pin
install_seed
if [ -n "$pin" ]; then
	install_pin
else
	remove_pin
fi
pin_identify
look_at_disabling
look_at_config
look_at_arguments
if [ -n "$program" ]; then
	[ "$network" != yes ] || look_at_renderer
	look_at_units
fi
prove
register
say done=yes
