#!/bin/sh
# SPDX-License-Identifier: ISC
# -r: a capture through the same path as sockets, with the capture's times.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

# 12 minutes from 22:11:40 on, one a second: three or four periods of rotation.
"$BLAST" -w "$T/a.pcap" -a 239.1.1.1 -p 2055 -n 720 -r 1 -t 1700000000
"$BLAST" -w "$T/b.pcap" -a 239.1.1.1 -p 2056 -n 10 -r 1 -t 1700000720 -v 9
"$BLAST" -w "$T/c.pcap" -a 239.1.1.1 -p 2057 -n 10 -r 1 -t 1700000730
configure '{ address = "239.1.1.9"; port = 2055; interface = "nosuch0"; },
	{ address = "239.1.1.1"; port = 2055; interface = "nosuch0"; },
	{ address = "::1"; port = 2056; }'

run "$NODE" -f "$T/conf" -r "$T/a.pcap" -r "$T/b.pcap" -r "$T/c.pcap"
is "$status" 0 "captures are read without the interface" || diag "$err"
like "$err" 'log .*: 730 datagrams recorded \(0 malformed, 0 cut\), 0 refused, 0 of no known protocol' "what was recorded is said"
records >"$T/records"
is "$(grep -c ' datagram ' "$T/records")" 730 "every datagram to a listener's port is recorded"
is "$(grep -c ' finding ' "$T/records")" 0 "no findings"
is "$(grep ' datagram ' "$T/records" | sed -n 1p | cut -d' ' -f2,4-9)" \
	"datagram 1700000000000000000 198.51.100.1 50000 1 0 1464" "the first: time, exporter, listener with its address"
is "$(grep ' datagram ' "$T/records" | awk '$7 == 2' | wc -l)" 10 "a listener of that port, where none has the address"
is "$(grep ' datagram ' "$T/records" | awk '$4 != 1700000000000000000 + (NR - 1) * 1000000000' | wc -l)" 0 "times are the capture's"
is "$(cut -d' ' -f1 "$T/records" | uniq | paste -sd' ')" \
	"$(cd "$T/log" && ls | paste -sd' ')" "segments in their order"
is "$(cd "$T/log" && ls | sed 's/.*-//' | paste -sd' ')" \
	"20231114T221320Z.fbs 20231114T221500Z.fbs 20231114T222000Z.fbs 20231114T222500Z.fbs" \
	"segments are cut at multiples of the period, by the capture's times"
is "$(grep -c ' seal ' "$T/records")" 4 "all are sealed"
is "$(grep ' event ' "$T/records" | cut -d' ' -f5 | sort | uniq -c | awk '{ print $2 $1 }' | paste -sd' ')" \
	"heartbeat73 start1 stop1" "start, stop, and a heartbeat in each 10 s of the capture"
like "$(grep ' stop ' "$T/records")" ' 1700000739000000000 stop 16=730 ' "the end is the last datagram's time; its counters"
is "$(grep -Ev ' (header|finding|torn) ' "$T/records" | awk '$3 != NR' | wc -l)" 0 "record sequences without a hole"

# An older capture after a newer one: no new segment for each datagram.
rm -rf "$T/log"
run "$NODE" -f "$T/conf" -r "$T/b.pcap" -r "$T/a.pcap"
is "$status" 0 "an older capture after a newer one"
is "$(records | grep -c ' datagram ')" 730 "everything is recorded"
is "$(find "$T/log" -name '*.fbs' | wc -l)" 1 "in the segment at hand"

# A second run on the same log is a new incarnation.
run "$NODE" -f "$T/conf" -r "$T/a.pcap"
is "$(records | awk '$2 == "header" { print $4 }' | sort -u | wc -l)" 2 "a second run is a new incarnation"

head -c 100000 "$T/a.pcap" >"$T/cut.pcap"
rm -rf "$T/log"
run "$NODE" -f "$T/conf" -r "$T/cut.pcap" -r "$T/b.pcap"
is "$status" 1 "a capture that ends in a packet: exit 1"
like "$err" "$T/cut.pcap: cannot read on after 66 UDP packets: truncated" "it says so"
is "$(records | grep -c ' datagram ')" 76 "what can be read is recorded, of the next capture too"

run "$NODE" -f "$T/conf" -r "$T/none.pcap"
is "$status" 2 "no such capture: exit 2"
like "$err" "$T/none.pcap: cannot read the capture: .*No such file" "no such capture: message"
run "$NODE" -f "$T/conf" -r "$T/conf"
is "$status" 2 "no capture at all: exit 2"
like "$err" "$T/conf: cannot read the capture: " "no capture at all: message"

configure '{ address = "239.1.1.1"; port = 2055; interface = "nosuch0"; sources = [ "198.51.100.0/32", "203.0.113.0/24" ]; }'
rm -rf "$T/log"
run "$NODE" -f "$T/conf" -r "$T/a.pcap"
like "$err" ' 0 datagrams recorded .* 720 refused' "sources are asked"

configure '{ address = "239.1.1.1"; port = 2055; interface = "nosuch0"; }' 'size = "1M"; rotate = "1d";'
rm -rf "$T/log"
"$BLAST" -w "$T/d.pcap" -a 239.1.1.1 -p 2055 -n 3000 -r 1000 -t 1700000000
run "$NODE" -f "$T/conf" -r "$T/d.pcap"
is "$(find "$T/log" -name '*.fbs' -size +1024k | wc -l)" 0 "no segment is larger than log.size"
check "they are cut by size" [ "$(find "$T/log" -name '*.fbs' | wc -l)" -ge 5 ]
is "$(records | grep -c ' datagram ')" 3000 "everything is recorded"
done_testing
