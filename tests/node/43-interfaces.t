#!/bin/sh
# SPDX-License-Identifier: ISC
# Interfaces that come later, go, come back, get another name, lose their link: the node hears its groups again by itself,
# says so, and records it.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
. "$SRCDIR/tests/node/node.sh"

ip link set lo up
group4=239.255.77.1 group6=ff05::77:1
of_d0="{ address = \"$group4\"; port = $PORT; interface = \"d0\"; },
	{ address = \"$group6\"; port = $PORT; interface = \"d0\"; },
	{ address = \"10.77.0.1\"; port = $((PORT + 1)); interface = \"d0\"; }"
other="{ address = \"127.0.0.1\"; port = $PORT; }"
user=$(test "$(id -u)" != 0 || echo 'user = "nobody";')
configure "$of_d0, $other" '' "$user"

said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}

# said_again N TEXT: in all so many times.
said_again()
{
	wait_for 20 said "$2" "$1"
}

make_interface()
{
	ip link add d0 type veth peer name p0 &&
	ip addr add 10.77.0.1/24 dev d0 && ip -6 addr add fd00:77::1/64 dev d0 nodad &&
	ip link set d0 up && ip link set p0 up
}

total=0
# hears NAME GROUPS-ONLY?: twenty datagrams for each listener are recorded.
hears()
{
	"$BLAST" -p "$PORT" -n 20 -r 20000 -a $group4 -i d0 >/dev/null
	"$BLAST" -p "$PORT" -n 20 -r 20000 -a $group6 -i d0 >/dev/null
	"$BLAST" -p "$PORT" -n 20 -r 20000 >/dev/null
	total=$((total + 60))
	check "$1: hears its groups" wait_for 20 recorded $total || diag "$(records | grep ' datagram ' | awk '{ print $7 }' | sort | uniq -c)"
}

check "it starts without the interface" start_node || diag "$(cat "$T/messages")"
is "$(grep -c 'there is no interface d0; waiting for it' "$T/messages")" 3 "each listener that waits is said"
"$BLAST" -p "$PORT" -n 20 >/dev/null
total=20
check "the other one works" wait_for 20 recorded $total

make_interface
check "the interface comes: said" said_again 3 'interface d0 is there, and heard' || diag "$(cat "$T/messages")"
hears "an interface that came later"
"$BLAST" -p $((PORT + 1)) -n 20 -a 10.77.0.1 >/dev/null
"$BLAST" -p $((PORT + 1)) -n 20 -a 10.77.0.1 -i d0 >/dev/null 2>&1 || true

ip link del d0
check "it goes: said" said_again 3 'interface d0 has gone'
make_interface
check "it comes back: said" said_again 6 'interface d0 is there, and heard' || diag "$(cat "$T/messages")"
hears "an interface that came back, with another index"

ip link set d0 down
check "set down: said" said_again 1 'interface d0 was set down'
count=$(grep -c 'has its link again' "$T/messages")
ip link set d0 up
check "set up: said" said_again $((count + 3)) 'interface d0 has its link again'
ip link set p0 down
check "no link: said" said_again 1 'interface d0 has no link'
configure "$other, $of_d0" '' "$user"
kill -HUP "$node_pid"
check "meanwhile the listeners change places" said_again 1 'configuration read again'
count=$(grep -c 'has its link again' "$T/messages")
ip link set p0 up
check "the link is back: said of each" said_again $((count + 3)) 'interface d0 has its link again'
configure "$of_d0, $other" '' "$user"
kill -HUP "$node_pid"
check "and back" said_again 2 'configuration read again'
ip -6 addr add fd00:77::1/64 dev d0 nodad 2>/dev/null || true # IPv6 addresses go with an interface that is down
hears "an interface that was down"

ip link set d0 down
ip link set d0 name other0
ip link set other0 up
check "another name: said" said_again 6 'interface d0 has gone'
ip link add d0 type veth peer name p1
ip addr add 10.78.0.1/24 dev d0
ip -6 addr add fd00:78::1/64 dev d0 nodad
ip link set d0 up
ip link set p1 up
check "another interface takes the name: said" said_again 9 'interface d0 is there, and heard' || diag "$(cat "$T/messages")"
hears "the interface that has the name now"

stop_node
is "$status" 0 "SIGTERM: exit 0"
like "$(records | grep ' event ')" 'link 2=0 1=interface d0 has gone' "event records tell what went"
like "$(records | grep ' event ')" 'link 2=0 1=interface d0 is there, and heard' "and what came"
run "$BUILDDIR/flowbraid" verify -q "$T/log"
is "$status" 0 "the log is whole" || diag "$out$err"
done_testing
