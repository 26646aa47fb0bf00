#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid cat against an independent decoding of what was sent: every flow, its values, its place, its witnesses,
# also where the template came later or was heard by another node only.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
cd "$T" || exit 99

cat >expect.py <<'EOF'
# Flows of the datagrams in lines files (node=FILE...), as sorted canonical lines; with witnesses when there are several.
import datetime, ipaddress, json, struct, sys

def ip(n):
    return str(ipaddress.ip_address(n))

def iso(ns, digits):
    t = datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S')
    return t + ('.%09d' % (ns % 10**9))[:1 + digits] + 'Z' if digits else t + 'Z'

def flows(addr, port, raw):
    version, count, up, sec = struct.unpack('>HHII', raw[:12])
    if version == 5:
        ns, seq, et, ei = struct.unpack('>IIBB', raw[12:22])
        for i in range(count):
            r = struct.unpack('>IIIHHIIIIHHBBBBHHBBH', raw[24 + 48 * i:72 + 48 * i])
            boot = sec * 1000 - up
            yield dict(exporter=addr, exporterPort=port, version=5, domain=et << 8 | ei, sequence=seq, index=i,
                       sourceIPv4Address=ip(r[0]), destinationIPv4Address=ip(r[1]), packetDeltaCount=r[5], octetDeltaCount=r[6],
                       sourceTransportPort=r[9], destinationTransportPort=r[10], tcpControlBits=r[12], protocolIdentifier=r[13],
                       bgpSourceAsNumber=r[15], flowStart=iso((boot + r[7]) * 10**6, 3), flowEnd=iso((boot + r[8]) * 10**6, 3))
    else:
        seq, dom = struct.unpack('>II', raw[12:20])
        at, index = 20, 0
        while at + 4 <= len(raw):
            sid, slen = struct.unpack('>HH', raw[at:at + 4])
            if sid == 300:
                for i in range((slen - 4) // 29):
                    r = struct.unpack('>IIHHBIIII', raw[at + 4 + 29 * i:at + 33 + 29 * i])
                    boot = sec * 1000 - up
                    yield dict(exporter=addr, exporterPort=port, version=9, domain=dom, sequence=seq, index=index,
                               sourceIPv4Address=ip(r[0]), destinationIPv4Address=ip(r[1]), sourceTransportPort=r[2],
                               destinationTransportPort=r[3], protocolIdentifier=r[4], packetDeltaCount=r[5], octetDeltaCount=r[6],
                               flowStart=iso((boot + r[7]) * 10**6, 3), flowEnd=iso((boot + r[8]) * 10**6, 3))
                    index += 1
            at += slen

KEYS = ['exporter', 'exporterPort', 'version', 'domain', 'sequence', 'index', 'sourceIPv4Address', 'destinationIPv4Address',
        'sourceTransportPort', 'destinationTransportPort', 'protocolIdentifier', 'packetDeltaCount', 'octetDeltaCount',
        'tcpControlBits', 'bgpSourceAsNumber', 'flowStart', 'flowEnd', 'witnesses']

def canonical(f):
    return json.dumps({k: f[k] for k in KEYS if k in f}, sort_keys=True)

if sys.argv[1] == 'ours':
    out = [canonical(json.loads(l)) for l in sys.stdin]
else:
    heard, order = {}, []
    for arg in sys.argv[2:]:
        node, name = arg.split('=')
        for l in open(name):
            if l[0] == 'd':
                key = tuple(l.split()[2:5])
                order.append(key)
                heard.setdefault(key, set()).add(node)
    keys = heard if sys.argv[1] == 'archive' else order
    out = []
    for addr, port, payload in keys:
        for f in flows(addr, int(port), bytes.fromhex(payload)):
            if sys.argv[1] == 'archive':
                f['witnesses'] = sorted(heard[addr, port, payload])
            out.append(canonical(f))
print('\n'.join(sorted(out)))
EOF

for node in a b c; do
	"$SRCDIR/tests/cmd/flowlines" $node 9 0.1 >$node.lines
	"$BUILDDIR/tests/cmd/make-log" $node lab $node 5 <$node.lines
done
"$fb" merge -q -o archive a b c || exit 99

python3 expect.py log a=a.lines >want
run "$fb" cat -F json a
python3 expect.py ours <"$T/out" >got
check "a log: all $(wc -l <want) flows with their values, those before the template, too" cmp -s got want
is "$status" 0 "exit 0"
is "$("$fb" cat -c a)" "$(wc -l <want)" "-c counts them"
python3 expect.py archive a=a.lines b=b.lines c=c.lines >want
"$fb" cat -F json archive >json
python3 expect.py ours <json >got
check "an archive: all $(wc -l <want) flows, each with its witnesses" cmp -s got want
is "$("$fb" cat -c archive)" "$(wc -l <want)" "-c counts them"
is "$(jq -r 'select(.lateTemplate == true) | .exporterPort, .sequence' json | sort -un | tr '\n' ' ')" "0 1 2 3 4 6001 " \
    "flows before their template are marked"
like "$(head -n 1 json | jq -r .received)" '^2023-11-14T22:13:[12][0-9]\.[0-9]{9}Z$' "received has nanoseconds"
is "$("$fb" cat -F csv archive | wc -l)" $(($(wc -l <want) + 1)) "csv: a line a flow and one of names"
is "$("$fb" cat -F csv archive | python3 -c 'import csv, sys; print(len(set(len(r) for r in csv.reader(sys.stdin))))')" 1 "which a standard parser reads"
is "$("$fb" cat archive | wc -l)" "$(wc -l <want)" "text: a line a flow"

# Node a hears templates only, node b data only.
grep '^d' a.lines | grep ' 6000 ' | awk '{ if (substr($5, 41, 4) == "0000") print }' >templates.lines
grep '^d' b.lines | grep ' 6000 ' | awk '{ if (substr($5, 41, 4) != "0000") print }' >data.lines
check "there are such datagrams" test -s templates.lines -a -s data.lines
"$BUILDDIR/tests/cmd/make-log" ta lab ta 1 <templates.lines
"$BUILDDIR/tests/cmd/make-log" tb lab tb 2 <data.lines
is "$("$fb" cat -c tb 2>/dev/null)" 0 "data without templates cannot be decoded alone"
"$fb" merge -q -o split ta tb
python3 expect.py archive ta=templates.lines tb=data.lines >want
"$fb" cat -F json split | python3 expect.py ours >got
check "with the other node's templates all $(wc -l <want) flows are" cmp -s got want
for window in split/*.fbw; do
	"$fb" cat -F json "$window"
done 2>/dev/null | python3 expect.py ours >got
check "each window can be read alone" cmp -s got want

# The reader goes away, the device is full, the path is none.
check "a closed pipe ends it quietly" sh -c "'$fb' cat -F json archive 2>err | head -n 1 >/dev/null; test ! -s err"
run sh -c "'$fb' cat -F json archive >/dev/full"
like "$status $err" '2 .*No space left' "a full device is an error"
run "$fb" cat nowhere
like "$status $err" '2 .*nowhere: No such file' "no such path"
run "$fb" cat -F xml a
like "$status $err" '2 .*expected text, long, json, csv or flow-tools' "no such format"
done_testing
