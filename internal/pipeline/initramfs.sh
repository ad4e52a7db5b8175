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

# Where there is no zstd mkinitramfs takes pigz, if it is there, before gzip.
if ! command -v pigz >/dev/null && [ -x /usr/local/bin/dib-pigz ]; then
    pigz() { /usr/local/bin/dib-pigz "$@"; }
fi

# A kernel's package makes the initramfs, and the trigger of initramfs-tools makes
# it again in the same breath. If not a file of the system has changed since the
# first began, the second would differ in times only: the first stays. dpkg's and
# apt's own records do not go into an initramfs.
_dib_state=/tmp/in_target.d/.initramfs.d
_dib_initrd=${outfile-}
_dib_initrd=${_dib_initrd%.new}
_dib_note=$_dib_state/$#-${1-}
_dib_how="${compress-}/${compresslevel-}/${verbose-}/${CONFDIR-}/${UMASK-}/${SOURCE_DATE_EPOCH-}/$_dib_initrd"

_dib_identity() { stat -c "%i %s %.Y $_dib_how" "$1" 2>/dev/null; }

_dib_unchanged() {
    [ -z "$(find / -xdev \( -path /tmp -o -path /var/tmp -o -path /run -o -path /var/cache -o -path /var/log \
        -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path "$_dib_initrd*" \) -prune \
        -o ! -path / ! -path /boot -newercc "$_dib_note.start" -print -quit)" ]
}

if [ -d "$_dib_state" ] && [ "${keep-n}" = n ] && [ "$_dib_initrd" != "${outfile-}" ]; then
    if [ -s "$_dib_note" ] && [ "$(_dib_identity "$_dib_initrd")" = "$(cat "$_dib_note")" ] && _dib_unchanged &&
        cp -p "$_dib_initrd" "$outfile"; then
        echo "Nothing has changed since $_dib_initrd was made: it stays as it is."
        exit 0
    fi
    command rm -f "$_dib_note"
    : >"$_dib_note.start"
    # The last that mkinitramfs does is to remove its temporary files, one by one.
    rm() {
        command rm "$@" || return
        [ "$*" != "-rf ${__TMPEARLYCPIO:-}" ] || _dib_identity "$outfile" >"$_dib_note"
    }
fi
