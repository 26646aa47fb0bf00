#!/bin/sh
# SPDX-License-Identifier: ISC
# Groups: one group on two interfaces, IPv4 and IPv6, is two listeners, and each hears its own interface alone;
# a group that only another program joined is not heard.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip perl
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
. "$SRCDIR/tests/node/node.sh"

ip link set lo up
for i in 0 1; do
	ip link add d$i type veth peer name p$i
	ip link set d$i up
	ip link set p$i up
	ip addr add 10.77.$i.1/24 dev d$i
	ip -6 addr add fd00:77:$i::1/64 dev d$i nodad 2>/dev/null || v6=no
done
group4=239.255.77.1 other4=239.255.77.2
group6=ff05::77:1 other6=ff05::77:2

listeners=
for i in 0 1; do
	listeners="$listeners${listeners:+,} { address = \"$group4\"; port = $PORT; interface = \"d$i\"; }"
done
if [ "${v6-yes}" = yes ]; then
	for i in 0 1; do
		listeners="$listeners, { address = \"$group6\"; port = $PORT; interface = \"d$i\"; }"
	done
fi
configure "$listeners"
check "it starts" start_node || diag "$(cat "$T/messages")"

# Another program joins another group of the same port, on all interfaces.
perl -MSocket=:all -e '
	socket(my $s, AF_INET, SOCK_DGRAM, 0) or die;
	setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die;
	bind($s, pack_sockaddr_in($ARGV[0], INADDR_ANY)) or die;
	setsockopt($s, IPPROTO_IP, IP_ADD_MEMBERSHIP, pack_ip_mreq(inet_aton($ARGV[1]), inet_aton("10.77.0.1"))) or die;
	open my $f, ">", $ARGV[2]; close $f;
	sleep 60;' "$PORT" $other4 "$T/joined" &
joiner=$!
more_cleanup()
{
	kill $joiner 2>/dev/null || true
}
wait_for 20 test -e "$T/joined"

total=0
sent()
{
	"$BLAST" -p "$PORT" -s "$2" -n "$3" -r 20000 -a "$4" -i "$5" >/dev/null
	total=$((total + $3))
	check "$1: recorded" wait_for 20 recorded $total
}

"$BLAST" -p "$PORT" -n 30 -a $other4 -i d0 >/dev/null
sent "IPv4 on the first interface" 1001 300 $group4 d0
sent "IPv4 on the second interface" 1002 200 $group4 d1
if [ "${v6-yes}" = yes ]; then
	"$BLAST" -p "$PORT" -n 30 -a $other6 -i d0 >/dev/null
	sent "IPv6 on the first interface" 1003 150 $group6 d0
	sent "IPv6 on the second interface" 1004 100 $group6 d1
	want="300 0 1001,200 1 1002,150 2 1003,100 3 1004"
else
	skip "IPv6" "no IPv6 here"
	want="300 0 1001,200 1 1002"
fi
stop_node
is "$status" 0 "SIGTERM: exit 0"
is "$(records | awk '$2 == "datagram" { print $7, $6 }' | sort | uniq -c | awk '{ print $1, $2, $3 }' | paste -sd,)" "$want" \
	"each listener heard its own interface and group, once"
done_testing
