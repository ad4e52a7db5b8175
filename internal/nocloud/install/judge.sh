
# judge_documents has the machine's own cloud-init judge the documents, as far as
# its version can, before anything is changed.
judge_documents() {
	refused=
	for entry in $judged; do
		file=${entry%:*}
		case ${entry##*:} in
		network)
			if [ "$release" -lt 2304 ]; then
				say "judged=$file:no"
				continue
			fi
			judge schema -t network-config -c "$from/$file"
			;;
		*) judge schema -c "$from/$file" ;;
		esac
	done
	if [ -n "$refused" ]; then
		say done=refused
		fail 79 "the machine's own cloud-init schema refuses the seed"
	fi
}

# judge runs cloud-init, which older versions want to be called differently. It is
# kept from leaving compiled files behind. Its words may repeat the seed: they go
# through a file and are no program's arguments, which everybody can see.
judge() {
	words=$from/judgement
	status=0
	PYTHONDONTWRITEBYTECODE=1 "$program" "$@" >"$words" 2>&1 </dev/null || status=$?
	if grep -q "invalid choice: 'schema'" "$words"; then
		status=0
		PYTHONDONTWRITEBYTECODE=1 "$program" devel "$@" >"$words" 2>&1 </dev/null || status=$?
	fi
	sed "s/^/nocloud.schema=$file:/" "$words"
	echo
	verdict=passed
	if [ "$status" -ne 0 ]; then
		verdict=failed
		if grep -q 'schema errors:' "$words"; then
			verdict=refused refused=yes
		elif grep -q deprecations: "$words"; then
			verdict=passed
		fi
	fi
	say "judged=$file:$verdict"
}
