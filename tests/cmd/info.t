#!/bin/sh
# SPDX-License-Identifier: ISC
#
# info: a small world in which every number is known. 60 datagrams, one a second; node a misses every tenth, b every
# third and its clock is 5 s ahead, c hears the first 30 on two listeners, and some of them again.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
cd "$T" || exit 99

cat >world.py <<'EOF2'
import struct, sys

MS = 10**6
T0 = 1700000000 * 1000 * MS


def payload(n):
    flow = struct.pack('>IIIHHIIIIHHBBBBHHBBH', n, n + 1, 0, 1, 2, 3, 400, 0, 0, 5, 6, 0, 0, 6, 0, 0, 0, 0, 0, 0)
    return struct.pack('>HHIIIIBBH', 5, 1, 1000 * n, T0 // 10**9 + n, 0, n, 1, 2, 0) + flow


def hearings(node):
    """(datagram, listener, time)"""
    for n in range(60):
        at = T0 + n * 1000 * MS
        if node == 'a' and n % 10 != 0:
            yield n, 0, at + MS + n * 7919003 % 1000003  # jitter
        if node == 'b' and n % 3 != 0:
            yield n, 0, at + 5000 * MS + 2 * MS
        if node == 'c' and n < 30:
            yield n, 0, at + MS // 2
            yield n, 1, at + MS // 2 + MS
            if n == 1:
                yield n, 0, at + 2000 * MS  # a duplicate in the network
            if n == 2:
                yield n, 0, at + MS // 2 + MS + 600000 * MS + 1  # the exporter says it again
            if n == 3:
                yield n, 0, at + MS // 2 + 600000 * MS  # at the edge: still a duplicate


def line(n, listener, at):
    return 'l %d\nd %d 192.0.2.1 2055 %s' % (listener, at, payload(n).hex())


if __name__ == '__main__':
    node, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for n, listener, at in sorted((h for h in hearings(node) if first <= h[0] < last), key=lambda h: h[2]):
        print(line(n, listener, at))
EOF2

# What must come out, by another way: sets, and sorted lists of differences.
cat >truth.py <<'EOF2'
import json
from world import hearings

times = {node: {} for node in 'abc'}
for node in 'abc':
    for n, _, at in hearings(node):
        times[node].setdefault(n, []).append(at)
first = {node: {n: min(t) for n, t in times[node].items()} for node in 'abc'}
distinct = set().union(*(set(first[node]) for node in 'abc'))


def lower_median(values):
    return sorted(values)[(len(values) - 1) // 2]


def against_others(node, n):
    others = sorted(first[o][n] for o in 'abc' if o != node and n in first[o])
    own = first[node][n]
    return min((own - t for t in others), key=abs) if others else None


nodes = []
for node in 'abc':
    skews = [s for s in (against_others(node, n) for n in first[node]) if s is not None]
    nodes.append({
        'node': node,
        'datagrams': len(first[node]),
        'only_here': sum(all(n not in first[o] for o in 'abc' if o != node) for n in first[node]),
        'missed': len(distinct) - len(first[node]),
        'hearings': sum(map(len, times[node].values())),
        'skew_ns': lower_median(skews),
        'shared': len(skews)})
skews = []
for x, y in ('ab', 'ac', 'bc'):
    both = [first[x][n] - first[y][n] for n in first[x] if n in first[y]]
    skews.append({'node': x, 'other': y, 'skew_ns': lower_median(both), 'shared': len(both)})
print(json.dumps({'datagrams': len(distinct), 'hearings': sum(n['hearings'] for n in nodes), 'nodes': nodes, 'skews': skews}))
EOF2

log()
{
	python3 world.py "$2" "$4" "$5" | "$make_log" "$1" lab "$2" "$3" || exit 99
}

log a a 0x1001 0 60
log b b 0x1002 0 60
log c c 0x1003 0 60
numbers='{datagrams, hearings, nodes: [.nodes[] | {node, datagrams, only_here, missed, hearings, skew_ns, shared}], skews}'

run "$fb" info --json a b c
is "$status $err" "0 " "sound logs: exit 0, and no message"
cp "$T/out" info.json
is "$(jq -cS "$numbers" info.json)" "$(python3 truth.py | jq -cS .)" "who heard, missed and had alone how many, and whose clock is off"
is "$(jq -c '[.nodes[] | [.duplicates, .redundant, .repeats]]' info.json)" '[[0,0,0],[0,0,0],[2,30,1]]' \
    "hearings beyond the first: duplicates, on another listener, repeats"
is "$(jq -c '.nodes[2].listeners' info.json)" '[{"listener":0,"hearings":33},{"listener":1,"hearings":30}]' "listeners of node c"
is "$(jq -c '.skews[] | select(.node == "b" and .other == "c") | [.skew_ns, .shared]' info.json)" '[5001500000,20]' \
    "b is 5.0015 s ahead of c, on the 20 datagrams that both heard"
is "$(jq -c '.exporters' info.json | sed 's/"first.*//')" \
    '[{"exporter":"192.0.2.1","exporterPort":2055,"datagrams":59,"payload_bytes":4248,"streams":[{"version":5,"domain":258,"datagrams":59,"payload_bytes":4248,' \
    "the exporter and its stream"
is "$(jq -c '.paths[1] | [.path, .kind, .cluster, .segments, .sealed, .open, .datagrams, .first, .last, .nodes]' info.json)" \
    '["b","log","lab",1,1,0,40,"2023-11-14T22:13:26.002000000Z","2023-11-14T22:14:24.002000000Z",[{"node":"b","lanes":[0],"incarnations":1}]]' \
    "what path b is"
is "$(jq '[.paths[].bytes] | add' info.json)" "$(cat a/*.fbs b/*.fbs c/*.fbs | wc -c)" "bytes of the paths are those of their files"
check "nothing tells an incarnation" sh -c '! grep -Eq "409[789]|100[123]" info.json'

run "$fb" info a b c
like "$status $out" '^node b: lanes 1, lives 1' "the text names the nodes"
like "$out" 'clock: \+5\.00[01][0-9]* s against the others \(38 shared' "and the clock that is off"
like "$out" 'datagrams 54, only here 9, missed 5 \(8\.47 %\)' "and what a missed"
like "$out" '^exporter 192\.0\.2\.1 port 2055: datagrams 59 ' "and the exporter"

# An archive of the logs tells the same of the nodes.
"$fb" merge -q --window 1m -o archive a b c >/dev/null
run "$fb" info --json archive
is "$(jq -c '.nodes, .skews, .exporters' "$T/out")" "$(jq -c '.nodes, .skews, .exporters' info.json)" "their archive: the same nodes, skews and exporters"
is "$(jq -c '.paths[0] | [.kind, .window_ns, .windows, .datagrams, .hearings]' "$T/out")" \
    "[\"archive\",60000000000,$(find archive -name '*.fbw' | wc -l),59,$(jq .hearings info.json)]" "what the archive is"
is "$(jq -c '.paths[0].nodes | map(.node)' "$T/out")" '["a","b","c"]' "and whose logs it has"
"$fb" info --json archive a c >again.json
is "$(jq -c .nodes again.json)" "$(jq -c .nodes info.json)" "logs that the archive has already count once"
is "$("$fb" info --json archive/*T221300Z.fbw | jq -c '.paths[0] | [.kind, .segments]')" '["window",1]' "a window by itself"
run "$fb" info --json b/*.fbs
is "$(jq -c '.paths[0].kind, .nodes[0].shared, .nodes[0].skew_ns' "$T/out" | tr '\n' ' ')" '"segment" 0 null ' "one node alone has no skew"

# An open segment, a second life whose number is lower than the first's, and damage in it.
python3 world.py a 0 20 | "$make_log" a1 lab a 0x2000 || exit 99
python3 world.py a 20 40 | "$make_log" -k a2 lab a 0x1fff || exit 99
python3 - a2/*.open <<'EOF2'
import sys
f = open(sys.argv[1], 'r+b')
f.seek(1024 + 4 * 128 + 56 + 60)  # a record: 56 bytes of header and 72 of body
f.write(b'\xff')
EOF2
run "$fb" info --json a1 a2 b c
is "$status" 1 "damage: exit 1"
is "$(jq -c '.paths[1] | [.sealed, .open, .findings]' "$T/out")" '[0,1,1]' "an open segment, and a finding in it"
is "$(jq -c '.nodes[0] | [.lives, .damaged_records, .healed_records, .lost]' "$T/out")" \
    '[2,1,1,[{"lane":0,"life":2,"from":5,"to":5}]]' "the second life by time lost record 5, which is healed"
is "$(jq -c '[.damaged_records, .healed_records, .unattributed_records]' "$T/out")" '[1,1,0]' "and the sums"
run "$fb" info a1 a2 b c
like "$out" 'damaged: lane 0, life 2, records 5 to 5' "the text says so"
run "$fb" info --json a1 a2
is "$(jq -c '[.damaged_records, .healed_records, .unattributed_records]' "$T/out")" '[1,0,1]' "no other node: not healed"

# Parts of archives say what they are.
"$fb" merge -q --shard 1/2 -o shard a b c >/dev/null
"$fb" merge -q --from 2023-11-14T22:13:30Z -o late a b c >/dev/null
is "$("$fb" info --json shard | jq -c '.paths[0].shard')" '[1,2]' "a shard"
is "$("$fb" info --json late | jq -c '.paths[0].part')" '{"from":"2023-11-14T22:13:30.000000000Z","to":null}' "an archive of a span"
run "$fb" info shard late
like "$out" 'compression .*, shard 1/2, bytes' "text: the shard"
like "$out" 'compression .*, from 2023-11-14T22:13:30\.000Z, bytes' "and the span"

run "$fb" info a nowhere
like "$status $err" '2 .*nowhere: No such file' "a path that does not exist: exit 2"
run "$fb" info
like "$status $err" '2 usage: flowbraid info' "no path: usage"
run "$fb" info --help
is "$status" 0 "--help"
echo "e 1700000000000000000 1" | "$make_log" quiet lab q 7
run "$fb" info --json quiet
is "$status $(jq -c '[.datagrams, .first, .paths[0].events, .paths[0].first, .nodes[0].skew_ns]' "$T/out")" \
    '0 [0,null,1,"2023-11-14T22:13:20.000000000Z",null]' "a log without datagrams"

done_testing
