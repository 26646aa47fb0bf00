#!/bin/sh
# SPDX-License-Identifier: ISC
# A template for an exporter's domain from another port, or another address, does not touch the exporter's: v9 and IPFIX.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"
need_commands perl jq

# say FROM FROM-PORT BYTES: one datagram.
say()
{
	perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(LocalHost => shift, LocalPort => shift, PeerHost => "127.0.0.1",
		    PeerPort => shift, Proto => "udp") or die $@;
		$s->send(pack("H*", shift)) or die $!;' "$1" "$2" "$PORT" "$3"
	sent=$((sent + 1))
}

# Sequence and domain 77; templates with id 300: addresses and bytes (octetDeltaCount 4), or the lie: protocol and 11 bytes.
v9=00090001000003e865000000
ipfix=000a00
tail=0000004d
truth=012c00030008000400 truth=${truth}0c000400010004
lie=012c0002000400010052000b
data=012c0010c0000207c6336408000005dc

sent=0
configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";'
check "it starts" start_node
for segment in 1 2; do
	if [ $segment = 1 ]; then
		# the exporters' templates, then the lies
		say 127.0.0.1 $((PORT + 1)) "${v9}00000000${tail}00000014$truth"
		say 127.0.0.1 $((PORT + 2)) "${ipfix}2465000000""00000000${tail}00020014$truth"
		for from in "127.0.0.1 $((PORT + 3))" "127.0.0.9 $((PORT + 1))"; do
			# shellcheck disable=SC2086 # two words
			say $from "${v9}00000001${tail}00000010$lie"
		done
		for from in "127.0.0.1 $((PORT + 4))" "127.0.0.9 $((PORT + 2))"; do
			# shellcheck disable=SC2086 # two words
			say $from "${ipfix}2065000000""00000000${tail}00020010$lie"
		done
	fi
	say 127.0.0.1 $((PORT + 1)) "${v9}0000000$segment${tail}$data"
	say 127.0.0.1 $((PORT + 2)) "${ipfix}2065000000""0000000$((segment - 1))${tail}$data"
	check "they are recorded" wait_for 20 recorded $sent
	[ $segment = 2 ] || kill -USR1 "$node_pid"
	[ $segment = 2 ] || check "the segment is sealed" wait_for 20 sealed 1
done
stop_node
is "$(records | grep -c ' finding ')" 0 "no findings"
is "$(records | awk '$2 == "datagram" && $8 != 0' | wc -l)" 0 "all of them are well-formed"
for segment in "$T"/log/*.fbs; do
	run "$BUILDDIR/flowbraid" cat -q -F json "$segment"
	is "$(printf '%s\n' "$out" | jq -c '[.sourceIPv4Address, .destinationIPv4Address, .octetDeltaCount]' | sort | uniq -c | tr -s ' ')" \
		' 2 ["192.0.2.7","198.51.100.8",1500]' "${segment##*/}: both flows as their exporters meant them"
done
done_testing
