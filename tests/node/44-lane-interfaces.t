#!/bin/sh
# SPDX-License-Identifier: ISC
# Interfaces that come later, go and come back (with another index, or their old one), and get other names, under a daemon
# with three lanes: all lanes hear again, each the exporters that it had before.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip nsenter python3
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

said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}

is_up()
{
	there ip -o link show p0 | grep -q 'state UP'
}

address_interface()
{
	ip addr add 10.77.0.1/24 dev d0 && ip -6 addr add fd00:77::1/64 dev d0 nodad && ip link set d0 up
	for i in $(seq 101 120); do
		there ip addr add 10.77.0.$i/24 dev p0
		there ip -6 addr add "fd00:77::$(printf %x "$i")/64" dev p0 nodad
	done
	there ip link set p0 up
	wait_for 20 is_up
}

make_interface()
{
	ip link add d0 ${1:+index "$1"} type veth peer name p0 netns $far && address_interface
}

total=0 sequence=1
# hears NAME: of twenty hosts' exporters each, ten datagrams to each listener are recorded, in the lanes that they had.
hears()
{
	for to in $group4 $group6 10.77.0.1 fd00:77::1; do
		case $to in *:*) source=fd00:77::65 ;; *) source=10.77.0.101 ;; esac
		case $to in
		239.* | ff*) port=$PORT interface=p0 ports=2 ;;
		*) port=$((PORT + 1)) interface='' ports=5 ;;
		esac
		there python3 "$SRCDIR/tests/node/exporters.py" $to $port $source 20 $ports $sequence 10 10000 $interface ||
			fail "exporters send to $to"
		total=$((total + 20 * ports * 10))
	done
	sequence=$((sequence + 10))
	check "$1: every lane hears" wait_for 20 recorded $total ||
		diag "$(records | awk '$2 == "datagram" { n = split($1, path, "/"); print substr(path[n], 1, 2), $7 }' | sort | uniq -c; tail -n 20 "$T/messages")"
	records | awk '$2 == "datagram" { n = split($1, path, "/"); print $5, $6, $7, substr(path[n], 1, 2) }' | sort -u >"$T/lanes-of"
	is "$(awk '{ print $1, $2, $3 }' "$T/lanes-of" | uniq -d | wc -l)" 0 "$1: exporters stay in their lanes"
	is "$(records | grep -c ' datagram ')" $total "$1: nothing twice"
}

ip link set lo up
configure "{ address = \"$group4\"; port = $PORT; interface = \"d0\"; },
	{ address = \"$group6\"; port = $PORT; interface = \"d0\"; },
	{ address = \"0.0.0.0\"; port = $((PORT + 1)); interface = \"d0\"; },
	{ address = \"::\"; port = $((PORT + 1)); interface = \"d0\"; }" 'rotate = "1d";' \
	"lanes = 3; $(test "$(id -u)" != 0 || echo 'user = "nobody";')"
check "it starts without the interface" start_node || diag "$(cat "$T/messages")"
is "$(grep -c 'there is no interface d0; waiting for it' "$T/messages")" 4 "each listener that waits is said, once for all lanes"
make_interface 50 || skip_all "no IPv6 here"
check "the interface comes: said" wait_for 20 said 'interface d0 is there, and heard' 4 || diag "$(cat "$T/messages")"
hears "an interface that came later"

ip link del d0
check "it goes: said" wait_for 20 said 'interface d0 has gone' 4
make_interface 60
check "it comes back: said" wait_for 20 said 'interface d0 is there, and heard' 8 || diag "$(cat "$T/messages")"
hears "with another index"

ip link del d0
check "it goes again: said" wait_for 20 said 'interface d0 has gone' 8
# Meanwhile a reload joins other sources: of a group whose interface has gone.
cp "$T/conf" "$T/before"
sed -i "s/\(address = \"$group4\";\)/\1 join_sources = [ \"10.77.0.101\" ];/" "$T/conf"
kill -HUP "$node_pid"
check "a reload meanwhile" wait_for 20 said 'configuration read again' 1 || diag "$(cat "$T/messages")"
cp "$T/before" "$T/conf"
kill -HUP "$node_pid"
check "and another one" wait_for 20 said 'configuration read again' 2 || diag "$(cat "$T/messages")"
make_interface 60
check "it comes back: said" wait_for 20 said 'interface d0 is there, and heard' 12 || diag "$(cat "$T/messages")"
hears "with the same index"

ip link set d0 down
ip link set d0 name other0
check "another name: said" wait_for 20 said 'interface d0 has gone' 12
ip link set other0 name d0
ip link set d0 up
ip -6 addr add fd00:77::1/64 dev d0 nodad 2>/dev/null || true # IPv6 addresses go with an interface that is down
wait_for 20 is_up
check "its name again: said" wait_for 20 said 'interface d0 is there, and heard' 16 || diag "$(cat "$T/messages")"
hears "with its name again"
is "$(grep -c 'cannot' "$T/messages")" 0 "nothing failed" || diag "$(grep cannot "$T/messages")"
is "$(grep -c 'ended by' "$T/messages")" 0 "no collector was started again"
stop_node
is "$status" 0 "SIGTERM: exit 0"
run "$BUILDDIR/flowbraid" verify -q "$T/log"
is "$status" 0 "the log is whole" || diag "$out$err"
done_testing
