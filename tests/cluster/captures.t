#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The archive against captures. Three nodes behind links that lose a fifth, b killed and started again in
# mid-traffic: the archive holds as many datagrams as captures at the nodes' hosts hold distinct ones, and the gaps
# report names what a capture at the exporter holds besides, exactly.
. "$(dirname "$0")/lab.bash"

collect "$T" 20 2000 b || { fail "a run in the lab"; done_testing; }
pass "a run in the lab"
like "$(cat "$T/b.messages")" 'had been left open|cut' "node b, started after the kill, tells what it found"
lives=$(head -qc 32 "$T"/b/*.fbs | python3 -c 'import sys
print(len({part[24:32] for part in iter(lambda: sys.stdin.buffer.read(32), b"")}))')
is "$lives" 2 "its records go on in a new incarnation"

run python3 "$SRCDIR/tests/cluster/captures.py" "$T/router.pcap" "a=$T/a.pcap" "b=$T/b.pcap+$T/b" "c=$T/c.pcap"
is "$status" 0 "node b's log holds what its host's capture holds of the time it was up" || diag "$err"
cp "$T/out" "$T/truth"
diag "$(value "$T/truth" sent) sent, $(value "$T/truth" distinct) heard by some node"
check "something was heard by no node" [ "$(value "$T/truth" residual_missing)" -gt 0 ]

run "$FLOWBRAID" merge -q --json -o "$T/archive" "$T/a" "$T/b" "$T/c"
is "$status" 0 "merge exits 0" || diag "$err"
cp "$T/out" "$T/merge"
is "$(value "$T/merge" datagrams_out)" "$(value "$T/truth" distinct)" "the archive holds each distinct datagram once"
for node in 0 1 2; do
	name=$(value "$T/merge" nodes $node node)
	is "$(value "$T/merge" nodes $node datagrams)" "$(value "$T/truth" heard "$name")" "datagrams of node $name"
done
run "$FLOWBRAID" cat -c "$T/archive"
is "$out" "$(value "$T/truth" flows)" "cat counts the flows of them all" || diag "$err"
run "$FLOWBRAID" verify -q --json "$T/a" "$T/b" "$T/c" "$T/archive"
is "$status" 0 "verify finds nothing in logs and archive" || diag "$out$err"

run "$FLOWBRAID" gaps -q --json "$T/archive"
is "$status" 1 "gaps exits 1, since something is missing by all" || diag "$err"
cp "$T/out" "$T/gaps"
is "$(value "$T/gaps" residual_missing)" "$(value "$T/truth" residual_missing)" "residual_missing"
streams=$(python3 -c '
import json, sys
keys = ("exporter", "exporterPort", "version", "domain", "unit", "heard", "missing", "ranges", "nodes")
for s in sorted(json.load(open(sys.argv[1]))["streams"], key=lambda s: (s["exporterPort"], s["version"])):
    nodes = [{k: n[k] for k in ("node", "missing")} for n in sorted(s["nodes"], key=lambda n: n["node"])]
    print(json.dumps({k: s[k] for k in keys} | {"nodes": nodes}))
' "$T/gaps")
truth=$(python3 -c '
import json, sys
for s in sorted(json.load(open(sys.argv[1]))["streams"], key=lambda s: (s["exporterPort"], s["version"])):
    print(json.dumps(s))
' "$T/truth")
is "$streams" "$truth" "streams, units missing by all, by each node, and their ranges"
run "$FLOWBRAID" gaps -q --json "$T/c" "$T/a" "$T/b"
is "$(cat "$T/out")" "$(cat "$T/gaps")" "gaps of the logs are those of the archive"
done_testing
