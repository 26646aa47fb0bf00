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
	"configuration1 heartbeat73 start1 stop1" "start, stop, what it was told, and a heartbeat in each 10 s of the capture"
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

# What stands around the IP packets, by the kind of the capture: VLAN tags, and what tcpdump -i any writes.
# wrap LINK-TYPE HEADER: a.pcap with each packet behind that header, in w.pcap.
wrap()
{
	perl -e '
		my ($type, $header) = (shift, pack("H*", shift));
		local $/; open my $f, "<", shift or die; my $all = <$f>;
		my ($u, $at) = (unpack("V", $all) == 0xa1b23c4d ? "V" : "N", 24);
		print substr($all, 0, 20), pack($u, $type);
		while ($at < length $all) {
			my ($s, $ns, $len, $whole) = unpack("${u}4", substr($all, $at, 16));
			my $more = length $header;
			print pack("${u}4", $s, $ns, $len + $more, $whole + $more), $header, substr($all, $at + 16, $len);
			$at += 16 + $len;
		}' "$1" "$2" "$T/a.pcap" >"$T/w.pcap"
}
if command -v perl >/dev/null; then
	rm -rf "$T/log"
	"$NODE" -f "$T/conf" -r "$T/a.pcap" 2>/dev/null
	records | awk '$2 == "datagram" { print $4, $5, $6, $7, $8, $9, $10 }' >"$T/want"
	macs=01005e0101010200000000aa
	while read -r type header what; do
		wrap "$type" "$header"
		rm -rf "$T/log"
		run "$NODE" -f "$T/conf" -r "$T/w.pcap"
		records | awk '$2 == "datagram" { print $4, $5, $6, $7, $8, $9, $10 }' >"$T/got"
		is "$status $(wc -l <"$T/got") $(cmp "$T/got" "$T/want" 2>&1)" "0 720 " "$what: the same is recorded" || diag "$err"
	done <<-END
		1 ${macs}0800 Ethernet
		1 ${macs}810000640800 802.1Q
		1 ${macs}88a80064810000c80800 QinQ (802.1ad)
		1 ${macs}91000064810000c80800 QinQ, the older way
		113 00000001000602000000000000000800 Linux cooked
		113 0000000100060200000000000000810000640800 Linux cooked, with a tag
		276 0800000000000002000100060200000000000000 Linux cooked 2
		276 810000000000000200010006020000000000000000640800 Linux cooked 2, with a tag
	END
	wrap 105 "$macs"
	run "$NODE" -f "$T/conf" -r "$T/w.pcap"
	is "$status" 2 "a capture of another kind: exit 2"
	like "$err" "w.pcap: expected a capture of Ethernet or raw IP, found link type IEEE802_11 \(105\)" "its kind is said"
else
	skip "VLAN tags, Linux cooked" "perl is not installed"
fi

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
