# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
#
# What dib-run-parts runs (element contract §2.5): sources environment files and
# runs hooks after them in the same shell, as elements expect their environment
# to be plain bash. The order is made by the caller. Arguments: the directory,
# the number of environment files and of hooks, then the files, the names of the
# hooks in run order, and the same names in the order of the profile.
#
# Names begin with __dib_ so that no environment file overwrites them.
set -ue -o pipefail

__dib_name=${0##*/}
__dib_dir=$1
__dib_files=("${@:4:$2}")
__dib_hooks=("${@:4+$2:$3}")
__dib_rows=("${@:4+$2+$3:$3}")
declare -A __dib_time=()
set --

function __dib_say {
    printf '%s %s\n' "$__dib_name" "$1" >&2
}

# Microseconds since the epoch. Only bash 5 knows them by itself; the separator
# of its decimals depends on the locale.
function __dib_now {
    if [[ -n ${EPOCHREALTIME:-} ]]; then
        __dib_clock=${EPOCHREALTIME//[!0-9]/}
    else
        __dib_clock=$(date +%s%N)
        __dib_clock=${__dib_clock%???}
    fi
}

# Whether the user asked for traces. What environment files set may be secret, so
# they are not traced otherwise.
function __dib_tracing {
    [[ ${DIB_DEBUG_TRACE:-0} =~ ^[0-9]+$ && ! ${DIB_DEBUG_TRACE:-0} =~ ^0+$ ]]
}

# Sourcing happens in a function, so that files may use "local" and see no arguments.
function __dib_source {
    local __dib_file __dib_trace
    for __dib_file in ${__dib_files[@]+"${__dib_files[@]}"}; do
        __dib_say "Sourcing environment file $__dib_file"
        __dib_trace=$-
        if __dib_tracing; then
            set -o xtrace
        fi
        # shellcheck source=/dev/null
        source "$__dib_file"
        { [[ $__dib_trace == *x* ]] || set +o xtrace; } 2>/dev/null
    done
}

function __dib_run {
    local __dib_hook __dib_start
    for __dib_hook in ${__dib_hooks[@]+"${__dib_hooks[@]}"}; do
        __dib_say "Running $__dib_dir/$__dib_hook"
        __dib_now
        __dib_start=$__dib_clock
        "$__dib_dir/$__dib_hook" || exit "$?"
        __dib_now
        __dib_time[$__dib_hook]=$((__dib_clock - __dib_start))
        __dib_say "$__dib_hook completed"
    done
}

function __dib_profile {
    local __dib_row __dib_ms
    __dib_say "----------------------- PROFILING -----------------------"
    __dib_say ""
    __dib_say "Target: ${__dib_dir##*/}"
    __dib_say ""
    __dib_say "$(printf '%-40s %9s' Script Seconds)"
    __dib_say "$(printf '%-40s %9s' --------------------------------------- ----------)"
    __dib_say ""
    for __dib_row in ${__dib_rows[@]+"${__dib_rows[@]}"}; do
        __dib_ms=$(((__dib_time[$__dib_row] + 500) / 1000))
        __dib_say "$(printf '%-40s %6d.%03d' "$__dib_row" $((__dib_ms / 1000)) $((__dib_ms % 1000)))"
    done
    __dib_say ""
    __dib_say "--------------------- END PROFILING ---------------------"
}

__dib_source
__dib_run
__dib_profile
