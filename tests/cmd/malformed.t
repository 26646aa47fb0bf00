#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Malformed datagrams, one or more for each reason: recorded raw and flagged, counted by reason in the stop event, and
# by cat of the log and of the archive; what is sound in them is decoded.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

fb=$BUILDDIR/flowbraid
cat >"$T/make.py" <<'EOF2'
import struct, sys
T0 = 1700000000
lines = []

def sets(*parts):
    return b''.join(struct.pack('>HH', i, len(b) + 4) + b for i, b in parts)

def v9(seq, *parts, tail=b''):
    return struct.pack('>HHIIII', 9, len(parts), 100000, T0, seq, 1) + sets(*parts) + tail

def ipfix(seq, *parts, tail=b''):
    body = sets(*parts) + tail
    return struct.pack('>HHIII', 10, 16 + len(body), T0, seq, 5) + body

def v5(says, records):
    return struct.pack('>HHIIIIBBH', 5, says, 1, T0, 0, 0, 0, 0, 0) + bytes(48 * records)

def v8(count, records):
    return struct.pack('>HHIIIIBBBBI', 8, count, 1, T0, 0, 0, 0, 0, 1, 2, 0) + bytes(28 * records)

def sflow(*samples):
    head = struct.pack('>IIIIIII', 5, 1, 0x7f000001, 0, 1, 1000, len(samples))
    return head + b''.join(samples)

def sample(says):
    body = struct.pack('>IIIIIIII', 1, 3, 10, 10, 0, 1, 2, 0)
    return struct.pack('>II', 1, len(body) if says is None else says) + body

template = struct.pack('>HHHHHH', 300, 2, 8, 4, 1, 4)
empty = struct.pack('>HH', 301, 0)                    # v9: no fields
no_length = struct.pack('>HHHH', 302, 1, 8, 0)        # no length
cut = struct.pack('>HHHH', 303, 9, 8, 4)              # more fields than there are
wide = struct.pack('>HHHHHH', 310, 2, 8, 4, 1, 8)
data = (300, struct.pack('>II', 0x0a000001, 100))
datagrams = [
    # flows of it, reason (0: sound)
    (1, 0, ipfix(0, (2, template), data)),
    (1, 0, ipfix(1, data, tail=b'\0\0')),
    (0, 1, v5(1, 1)[:20]),
    (0, 1, ipfix(2)[:7]),
    (1, 2, ipfix(2, data) + b'junk'),
    (1, 2, ipfix(3, data, data)[:-4]),
    (1, 3, v5(2, 1)),
    (1, 3, v5(1, 2)),
    (0, 3, v8(2, 1)),
    (0, 0, v8(1, 1)),
    (1, 4, ipfix(4, data, tail=struct.pack('>HHQ', 300, 2000, 0))),
    (1, 4, ipfix(5, data, tail=struct.pack('>HHQ', 300, 0, 0))),
    (0, 5, sflow(sample(4000))),
    (1, 0, sflow(sample(None))),
    (1, 0, v9(0, (0, template), data)),
    (1, 6, v9(1, (0, empty), data)),
    (1, 6, v9(2, (0, no_length), data)),
    (1, 6, ipfix(6, (2, cut), data)),
    (1, 7, ipfix(7, data, tail=b'\1\2\3')),
    (3, 0, ipfix(8, (300, data[1] + data[1] + b'\1\2\3'), data)),
    (2, 0, ipfix(11, data, (300, data[1]), (300, b''))),
    (2, 0, ipfix(13, data, (7, b'abcd'), data)),
    # more behind the record than padding can be: the node knows no records, the decoder says so
    (1, 0, ipfix(15, (2, wide), (310, bytes(12 + 11)))),
]

def packet(n, payload):
    udp = struct.pack('>HHHH', 40000, 2055, 8 + len(payload), 0) + payload
    ip = struct.pack('>BBHHHBBHII', 0x45, 0, 20 + len(udp), 0, 0, 9, 17, 0, 0xc0000201, 0x7f000001) + udp
    return struct.pack('<IIII', T0 + n, 0, len(ip), len(ip)) + ip

with open(sys.argv[1], 'wb') as f:
    f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
    f.write(b''.join(packet(n, d[2]) for n, d in enumerate(datagrams)))
reasons = [d[1] for d in datagrams]
print('flows', sum(d[0] for d in datagrams))
print('flags', ' '.join('%d' % (2 * (r > 0)) for r in reasons))
print('events', ' '.join('%d=%d' % (31 + r, reasons.count(r)) for r in range(1, 8)))
EOF2
python3 "$T/make.py" "$T/all.pcap" >"$T/want" || exit 99
want()
{
	sed -n "s/^$1 //p" "$T/want"
}
configure '{ address = "127.0.0.1"; port = 2055; }'
run "$NODE" -f "$T/conf" -r "$T/all.pcap"
reasons="2 header cut, 2 message length, 3 record count, 2 set length, 1 sample length, 3 template, 1 stray bytes"
is "$status" 0 "the capture is recorded" || diag "$err"
like "$err" '23 datagrams recorded \(14 malformed, 0 cut\)' "how many are malformed"
like "$err" "log .*: malformed: $reasons\$" "and why"
records >"$T/records"
is "$(awk '$2 == "datagram" { print $8 }' "$T/records" | paste -sd' ')" "$(want flags)" "each malformed one is flagged"
like "$(grep ' stop ' "$T/records")" " 20=14 .* $(want events)( |\$)" "the stop event has them by reason"

run "$fb" merge -q -o "$T/archive" "$T/log"
is "$status" 0 "they are merged"
for path in log archive; do
	run "$fb" cat -F json "$T/$path"
	is "$status" 0 "$path: cat"
	is "$(printf '%s\n' "$out" | wc -l)" "$(want flows)" "$path: what is sound is decoded" || diag "$out"
	like "$err" "14 datagrams are malformed: $reasons\$" "$path: malformed datagrams by reason"
	like "$err" ': 5 sets or samples have lengths that do not fit' "$path: sets that do not fit" || diag "$err"
	like "$err" ': 2 datagrams of NetFlow v8 are kept undecoded' "$path: those of v8"
	like "$err" ': 1 sets have a reserved id and are kept undecoded' "$path: a reserved set"
	run "$fb" cat -c "$T/$path"
	is "$out" "$(want flows)" "$path: cat -c counts as many"
	like "$err" "14 datagrams are malformed: $reasons\$" "$path: and as many malformed"
	like "$err" ': 5 sets or samples have lengths that do not fit' "$path: and sets that do not fit"
done
done_testing
