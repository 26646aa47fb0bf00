#!/bin/sh
# SPDX-License-Identifier: ISC
# Sockets: IPv4, a group, IPv6; allow-lists, what is not export; SIGUSR1, SIGHUP, SIGTERM.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

need_commands perl
group4=239.255.77.1
v6=no
grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null && v6=yes

# say ADDRESS PORT BYTES...: one datagram of these bytes.
say()
{
	perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(PeerHost => shift, PeerPort => shift, Proto => "udp") or die $@;
		$s->send(pack("H*", shift)) or die $!;' "$@"
}

listeners="{ address = \"127.0.0.1\"; port = $PORT; },
	{ address = \"$group4\"; port = $((PORT + 1)); interface = \"lo\"; },
	{ address = \"127.0.0.1\"; port = $((PORT + 2)); sources = [ \"127.0.0.2\", \"10.0.0.0/8\" ]; }"
[ $v6 = no ] || listeners="$listeners,
	{ address = \"::1\"; port = $PORT; }"
configure "$listeners" 'rotate = "1d";'
before=$(date +%s)
check "it starts" start_node || diag "$(cat "$T/messages")"

# sent LISTENER PORT SOURCE-PORT WHAT OPTIONS...: sends 500, and expects all of them in the log, in order.
total=0
sent()
{
	listener=$1 to=$2 from=$3 what=$4
	shift 4
	"$BLAST" -p "$to" -s "$from" -n 500 -r 20000 "$@" >/dev/null
	total=$((total + 500))
	check "$what: they reach the disk while it runs" wait_for 20 recorded $total
	records | awk -v l="$listener" '$2 == "datagram" && $7 == l' >"$T/of-listener"
	is "$(wc -l <"$T/of-listener")" 500 "$what: all of them, of listener $listener"
	is "$(awk -v p="$from" '$6 != p' "$T/of-listener" | wc -l)" 0 "$what: the exporter's port"
	# v5: the sequence is the 5th word of the header
	cut -d' ' -f10 "$T/of-listener" | cut -c33-40 >"$T/got"
	awk 'BEGIN { for (i = 0; i < 500; i++) printf "%08x\n", i * 30 }' >"$T/want"
	is "$(cmp "$T/got" "$T/want" 2>&1)" "" "$what: in their order"
}

sent 0 "$PORT" $((PORT + 10)) "IPv4"
is "$(cut -d' ' -f5 "$T/of-listener" | sort -u)" 127.0.0.1 "IPv4: the exporter's address"
sent 1 $((PORT + 1)) $((PORT + 11)) "IPv4 group" -a $group4 -i lo
if [ $v6 = yes ]; then
	sent 3 "$PORT" $((PORT + 12)) "IPv6" -a ::1
	is "$(cut -d' ' -f5 "$T/of-listener" | sort -u)" ::1 "IPv6: the exporter's address"
else
	skip "IPv6" "no IPv6 here"
fi
after=$(date +%s)
is "$(records | awk -v a="$before" -v b="$after" '$2 == "datagram" && ($4 < a * 1e9 || $4 > (b + 1) * 1e9)' | wc -l)" 0 \
	"receive times are of now"

# What is not taken, and what is taken with a flag. The last one of each burst is good, so it can be waited for.
"$BLAST" -p $((PORT + 2)) -n 20 >/dev/null
say 127.0.0.1 "$PORT" 68656c6c6f
say 127.0.0.1 "$PORT" 0005000100000000
say 127.0.0.1 "$PORT" "0009000200000001000000020000000300000004"00000000
"$BLAST" -p "$PORT" -n 1 >/dev/null
total=$((total + 3))
check "a datagram after bad ones is recorded" wait_for 20 recorded $total
is "$(records | awk '$2 == "datagram" && $8 == 2 { print $9 }' | paste -sd' ')" "8 24" \
	"a cut header, a set of length 0: recorded and flagged"

kill -HUP "$node_pid"
kill -USR1 "$node_pid"
check "SIGUSR1 seals the segment" wait_for 20 sealed 1
"$BLAST" -p "$PORT" -n 3 >/dev/null
total=$((total + 3))
check "and it goes on, SIGHUP or not" wait_for 20 recorded $total

# What is in the sockets when SIGTERM comes is recorded.
kill -STOP "$node_pid"
"$BLAST" -p "$PORT" -n 50 >/dev/null
total=$((total + 50))
kill -TERM "$node_pid"
kill -CONT "$node_pid"
stop_node
is "$status" 0 "SIGTERM: exit 0"
records >"$T/records"
is "$(grep -c ' datagram ' "$T/records")" $total "what had come before SIGTERM is recorded"
is "$(find "$T/log" -name '*.open' | wc -l)" 0 "everything is sealed"
is "$(grep -c ' finding ' "$T/records")" 0 "no findings"
is "$(grep -c ' seal ' "$T/records")" 2 "two segments"
like "$(grep ' event .* stop ' "$T/records")" " 16=$total 17=[0-9]+ 18=20 19=1 20=2 21=0 22=0 23=0" \
	"the counters of the stop event: refused, unknown, malformed"
like "$(grep ' event .* stop ' "$T/records")" " 24=52-bytes" "and the streams"
like "$(cat "$T/messages")" "$total datagrams recorded \(2 malformed, 0 cut\), 20 refused, 1 of no known protocol" \
	"the same in the messages"
done_testing
