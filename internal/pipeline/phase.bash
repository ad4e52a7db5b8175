# SPDX-License-Identifier: MPL-2.0
# Runs the hooks of one phase. Called as
#   bash -c "$this" NAME ENVIRONMENT-COUNT [ENVIRONMENT-FILE...] [HOOK...]
# and tells on descriptor 3 what it does: "source FILE", "start HOOK",
# "stop HOOK STATUS". Environment files are sourced in this very shell, so
# that what they export reaches the hooks; the first failure ends the phase.
# The names of its own variables are odd lest a sourced file overwrites them.
set -ue -o pipefail
_dip_environment=("${@:2:$1}")
_dip_hooks=("${@:$1 + 2}")
set --
[ "${DIB_DEBUG_TRACE:-0}" -gt 0 ] && set -x
for _dip_file in "${_dip_environment[@]}"; do
    printf 'source %s\n' "$_dip_file" >&3
    # shellcheck disable=SC1090
    source "$_dip_file"
done
set +x
for _dip_file in "${_dip_hooks[@]}"; do
    printf 'start %s\n' "$_dip_file" >&3
    _dip_status=0
    "$_dip_file" 3>&- || _dip_status=$?
    printf 'stop %s %s\n' "$_dip_file" "$_dip_status" >&3
    [ "$_dip_status" -eq 0 ] || exit "$_dip_status"
done
