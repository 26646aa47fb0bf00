#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A node that is killed and started again knows its exporters' templates: v9 and IPFIX, options among them. What comes
# afterwards is data alone; it is decoded also from the segment of the second life by itself.
. "$(dirname "$0")/exporters.bash"

cat >"$T/export.py" <<'END_OF_PYTHON'
# export.py templates|data: from fixed ports, one for v9 and one for IPFIX.
import socket
import struct
import sys

FIELDS = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (1, 4), (2, 4)]


def a_set(number, body):
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", number, 4 + len(body)) + body


def export(version, sequence, sets, records):
    if version == 9:
        return struct.pack("!HHIIII", 9, records, 5000 + sequence, 1700000000, sequence, 7) + sets
    return struct.pack("!HHIII", 10, 16 + len(sets), 1700000000, sequence, 7) + sets


specs = b"".join(struct.pack("!HH", *field) for field in FIELDS)
for version, port, first in ((9, 5009, 0), (10, 5010, 2)):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", port))
    s.connect(("127.0.0.1", 2055))
    if sys.argv[1] == "templates":
        if version == 9:  # scope system; sampling interval
            options = struct.pack("!HHHHHHH", 300, 4, 4, 1, 4, 34, 4)
        else:  # scope observation domain; sampling interval
            options = struct.pack("!HHHHHHH", 300, 2, 1, 149, 4, 34, 4)
        sets = a_set(first, struct.pack("!HH", 256, len(FIELDS)) + specs) + a_set(first + 1, options)
        s.send(export(version, 0, sets, 2))
    else:
        body = b"".join(
            struct.pack("!4s4sHHBII", bytes((192, 0, 2, n)), bytes((198, 51, 100, version)), 1000 + n, 53, 17, 100 * n, n)
            for n in range(1, 4)
        )
        s.send(export(version, 1, a_set(256, body) + a_set(300, struct.pack("!II", 7, 64)), 4))
END_OF_PYTHON

# recorded N: as many datagrams have reached the disk.
recorded()
{
	[ "$("$BUILDDIR/tests/node/records" "$T"/log/*.fbs* 2>/dev/null | grep -c ' datagram ')" -ge "$1" ]
}

check "the node starts" node_begin "$T"
python3 "$T/export.py" templates
check "it has recorded the templates" wait_for 20 recorded 2
node_crash
rm "$T/messages"
check "killed, it starts again" node_begin "$T"
python3 "$T/export.py" data
check "it has recorded the data" wait_for 20 recorded 4
check "it ends" node_end
is "$(find "$T/log" -name '*.fbs*' | wc -l)" 2 "two lives, two segments"

expected=$(for version in 9 10; do
	for n in 1 2 3; do
		echo "$version 192.0.2.$n 198.51.100.$version $((1000 + n)) 53 17 $((100 * n)) $n"
	done
	echo "$version options 64"
done)
# The whole log; and the second segment alone, where nobody else has the templates.
for what in "$T/log" "$(find "$T/log" -name '*.fbs' | sort | tail -n 1)"; do
	run "$FLOWBRAID" cat -F json "$what"
	is "$status$err" 0 "cat decodes everything of ${what##*/}"
	is "$(python3 -c '
import json, sys
for f in map(json.loads, open(sys.argv[1])):
    if f.get("options"):
        print(f["version"], "options", f["samplingInterval"])
    else:
        print(f["version"], f["sourceIPv4Address"], f["destinationIPv4Address"], f["sourceTransportPort"],
              f["destinationTransportPort"], f["protocolIdentifier"], f["octetDeltaCount"], f["packetDeltaCount"])
    assert "lateTemplate" not in f, f
' "$T/out")" "$expected" "flows and options of ${what##*/}"
done
done_testing
