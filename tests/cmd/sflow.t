#!/bin/sh
# SPDX-License-Identifier: ISC
# sFlow from a capture through a node's log, and through an archive, to flows.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands python3

# capture FILE DATAGRAM...: datagrams to port 6343 as a capture of raw IP, one a second.
cat >"$T/capture.py" <<'EOF2'
import struct
import sys

with open(sys.argv[1], "wb") as out:
    out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
    for i, path in enumerate(sys.argv[2:]):
        payload = open(path, "rb").read()
        udp = struct.pack(">HHHH", 40000, 6343, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]),
                         bytes([198, 51, 100, 9])) + udp
        out.write(struct.pack("<IIII", 1700000000 + i, 0, len(ip), len(ip)) + ip)
EOF2
made=$SRCDIR/tests/fuzz/corpus/sflow
python3 "$T/capture.py" "$T/all.pcap" "$made/everything" "$made/long-record" "$made/no-sample" "$made/counters" "$made/flow"
cat >"$T/conf" <<EOF2
cluster = "edge";
node = "a";
listen = ( { address = "127.0.0.1"; port = 6343; } );
log = { directory = "$T/log"; };
EOF2
run "$BUILDDIR/flowbraidd" -f "$T/conf" -r "$T/all.pcap"
is "$status" 0 "a capture is read" || diag "$err"
like "$err" ' 5 datagrams recorded \(1 malformed' "the datagram with a wrong length is said to be malformed"

flows()
{
	run "$BUILDDIR/flowbraid" cat "$@"
}

# everything: 3 flows and 2 of counters; long-record: a flow less; counters: one of those; flow: one
flows -F json "$T/log"
is "$status" 0 "cat" || diag "$err"
is "$(echo "$out" | grep -c '"options":true')" 5 "samples of counters"
is "$(echo "$out" | grep -vc '"options":true')" 6 "flows"
like "$err" '2 samples are of formats that are not known' "samples of other formats are counted"
is "$(echo "$out" | python3 -c 'import json, sys
f = json.loads(sys.stdin.readline())
print(f["version"], f["agent"], f["domain"], f["sequence"], f["sourceIPv4Address"], f["sourceTransportPort"],
      f["octetDeltaCount"], f["packetDeltaCount"], f["samplingInterval"], f["received"])')" \
	"sflow5 198.51.100.7 3 77 192.0.2.1 40000 1500 1 1024 2023-11-14T22:13:20.000000000Z" "a flow, not multiplied"
is "$(echo "$out" | python3 -c 'import json, sys
print(sum(len(json.loads(line, object_pairs_hook=list)) != len(json.loads(line)) for line in sys.stdin))')" 0 "no key stands twice"
mv "$T/out" "$T/of-log"
flows -c "$T/log"
is "$out" 6 "cat -c counts flows"
flows -F csv "$T/log"
is "$(echo "$out" | wc -l)" 7 "CSV has flows alone"
like "$out" ',192\.0\.2\.1,198\.51\.100\.2,40000,443,6,27,184,1500,1,7,8,203\.0\.113\.2,64501,64505,24,25$' "with their columns"
flows "$T/log"
like "$out" ' 192\.0\.2\.1:40000 > 198\.51\.100\.2:443 tcp 1b packets 1 octets 1500 from 192\.0\.2\.1$' "text"

run "$BUILDDIR/flowbraid" merge -q -o "$T/archive" "$T/log" "$T/log"
is "$status" 1 "merge: datagrams that share a sequence number are conflicts" || diag "$out$err"
flows -F json "$T/archive"
is "$(echo "$out" | sed 's/,"witnesses":\["a"\]//' | sort | cksum)" "$(sort "$T/of-log" | cksum)" "the archive has the same"
done_testing
