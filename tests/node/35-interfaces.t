#!/bin/sh
# SPDX-License-Identifier: ISC
# One group, and one wildcard address, on two interfaces that other hosts are behind: each listener records what came by
# its own interface, once, and counts nothing of the other's; what comes by a third one is not heard.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip nsenter
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
. "$SRCDIR/tests/node/node.sh"

group4=239.255.77.1 group6=ff05::77:1
unshare --net sleep 600 &
far=$!
more_cleanup()
{
	kill $far 2>/dev/null || true
}
is_apart()
{
	[ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/self/ns/net)" ]
}
wait_for 20 is_apart
there()
{
	nsenter -t $far -n "$@"
}

ip link set lo up
for i in 0 1 2; do
	ip link add d$i type veth peer name p$i netns $far
	ip link set d$i up
	there ip link set p$i up
	ip addr add 10.77.$i.1/24 dev d$i
	there ip addr add 10.77.$i.2/24 dev p$i
	ip -6 addr add fd00:77:$i::1/64 dev d$i nodad 2>/dev/null || skip_all "no IPv6 here"
	there ip -6 addr add fd00:77:$i::2/64 dev p$i nodad
done
neighbours_are_known()
{
	there ip -o link show up | grep -c 'state UP' | grep -qx 3
}
wait_for 20 neighbours_are_known

configure "{ address = \"$group4\"; port = $PORT; interface = \"d0\"; },
	{ address = \"$group4\"; port = $PORT; interface = \"d1\"; },
	{ address = \"$group6\"; port = $PORT; interface = \"d0\"; },
	{ address = \"$group6\"; port = $PORT; interface = \"d1\"; },
	{ address = \"0.0.0.0\"; port = $((PORT + 1)); interface = \"d0\"; },
	{ address = \"0.0.0.0\"; port = $((PORT + 1)); interface = \"d1\"; },
	{ address = \"fd00:77:1::1\"; port = $((PORT + 1)); interface = \"d1\"; }"
check "it starts" start_node || diag "$(cat "$T/messages")"

# One listener at a time. What nobody may hear is sent before, so that it had come when the rest is there.
total=0
sent()
{
	there "$BLAST" -p "$2" -s "$3" -n "$4" -r 20000 -a "$5" ${6:+-i "$6"} >/dev/null
	total=$((total + $4))
	check "$1: recorded" wait_for 20 recorded $total
}
# The third interface is a member, of another program's making.
ip addr add $group4/32 dev d2 autojoin
ip addr add $group6/128 dev d2 autojoin nodad 2>/dev/null || true
there "$BLAST" -p "$PORT" -s 1099 -n 30 -a $group4 -i p2 >/dev/null
there "$BLAST" -p "$PORT" -s 1099 -n 30 -a $group6 -i p2 >/dev/null
there "$BLAST" -p $((PORT + 1)) -s 1099 -n 30 -a 10.77.2.1 >/dev/null
"$BLAST" -p $((PORT + 1)) -s 1099 -n 30 -a 127.0.0.1 >/dev/null # comes by lo
sent "IPv4 group, first interface" "$PORT" 1001 300 $group4 p0
sent "IPv4 group, second interface" "$PORT" 1002 200 $group4 p1
sent "IPv6 group, first interface" "$PORT" 1003 150 $group6 p0
sent "IPv6 group, second interface" "$PORT" 1004 100 $group6 p1
sent "wildcard address, first interface" $((PORT + 1)) 1005 90 10.77.0.1
sent "wildcard address, second interface" $((PORT + 1)) 1006 80 10.77.1.1
sent "IPv6 address, second interface" $((PORT + 1)) 1007 70 fd00:77:1::1
stop_node
is "$status" 0 "SIGTERM: exit 0"
records >"$T/records"
is "$(awk '$2 == "datagram" { print $7, $6 }' "$T/records" | sort | uniq -c | awk '{ print $1, $2, $3 }' | paste -sd,)" \
	"300 0 1001,200 1 1002,150 2 1003,100 3 1004,90 4 1005,80 5 1006,70 6 1007" \
	"each listener recorded what came by its interface, once"
like "$(grep ' event .* stop ' "$T/records")" " 16=990 17=[0-9]+ 18=0 19=0 20=0 21=0 22=0 23=0" \
	"what came by others is counted nowhere"
done_testing
