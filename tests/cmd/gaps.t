#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid gaps against what was really sent: every missing number, nothing else, for the cluster and each node.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
cd "$T" || exit 99

cat >truth.py <<'EOF'
# What gaps must say, from what was sent and what the nodes' lines hold.
import collections, json, struct, subprocess, sys
lines, seed, got = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
nodes = sys.argv[4:]
sent = [l.split() for l in subprocess.run([lines, 'x', seed, '0', '--truth'], capture_output=True, text=True, check=True).stdout.splitlines()]
heard = {n: set(tuple(l.split()[2:5]) for l in open(n + '.lines') if l[0] == 'd') for n in nodes}
streams = collections.OrderedDict()
last = {}
for addr, port, seq, payload in sent:
    raw = bytes.fromhex(payload)
    version, count, uptime = struct.unpack('>HHI', raw[:8])
    units = 1 if version == 9 else count
    if addr in last and version == 5 and uptime < last[addr][0]:
        last[addr] = (uptime, last[addr][1] + 1)
    last[addr] = (uptime, last.get(addr, (0, 0))[1])
    streams.setdefault((addr, last[addr][1]), []).append((int(seq), units, tuple([addr, port, payload])))
wrong = []
said = {(s['exporter'], s['epoch']): s for s in got['streams']}
for key, all_sent in streams.items():
    anyone = set().union(*heard.values())
    first = next(i for i, d in enumerate(all_sent) if d[2] in anyone)
    end = len(all_sent) - next(i for i, d in enumerate(reversed(all_sent)) if d[2] in anyone)
    span = all_sent[first:end]
    want = {'heard': sum(d[1] for d in span if d[2] in anyone), 'missing': sum(d[1] for d in span if d[2] not in anyone)}
    ranges = []
    for seq, units, d in span:
        if d not in anyone:
            if ranges and ranges[-1][1] + 1 == seq:
                ranges[-1][1] = seq + units - 1
            else:
                ranges.append([seq, seq + units - 1])
    s = said.pop(key, None)
    if s is None:
        wrong.append('%s: not told' % (key,))
        continue
    mine = {'heard': s['heard'], 'missing': s['missing']}
    if mine != want or s['ranges'] != ranges:
        wrong.append('%s: said %s %s, true is %s %s' % (key, mine, s['ranges'], want, ranges))
    for n in s['nodes']:
        true = sum(d[1] for d in span if d[2] not in heard[n['node']])
        if n['missing'] != true:
            wrong.append('%s node %s: said %d missing, true is %d' % (key, n['node'], n['missing'], true))
    if [n['node'] for n in s['nodes']] != sorted(nodes):
        wrong.append('%s: nodes %s' % (key, s['nodes']))
wrong += ['%s: told, never was' % (k,) for k in said]
if got['residual_missing'] != sum(s['missing'] for s in got['streams']):
    wrong.append('residual_missing is not the sum')
print('\n'.join(wrong[:8]))
EOF

for seed in 1 2 3 4; do
	for loss in 0.02 0.3 0.7; do
		rm -rf a b c
		for node in a b c; do
			"$SRCDIR/tests/cmd/flowlines" $node $seed $loss >$node.lines
			"$BUILDDIR/tests/cmd/make-log" $node lab $node 5 <$node.lines
		done
		run "$fb" gaps --json a b c
		is "$(python3 truth.py "$SRCDIR/tests/cmd/flowlines" $seed "$T/out" a b c)" "" \
		    "seed $seed, loss $loss: $(jq .residual_missing "$T/out") missing by all, to the number"
		is "$status" "$(jq 'if .residual_missing > 0 then 1 else 0 end' "$T/out")" "the exit code says so"
	done
done
"$fb" merge -q -o archive a b c
cp archive/ledger.json ledger
"$fb" gaps --json archive >again
check "the archive's ledger is what gaps says of the logs" cmp -s ledger "$T/out"
check "and of the archive" cmp -s ledger again
run "$fb" gaps a b c
like "$out" 'exporter 192.0.2.1 port 5000 v5 domain 258, epoch 1' "text: the stream and its epoch"
like "$out" '^    b +heard +[0-9]+ +missing +[0-9]+' "text: a line a node"
run "$fb" gaps
is "$status" 2 "no path: usage"
done_testing
