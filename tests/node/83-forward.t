#!/bin/sh
# SPDX-License-Identifier: ISC
# Datagrams sent on to other collectors: over IPv4 and IPv6, to groups, from the node and from exporters' own addresses and
# ports; targets that are dead, refuse, have no route yet; reloads; and that the log has all of it whatever happens.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip nsenter curl jq python3
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
. "$SRCDIR/tests/node/node.sh"

# The node stands between exporters and collectors, each in a namespace of their own.
others=
more_cleanup()
{
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$others" ] || kill $others 2>/dev/null || true
}
# space NUMBER: makes the namespace of process $space, joined to this one: 10.77.NUMBER.0/24, fd00:77:NUMBER::/64.
space()
{
	unshare --net sleep 1000 &
	space=$!
	others="$others $space"
	wait_for 10 moved "$space"
	ip link add "d$1" type veth peer name p0
	ip link set p0 netns $space
	ip addr add "10.77.$1.1/24" dev "d$1"
	ip -6 addr add "fd00:77:$1::1/64" dev "d$1" nodad
	ip link set "d$1" up
	in_space ip link set lo up
	in_space ip addr add "10.77.$1.2/24" dev p0
	in_space ip -6 addr add "fd00:77:$1::2/64" dev p0 nodad
	in_space ip link set p0 up
	in_space ip route add default via "10.77.$1.1"
	in_space ip -6 route add default via "fd00:77:$1::1"
	in_space sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.p0.rp_filter=0 2>/dev/null || true
}
moved()
{
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}
in_space()
{
	nsenter -t $space -n "$@"
}
ip link set lo up
space 1
collectors=$space
space 2
exporters=$space
space=$collectors

is_ready()
{
	grep -q ready "$1"
}
# sink NAME ADDRESS PORT [GROUP INTERFACE]: among the collectors; what it gets stands in $T/NAME.
sink()
{
	sink_name=$1
	shift
	nsenter -t $space -n python3 "$SRCDIR/tests/node/outputs.py" sink "$1" "$2" "$T/$sink_name" ${3+"$3"} ${4+"$4"} >"$T/ready" &
	others="$others $!"
	wait_for 20 is_ready "$T/ready"
}
# got NAME N
got()
{
	[ "$(wc -l <"$T/$1")" -ge "$2" ]
}
# export [OPTIONS]: from the exporters' namespace.
export_some()
{
	nsenter -t "$exporters" -n "$BLAST" -a 10.77.2.1 -p "$PORT" "$@" >/dev/null
}
# What the log has, and what a sink got, as sets of payloads.
logged()
{
	"$BUILDDIR/tests/node/records" -x "$T"/log/*.fbs* | awk '$2 == "datagram" { print $NF }' | sort
}
same_as_log()
{
	cut -d' ' -f3 "$T/$1" | sort | cmp -s - "$T/logged"
}
said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "${2-1}" ]
}
STATUS=$((PORT + 1))
status_of()
{
	curl -s -m 10 "http://127.0.0.1:$STATUS/status" | jq -r "$1"
}
forwarded()
{
	[ "$(status_of '[.relay.forward[] | .sent] | max')" -ge "$1" ]
}
LISTENERS="{ address = \"10.77.2.1\"; port = $PORT; receive_buffer = \"64M\"; }, { address = \"fd00:77:2::1\"; port = $PORT; receive_buffer = \"64M\"; }"
user=
if id nobody >/dev/null 2>&1; then
	user='user = "nobody";'
	chmod 711 "$T"
	mkdir "$T/log"
	chown nobody "$T/log"
fi
# setup TARGETS
setup()
{
	configure "$LISTENERS" 'rotate = "1d";' "status = { address = \"127.0.0.1\"; port = $STATUS; }; $user forward = ( $1 );"
}

# --- all kinds of targets at once ---
sink four 10.77.1.2 9001
sink six fd00:77:1::2 9002
sink group4 239.255.77.9 9003 239.255.77.9 p0
sink group6 ff05::77:9 9004 ff05::77:9 p0
sink own4 10.77.1.2 9005
sink own6 fd00:77:1::2 9006
sink chosen 10.77.1.2 9007
ALL="{ address = \"10.77.1.2\"; port = 9001; },
	{ address = \"fd00:77:1::2\"; port = 9002; hops = 9; },
	{ address = \"239.255.77.9\"; port = 9003; interface = \"d1\"; },
	{ address = \"ff05::77:9\"; port = 9004; interface = \"d1\"; hops = 2; },
	{ address = \"10.77.1.2\"; port = 9005; exporter_address = true; },
	{ address = \"fd00:77:1::2\"; port = 9006; exporter_address = true; },
	{ address = \"10.77.1.2\"; port = 9007; sources = [ \"fd00:77:2::/64\" ]; },
	{ address = \"10.77.1.99\"; port = 9008; },
	{ address = \"fd00:77:1::2\"; port = 9009; },
	{ address = \"203.0.113.9\"; port = 9010; },
	{ address = \"10.77.1.2\"; port = 9011; interface = \"nosuch0\"; }"
setup "$ALL"
check "it starts, whatever leads to the targets" start_node || diag "$(cat "$T/messages")"
like "$(cat "$T/messages")" 'forward 203.0.113.9 port 9010: cannot send there: Network is unreachable; tried again' "no route: said"
like "$(cat "$T/messages")" 'forward 10.77.1.2 port 9011 on nosuch0: nosuch0: No such device; tried again' "no interface: said"
relay=$(children fb-relay)
check "there is a relay" [ -n "$relay" ]
is "$(awk '/^Uid:/ { print $2 }' "/proc/$relay/status")" "$(id -u "$([ -z "$user" ] || echo nobody)")" "whose user is another"
is "$(awk '/^Cap(Prm|Eff|Amb|Inh):/ { print $2 }' "/proc/$relay/status" | sort -u)" 0000000000000000 "without capabilities"
is "$(awk '/^CapEff:/ { print $2 }' "/proc/$node_pid/status" | sed 's/.*\(....\)$/\1/')" 34c0 "the parent has CAP_NET_RAW"
export_some -s 4001 -n 1000 -r 5000 -v 5
# Over IPv6 these are too long for one packet.
nsenter -t "$exporters" -n "$BLAST" -a fd00:77:2::1 -p "$PORT" -s 4002 -n 500 -r 5000 -v 9 >/dev/null
check "all of it is recorded" wait_for 20 recorded 1500
logged >"$T/logged"
for name in four six group4 group6; do
	check "$name: as many datagrams" wait_for 20 got $name 1500 || diag "$(wc -l <"$T/$name")"
	check "$name: the same as in the log, byte by byte" same_as_log $name
done
is "$(cut -d' ' -f1 "$T/four" | sort -u)" 10.77.1.1 "they come from the node"
check "from exporters of IPv4" wait_for 20 got own4 1000
is "$(cut -d' ' -f1,2 "$T/own4" | sort | uniq -c | awk '{ print $1, $2, $3 }')" "1000 10.77.2.2 4001" "its own address and port"
check "from exporters of IPv6" wait_for 20 got own6 500
is "$(cut -d' ' -f1,2 "$T/own6" | sort | uniq -c | awk '{ print $1, $2, $3 }')" "500 fd00:77:2::2 4002" "its own address and port"
cut -d' ' -f3 "$T/own4" "$T/own6" | sort >"$T/own"
check "both together: the same as in the log" cmp -s "$T/own" "$T/logged"
check "sources: those alone" wait_for 20 got chosen 500
is "$(wc -l <"$T/chosen")" 500 "and no others"
seen()
{
	[ "$(status_of '[.relay.forward[] | select(.name | test(":(9001|9002|9003|9004|9008)")) | .sent] | min')" = 1500 ]
}
check "they are counted" wait_for 10 seen || diag "$(status_of .relay)"
lost()
{
	status_of ".relay.forward[] | select(.name | test(\"$1\")) | .lost"
}
is "$(lost ':9001') $(lost ':9004') $(lost :9007)" "0 0 0" "nothing lost to those who hear"
is "$(lost :9005) $(lost :9006)" "500 1000" "exporters of the other family are lost to those who want their addresses"
check "a target that refuses: counted" [ "$(lost :9009)" -gt 0 ]
like "$(cat "$T/messages")" 'forward fd00:77:1::2 port 9009: cannot send: Connection refused' "and said"
is "$(lost :9010) $(lost :9011)" "1500 1500" "no way: all lost, and counted"
is "$(curl -s "http://127.0.0.1:$STATUS/metrics" | grep '^flowbraid_forward_lost_packets_total{target="203.0.113.9:9010"}' | cut -d' ' -f2)" 1500 "in the metrics, too"
is "$(grep -c 'cannot send' "$T/messages" | awk '{ print ($1 <= 12) }')" 1 "each says so once"

# --- a way comes later ---
ip link add nosuch0 type veth peer name p9
ip link set nosuch0 up
ip addr add 203.0.113.1/24 dev d1
in_space ip addr add 203.0.113.9/24 dev p0
check "a route: there is a way" wait_for 20 said 'forward 203.0.113.9 port 9010: there is a way now'
check "an interface: there is a way" wait_for 20 said 'forward 10.77.1.2 port 9011 on nosuch0: there is a way now'
sink late 203.0.113.9 9010
# What comes before the neighbour has answered may be lost.
arrives()
{
	export_some -s 4001 -n 10 -r 5000 -v 5
	got late 100
}
check "and it is taken" wait_for 30 arrives
# The node's address on the way changes: what is sent comes from the new one.
ip addr add 10.77.1.3/24 dev d1
ip addr del 10.77.1.1/24 dev d1
ip addr add 10.77.1.3/24 dev d1 2>/dev/null || true
ip link set nosuch0 down
check "links are news" wait_for 20 test -n "$(ip -o link show nosuch0)"
moved_on()
{
	export_some -s 4001 -n 10 -r 5000 -v 5
	grep -q '^10.77.1.3 ' "$T/four"
}
check "an address that is no more is not sent from" wait_for 20 moved_on || diag "$(cut -d' ' -f1 "$T/four" | sort | uniq -c)"

# --- lives of the relay ---
relay=$(children fb-relay)
kill -9 "$relay"
another()
{
	[ -n "$(children fb-relay)" ] && [ "$(children fb-relay)" != "$relay" ]
}
check "killed: another one takes its place" wait_for 20 another
check "it is said" said 'relay: ended by signal 9'
before=$(wc -l <"$T/four")
export_some -s 4001 -n 200 -r 5000 -v 5
check "and sends on" wait_for 20 got four $((before + 200))
restarts()
{
	[ "$(status_of .relay.restarts)" = 1 ]
}
check "it is counted" wait_for 10 restarts

# --- reload ---
reloaded=0
reload()
{
	reloaded=$((reloaded + 1))
	kill -HUP "$node_pid"
	wait_for 20 said 'configuration read again' $reloaded
}
collector=$(children fb-collector)
setup '{ address = "10.77.1.2"; port = 9007; }'
check "one target instead of all" reload || diag "$(tail -3 "$T/messages")"
before=$(wc -l <"$T/chosen") others_before=$(wc -l <"$T/four")
export_some -s 4001 -n 300 -r 5000 -v 5
check "gets everything" wait_for 20 got chosen $((before + 300))
is "$(wc -l <"$T/four")" "$others_before" "the others nothing any more"
is "$(children fb-collector)" "$collector" "the collector is the same"
configure "$LISTENERS" 'rotate = "1d";' "status = { address = \"127.0.0.1\"; port = $STATUS; }; $user"
check "none" reload
is "$(children fb-relay)" "" "no relay"
none_shown()
{
	[ "$(status_of .relay)" = null ]
}
check "nor in the status" wait_for 10 none_shown
export_some -s 4001 -n 100 -r 5000 -v 5
setup '{ address = "10.77.1.2"; port = 9007; }'
check "one again" reload
before=$(wc -l <"$T/chosen")
export_some -s 4001 -n 50 -r 5000 -v 5
check "gets what comes" wait_for 20 got chosen $((before + 50))
is "$(wc -l <"$T/chosen")" $((before + 50)) "and nothing from before"
setup "{ address = \"10.77.1.2\"; port = 9007; }, { address = \"10.77.2.1\"; port = $PORT; }"
kill -HUP "$node_pid"
check "one that would come back to a listener: refused" wait_for 20 said 'would come back to listener 10.77.2.1 port'
check "the running configuration stays" said 'the running configuration stays'

# Under load nothing is lost by a reload.
setup '{ address = "10.77.1.2"; port = 9007; }, { address = "10.77.1.2"; port = 9001; }'
before=$(wc -l <"$T/chosen")
export_some -s 4001 -n 20000 -r 4000 -v 5 &
load=$!
check "a reload under load" reload
setup '{ address = "10.77.1.2"; port = 9007; }'
check "and another one" reload
wait $load
check "loses nothing for the target that stays" wait_for 30 got chosen $((before + 20000)) || diag "$(($(wc -l <"$T/chosen") - before))"
stop_node
is "$status" 0 "it ends in good order"
is "$(records | grep -c ' datagram ')" "$(records | sed -n 's/.* event .* stop .*16=\([0-9]*\).*/\1/p')" "with all that came in the log"

# --- without the privilege ---
setup '{ address = "10.77.1.2"; port = 9001; }'
check "it starts without exporter_address" start_node
is "$(awk '/^CapEff:/ { print $2 }' "/proc/$node_pid/status" | sed 's/.*\(....\)$/\1/')" 14c0 "the parent has no CAP_NET_RAW"
setup '{ address = "10.77.1.2"; port = 9005; exporter_address = true; }'
kill -HUP "$node_pid"
check "a reload cannot bring it" wait_for 20 said 'cannot send from exporters. addresses: Operation not permitted .CAP_NET_RAW'
stop_node
is "$status" 0 "it ends in good order"
done_testing
