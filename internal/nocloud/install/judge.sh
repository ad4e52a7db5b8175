
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
# kept from leaving compiled files behind.
judge() {
	status=0
	said=$(PYTHONDONTWRITEBYTECODE=1 "$program" "$@" 2>&1 </dev/null) || status=$?
	case $said in
	*"invalid choice: 'schema'"*)
		status=0
		said=$(PYTHONDONTWRITEBYTECODE=1 "$program" devel "$@" 2>&1 </dev/null) || status=$?
		;;
	esac
	printf '%s\n' "$said" | while IFS= read -r line; do
		say "schema=$file:$line"
	done
	verdict=passed
	if [ "$status" -ne 0 ]; then
		case $said in
		*'schema errors:'*) verdict=refused refused=yes ;;
		*deprecations:*) ;;
		*) verdict=failed ;;
		esac
	fi
	say "judged=$file:$verdict"
}
