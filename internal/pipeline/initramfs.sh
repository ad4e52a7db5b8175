# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=sh
# Sourced by mkinitramfs, as settings, while hooks run. It asks readlink and
# realpath about every file, most of them several times, and half of its time goes
# into starting them: the shell answers where a path speaks for itself. The
# initramfs is the same byte for byte.
_dib_plain() {
    case $1 in
        *//* | */ | */. | */.. | */./* | */../*) return 1 ;;
        /*) return 0 ;;
    esac
    return 1
}

_dib_linkless() {
    _dib_rest=$1
    while [ -n "$_dib_rest" ]; do
        [ -L "$_dib_rest" ] && return 1
        _dib_rest=${_dib_rest%/*}
    done
}

_dib_bin=$(readlink -f /bin)

readlink() {
    if [ "$*" = '-f /bin' ]; then
        printf '%s\n' "$_dib_bin"
    elif [ $# -eq 2 ] && [ "$1" = -f ] && _dib_plain "$2" && [ -e "$2" ] && _dib_linkless "$2"; then
        printf '%s\n' "$2"
    else
        command readlink "$@"
    fi
}

realpath() {
    case ${2-} in
        //*) _dib_path=/${2#//} ;;
        *) _dib_path=${2-} ;;
    esac
    if [ $# -eq 2 ] && [ "$1" = -ms ] && _dib_plain "$_dib_path"; then
        printf '%s\n' "$_dib_path"
    elif [ $# -eq 2 ] && [ "$1" = -s ] && _dib_plain "$_dib_path" && [ -e "$2" ]; then
        printf '%s\n' "$_dib_path"
    else
        command realpath "$@"
    fi
}
