#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Give network cards that nobody configured DHCP: dhcp-all-interfaces.sh [--up] [INTERFACE]
# Without INTERFACE all of them; with --up it is brought up too. Only cards count, whose addresses
# are their own, and VLANs on them; and only those with a link.
set -eu -o pipefail
PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH

timeout=@TIMEOUT@

# attribute INTERFACE NAME: what the kernel says of it
attribute() {
    cat "/sys/class/net/$1/$2" 2>/dev/null || true
}

# own_address INTERFACE: whether its hardware address is its own
own_address() {
    [ "$(attribute "$1" addr_assign_type)" = 0 ]
}

# vlan INTERFACE: whether it is NAME.NUMBER on a card
vlan() {
    local below=${1%%.*}
    [ "$below" != "$1" ] && [ -e "/sys/class/net/$below" ] && own_address "$below"
}

# configured INTERFACE: whether there is something for it already
configured() {
    if [ -d /etc/network ]; then
        ifquery "$1" >/dev/null 2>&1
    else
        [ -e "$scripts/ifcfg-$1" ]
    fi
}

wait_for_link() {
    local second
    for ((second = 0; second < timeout; second++)); do
        ip link set dev "$1" up >/dev/null 2>&1 || true
        if [ "$(attribute "$1" carrier)" = 1 ]; then
            return 0
        fi
        sleep 1
    done
    return 1
}

# ipv6 INTERFACE: what its routers say: none, auto, stateless or stateful
ipv6() {
    local said status=0
    if ! command -v rdisc6 >/dev/null; then
        echo none
        return
    fi
    # A link-local address must be there before a router can be asked (status 1).
    for _ in 1 2 3 4 5; do
        said=$(rdisc6 --retry 3 --single "$1" 2>/dev/null) && status=0 || status=$?
        if [ "$status" -ne 1 ]; then
            break
        fi
        sleep 1
    done
    if [ "$status" -ne 0 ]; then
        echo none
    elif grep -Eq 'Stateful address conf\. *: *Yes' <<<"$said"; then
        echo stateful
    elif grep -Eq 'Stateful other conf\. *: *Yes' <<<"$said"; then
        echo stateless
    else
        echo auto
    fi
}

# for_ifupdown INTERFACE: allow-hotplug, not auto: a card that is taken out is no failure at boot
for_ifupdown() {
    local text
    text=$(printf 'allow-hotplug %s\niface %s inet dhcp\n' "$1" "$1")
    case $(ipv6 "$1") in
        auto) text+=$(printf '\niface %s inet6 auto' "$1") ;;
        stateless) text+=$(printf '\niface %s inet6 auto\n    dhcp 1' "$1") ;;
        stateful) text+=$(printf '\niface %s inet6 dhcp' "$1") ;;
    esac
    # Several cards may be found at once.
    (
        flock 9
        printf '%s\n\n' "$text" >>/etc/network/interfaces
    ) 9</etc/network
}

for_scripts() {
    local file=$scripts/ifcfg-$1
    {
        printf 'DEVICE="%s"\nBOOTPROTO="dhcp"\nONBOOT="yes"\nSTARTMODE="auto"\n' "$1"
        if [ "$(attribute "$1" type)" = 32 ]; then
            printf 'TYPE="InfiniBand"\nCONNECTED_MODE="no"\n'
        elif vlan "$1"; then
            printf 'VLAN="yes"\n'
        else
            printf 'TYPE="Ethernet"\n'
        fi
        case $(ipv6 "$1") in
            none) printf 'IPV6INIT="no"\n' ;;
            auto) printf 'IPV6INIT="yes"\nIPV6_AUTOCONF="yes"\n' ;;
            stateless) printf 'IPV6INIT="yes"\nIPV6_AUTOCONF="yes"\nDHCPV6C="yes"\nDHCPV6C_OPTIONS="-S"\n' ;;
            stateful) printf 'IPV6INIT="yes"\nIPV6_FORCE_ACCEPT_RA="yes"\nDHCPV6C="yes"\n' ;;
        esac
    } >"$file.new"
    mv "$file.new" "$file"
}

# inspect INTERFACE: fails only for what should have worked
inspect() {
    if configured "$1"; then
        echo "$1 is configured already"
    elif ! own_address "$1" && ! vlan "$1"; then
        echo "$1 is no network card: its address is made up"
        return 0
    elif ! wait_for_link "$1"; then
        echo "$1 has no link after $timeout seconds"
        return 0
    elif [ -d /etc/network ]; then
        for_ifupdown "$1"
        echo "$1 will ask for an address"
    else
        for_scripts "$1"
        echo "$1 will ask for an address"
    fi
    if [ -n "$up" ]; then
        ifup "$1"
    fi
}

scripts=
for directory in /etc/sysconfig/network-scripts /etc/sysconfig/network; do
    if [ -d "$directory" ]; then
        scripts=$directory
        break
    fi
done
if [ ! -d /etc/network ] && [ -z "$scripts" ]; then
    echo "there is neither /etc/network nor /etc/sysconfig/network*: the cards are left to what runs the network here" >&2
    exit 0
fi

up=
if [ "${1:-}" = --up ]; then
    up=yes
    shift
fi
if [ -n "${1:-}" ]; then
    inspect "$1"
    exit 0
fi
for interface in /sys/class/net/*; do
    interface=${interface##*/}
    # The file bonding_masters lies there too.
    if [ "$interface" != lo ] && [ -d "/sys/class/net/$interface" ]; then
        inspect "$interface"
    fi
done
