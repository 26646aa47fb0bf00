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
like "$out" 'sent [0-9]+ flows by its own count' "text: what the exporter sent"
like "$out" '^    [0-9]+ flows, [-0-9T:.Z]+ to [-0-9T:.Z]+, a, exporter .*: network' "text: the longest gaps"
like "$out" '^    b +heard +[0-9]+ +missing +[0-9]+' "text: a line a node"
is "$(jq '[.streams[].nodes[] | select(([.causes[]] | add // 0) != .missing)] | length' again)" 0 "causes add up to what is missing"
loss=$(jq .loss_percent again)
run "$fb" gaps -q --max-loss "$(jq '.loss_percent + 0.001' again)" archive
is "$status" 0 "--max-loss above the loss of $loss %: exit 0"
run "$fb" gaps -q --max-loss "$(jq '.loss_percent - 0.001' again)" archive
is "$status" 1 "below it: exit 1"
run "$fb" gaps --max-loss lots archive
is "$status" 2 "no number: exit 2"
like "$err" "max-loss lots: expected a percentage, 0 to 100" "and why"

# IPFIX whose first data come before their template are counted when that has come, options data too; of sFlow each agent
# and sub-agent counts for itself.
cat >make.py <<'EOF'
import struct
T0 = 1700000000
lines = 0

def show(payload, addr, port):
    global lines
    lines += 1
    print('d %d %s %d %s' % ((T0 + lines) * 10**9, addr, port, payload.hex()))

def ipfix(seq, *sets):
    body = b''.join(struct.pack('>HH', i, len(b) + 4) + b for i, b in sets)
    show(struct.pack('>HHIII', 10, 16 + len(body), T0 + lines, seq, 5) + body, '192.0.2.1', 4739)

def sflow(agent, sub, seq):
    show(struct.pack('>I', 5) + agent + struct.pack('>IIII', sub, seq, 1000 * seq, 0), '192.0.2.2', 6343)

data = (300, struct.pack('>II', 1, 2))
ipfix(0, data, data)
ipfix(2, (2, struct.pack('>HH4H', 300, 2, 8, 4, 1, 4)), data)
ipfix(3, (3, struct.pack('>HHH4H', 400, 2, 1, 10, 4, 34, 4)), (400, bytes(16)))
for seq in 5, 9, 10, 11:
    ipfix(seq, data)
ours, other = bytes([0, 0, 0, 1, 192, 0, 2, 7]), bytes([0, 0, 0, 2, 0x20, 1, 0xd, 0xb8]) + bytes(11) + b'\7'
for agent, sub, seqs in (ours, 0, (1, 2, 5, 6, 7)), (ours, 1, (1, 2, 3)), (other, 0, (1, 3)):
    for seq in seqs:
        sflow(agent, sub, seq)
EOF
python3 make.py | "$BUILDDIR/tests/cmd/make-log" streams lab n 5
run "$fb" gaps --json streams
is "$(printf '%s' "$out" | jq -r '.streams[] | "\(.version) \(.agent) \(.domain) \(.unit) \(.heard) \(.ranges | tostring)"' | sort)" \
	'10 null 5 records 9 [[6,8]]
sflow5 192.0.2.7 0 datagrams 5 [[3,4]]
sflow5 192.0.2.7 1 datagrams 3 []
sflow5 2001:db8::7 0 datagrams 2 [[2,2]]' "IPFIX and sFlow: what is missing"
run "$fb" gaps streams
like "$out" 'exporter 192.0.2.2 port 6343 sFlow 5 domain 0 agent 2001:db8::7, epoch 0' "text: the agent"

# sFlow tells no time of its own. Node c's clock is a day off, d's is set by an hour on the way: what only they heard is of
# the same life all the same, since they heard other datagrams of it with a and b. After a restart it is another one.
cat >clocks.py <<'EOF'
import struct, sys
node = sys.argv[1]
heard = {'a': [1, 2, 3, 7, 8, 101, 102], 'b': [2, 3, 4, 8, 102, 103], 'c': [3, 5, 6, 8, 9, 101, 104], 'd': [1, 3, 10, 102, 105]}
for n in heard[node]:
    uptime, life = n % 100 * 10, n // 100
    t = 1700000000 + 5000 * life + uptime
    if node == 'c':
        t -= 86400
    if node == 'd' and n > 3:
        t += 3600
    body = struct.pack('>IIIIIIII', 5, 1, 0xc0000207, 0, n % 100, uptime * 1000 + 77 * life, 0, 0)
    print('d %d 192.0.2.2 6343 %s' % (t * 10**9, body[:28].hex()))
EOF
for node in a b c d; do
	python3 clocks.py $node | "$BUILDDIR/tests/cmd/make-log" clock-$node lab $node 0x7$node
done
run "$fb" gaps --json clock-d clock-b clock-a clock-c
is "$(printf '%s' "$out" | jq -r '.streams[] | "\(.epoch) \(.heard) \(.ranges | tostring) \([.nodes[].missing] | tostring)"')" \
	'0 10 [] [5,6,5,7]
1 5 [] [3,3,3,3]' "sFlow: neither a clock that is wrong nor one that is set makes a gap"
run "$fb" gaps
is "$status" 2 "no path: usage"
done_testing
