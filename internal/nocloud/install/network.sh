
# look_at_renderer finds by what cloud-init would have the network set up here. Only
# netplan reads all of network-config; the rest lacks programs now and then.
look_at_renderer() {
	renderer=other
	if in_sbin ifquery && in_sbin ifup && in_sbin ifdown && [ -f "$root/etc/network/interfaces" ]; then
		renderer=ifupdown
	fi
	# In cloud-init's own order ifupdown comes first; a distribution's may be another.
	if in_sbin netplan && { [ "$renderer" = other ] ||
		[ -n "$(naming "^[[:space:]]*renderers[[:space:]]*:.*netplan" "$main" "$config"/*.cfg)" ]; }; then
		renderer=netplan
	fi
	say "renderer=$renderer"
	[ "$renderer" = ifupdown ] || return 0
	for program_wanted in route resolvconf; do
		in_sbin "$program_wanted" || say "lacking=$program_wanted"
	done
}

in_sbin() { [ -x "$root/usr/sbin/$1" ] || [ -x "$root/sbin/$1" ]; }
