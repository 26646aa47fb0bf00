#!/bin/sh
# SPDX-License-Identifier: ISC
#
# cat --policy: which flows are shown, with which tags and fields, and what is counted, against an evaluator in Python that
# reads what cat shows without a policy; expressions that see what a policy leaves; and what is wrong with a file.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands jq python3
fb=$BUILDDIR/flowbraid
cd "$T" || exit 99

# v5, and IPFIX with a text of variable length in front; from Saturday 2023-11-18 08:00 on, one datagram an hour.
python3 - <<'EOF' >lines
import struct
T0 = 1700294400
for n in range(40):
    at = T0 + 3600 * n
    head = struct.pack('>HHIIIIBBH', 5, 6, 100000, at, 0, 6 * n, 0, 0, 0)
    print(f'd {at * 10**9} 192.0.2.1 4444', (head + b''.join(struct.pack('>IIIHHIIIIHHBBBBHHBBH',
        0x0a000000 + i, 0xc0000200 + n, 0, 7 + i % 2, 9, 1 + i, 100 * (i + 1), 90000, 99000, 1024 + i, (22, 53, 80, 443, 25, 8080)[i],
        0, (2, 0x12, 0x10)[i % 3], 6 if i % 2 == 0 else 17, 16, 0, 0, 8, 24, 0) for i in range(6))).hex())
    template = struct.pack('>HHHHHHHHHHHH', 2, 24, 256, 4, 82, 65535, 8, 4, 11, 2, 1, 4)
    records = b''.join(bytes([len(name)]) + name + struct.pack('>IHI', 0x0a000000 + i, (22, 53)[i], 5000)
        for i, name in enumerate((b'eth0', b'a longer name')))
    sets = template + struct.pack('>HH', 256, 4 + len(records)) + records
    print(f'd {at * 10**9} 192.0.2.2 4739', (struct.pack('>HHIII', 10, 16 + len(sets), at, 2 * n, 1) + sets).hex())
EOF
"$BUILDDIR/tests/cmd/make-log" log lab a 0x1001 <lines || exit 99
"$fb" cat -F json log >whole || exit 99
is "$(wc -l <whole)" 320 "flows without a policy"

cat >policy <<'EOF'
# flowd's discard all; accept ..., one of them quick
policy = {
	rules = (
		{ match = "all"; action = "drop"; },
		{ match = "dst port in @web"; action = "keep"; tag = 4; },
		{ match = "proto udp and dst port 53"; action = "keep"; tag = 5; quick = true; },
		{ match = "bytes >= 5000"; action = "accept"; },
		{ match = "dst port 22 and exporter 192.0.2.2"; action = "keep"; tag = 6; },
		{ match = "tag 6 and src 10.0.0.0/24"; action = "discard"; }
	);
	lists = { web = [ "80", "443-444" ]; };
};
EOF
cat >evaluate.py <<'EOF'
import json, sys
rules = [
    (lambda f, t: True, None, False),
    (lambda f, t: f.get('destinationTransportPort') in (80, 443, 444), 4, False),
    (lambda f, t: f.get('protocolIdentifier') == 17 and f['destinationTransportPort'] == 53, 5, True),
    (lambda f, t: f['octetDeltaCount'] >= 5000, 0, False),
    (lambda f, t: f['destinationTransportPort'] == 22 and f['exporter'] == '192.0.2.2', 6, False),
    (lambda f, t: t == 6 and f['sourceIPv4Address'].startswith('10.0.0.'), None, False),
]
counts = [[0, 0, 0] for _ in rules]
fields = sys.argv[1:]
about = ['exporter', 'exporterPort', 'version', 'domain', 'sequence', 'exportTime', 'received', 'index', 'tags', 'flowStart', 'flowEnd', 'samplingInterval']
for line in open('whole'):
    f, last, tag = json.loads(line), None, 0
    for i, (holds, gives, quick) in enumerate(rules):
        counts[i][0] += 1
        if holds(f, tag):
            counts[i][1] += 1
            last, tag = i, gives or 0
            if quick:
                break
    counts[last][2] += 1
    if rules[last][1] is None:
        continue
    if tag:
        f['tags'] = [tag]
    print(json.dumps({k: v for k, v in f.items() if not fields or k in fields or k in about}, sort_keys=True, separators=(',', ':')))
print(';'.join('%d: %d %d %d' % (i + 1, *c) for i, c in enumerate(counts)), file=sys.stderr)
EOF
python3 evaluate.py >want 2>counts || exit 99
run "$fb" cat -F json --policy policy --counters log
is "$status" 0 "a policy"
jq -cS . "$T/out" >got
check "shows what it keeps, with tags" cmp got want
is "$(wc -l <got)" 160 "half of the flows"
is "$(printf '%s\n' "$err" | sed -n 's/.*policy: rule \(.*\) evaluations, \(.*\) matches, \(.*\) wins: .*/\1 \2 \3/p' | paste -sd';')" \
	"$(cat counts)" "and counts as flowd does"
run "$fb" cat -c --policy policy log
is "$out" 160 "-c counts what is left"
run "$fb" cat -n 3 -F json --policy policy log
is "$(printf '%s\n' "$out" | wc -l)" 3 "-n shows as many"
run "$fb" cat -c --policy policy log -- tag 5
is "$out" 40 "an expression sees tags"
run "$fb" cat -c --policy policy log -- tag 0
is "$out" 40 "and that there is none"
run "$fb" cat -n 1 --policy policy log -- tag 4
like "$out" ' tag 4$' "text shows them"

# --- fields, of records of one length and of others ---

sed 's/^};$/	fields = [ "SRC_ADDR", "OCTETS", "interfaceName" ];\n};/' policy >fields
python3 evaluate.py sourceIPv4Address octetDeltaCount interfaceName 2>/dev/null | jq -cS 'del(.flowStart, .flowEnd)' >want
run "$fb" cat -F json --policy fields log
jq -cS . "$T/out" >got
check "fields: these are shown" cmp got want
is "$(grep -c interfaceName got)" 40 "of variable length, too"
run "$fb" cat -c --policy fields log -- has protocolIdentifier
is "$out" 0 "an expression sees what is left"
run "$fb" cat -c --policy fields log -- src net 10.0.0.0/24 and bytes '>' 0
is "$out" 160 "and asks for that"
"$fb" merge -q -o archive log || exit 99
run "$fb" cat -F json --policy fields archive
jq -cS 'del(.witnesses)' "$T/out" | sort >got
sort want >sorted
check "of an archive the same" cmp got sorted

# --- a whole configuration of the daemon; files that are wrong ---

printf 'cluster = "c"; log = { directory = "x"; };\n@include "policy"\n' >conf
run "$fb" cat -c --policy conf log
is "$status $out" "0 160" "a daemon's configuration will do, with what it includes"
mkdir folder && mv conf policy folder
run "$fb" cat -c --policy folder/conf log
is "$status $out" "0 160" "relative to its folder"
printf 'policy = {\n rules = ( { action = "drop";\n match = "tcp and port htp"; } );\n rulez = 1; };\n' >wrong
run "$fb" cat --policy wrong log
is "$status" 2 "a wrong one: exit 2"
is "$err" "flowbraid: wrong:3: policy.rules.match: column 14: expected a number, found \"htp\"
flowbraid: wrong:4: policy.rulez: unknown key" "file, line, column of each fault"
run "$fb" cat --policy none log
is "$status $err" "2 flowbraid: none: cannot read: No such file or directory" "no such file"
printf 'cluster = "c";\n' >without
run "$fb" cat --policy without log
is "$status $err" "2 flowbraid: without: expected a group policy = { ... }, found none" "none in it"
printf 'policy\0' >zero
run "$fb" cat --policy zero log
is "$status $err" "2 flowbraid: zero: expected text, found a zero byte at offset 6" "no text"
run "$fb" cat --counters log
is "$status $err" "2 flowbraid: --counters: expected --policy, too" "--counters alone"

# --- what flowd refuses although it documents it ---

# count EXPRESSION JQ: as many flows as jq finds.
count()
{
	run "$fb" cat -c log -- "$1"
	is "$status $out" "0 $(jq -c "select($2)" whole | wc -l)" "$1"
}
hour='((.flowStart // .received)[11:16])'
day='(((.flowStart // .received)[0:19] + "Z") | fromdate | gmtime | .[6])'
count 'days Sat,Sun' "$day | . == 0 or . == 6"
count 'after 08:30' "$hour >= \"08:30\""
count 'before 17:00' "$hour < \"17:00\""
count 'days Sat and after 08:30 and before 17:00' "$day == 6 and $hour >= \"08:30\" and $hour < \"17:00\""
count 'src 10.0.0.0/30 and dst any' '.sourceIPv4Address | test("^10\\.0\\.0\\.[0-3]$")'
count 'not src 10.0.0.0/30' '.sourceIPv4Address | test("^10\\.0\\.0\\.[0-3]$") | not'
count 'in_ifndx 7 and out_ifndx 9' '.ingressInterface == 7 and .egressInterface == 9'
count 'tcp_flags mask 0x12 equals 0x02' '.tcpControlBits == 2'
count 'agent 192.0.2.2 and inet' '.exporter == "192.0.2.2"'
count 'tos 16 and proto udp' '.ipClassOfService == 16 and .protocolIdentifier == 17'
done_testing
