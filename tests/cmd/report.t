#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What a merge reports: each conflict with all of its payloads, which are kept; what was healed from whom; and what
# nobody else has, as far as headers tell.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
cd "$T" || exit 99

# lines FIRST LAST FORGED-FROM FORGED-TO DELAY: v5 datagrams of one flow, numbered so; forged ones name another source
lines()
{
	python3 - "$@" <<'EOF2'
import struct, sys
first, last, forged, to, delay = map(int, sys.argv[1:])
for n in range(first, last):
    source = 0x0a0000ff if forged <= n < to else 0x0a000001
    flow = struct.pack('>IIIHHIIIIHHBBBBHHBBH', source, n, 0, 1, 2, 3, 400, 0, 0, 5, 6, 0, 0, 6, 0, 0, 0, 0, 0, 0)
    head = struct.pack('>HHIIIIBBH', 5, 1, 1000 * n, 1700000000 + n, 0, n, 1, 2, 0)
    print('d %d 192.0.2.1 2055 %s' % ((1700000000 + n) * 10**9 + delay, (head + flow).hex()))
EOF2
}

lines 0 60 0 0 1 | "$make_log" a lab a 1 || exit 99
lines 0 60 20 21 2 | "$make_log" b lab b 2 || exit 99
lines 0 60 20 21 3 | "$make_log" c lab c 3 || exit 99

run "$fb" merge --json -o archive a b c
is "$status" 1 "a conflict: exit 1"
cp "$T/out" report.json
is "$(jq -c '[.conflicts, .datagrams_out, .residual_missing]' report.json)" '[1,61,0]' "one conflict; both datagrams are in the archive"
is "$(jq -c '.conflicting | map(del(.payloads[].digest))' report.json)" \
    '[{"exporter":"192.0.2.1","exporterPort":2055,"version":5,"domain":258,"epoch":0,"sequence":20,"datagrams":2,"payloads":[{"bytes":72,"time":"2023-11-14T22:13:40.000000001Z","nodes":["a"]},{"bytes":72,"time":"2023-11-14T22:13:40.000000002Z","nodes":["b","c"]}]}]' \
    "the report names stream, number, both payloads and who heard which"
is "$(jq -r '.conflicting[0].payloads | map(.digest | test("^[0-9a-f]{32}$")) | all' report.json) $(jq -r '.conflicting[0].payloads | map(.digest) | unique | length' report.json)" \
    "true 2" "and their digests"
is "$("$fb" cat -F json archive | jq -c 'select(.sequence == 20) | [.sourceIPv4Address, .witnesses]' | tr '\n' ' ')" \
    '["10.0.0.1",["a"]] ["10.0.0.255",["b","c"]] ' "cat shows both payloads"
run "$fb" merge -o again archive
is "$status" 1 "text: exit 1, too"
like "$out" '^    conflicts: 1$' "the number of conflicts"
like "$out" '^    conflict: exporter 192\.0\.2\.1 port 2055 v5 domain 258, epoch 0, sequence 20: 2 datagrams$' "the stream and the number"
like "$out" '^        [0-9a-f]{32}, 72 bytes, 2023-11-14T22:13:40\.000000002Z, heard by b, c$' "a payload and who heard it"
check "the archive of an archive with both is the same" diff -r archive again

lines 0 60 10 40 2 | "$make_log" many lab b 9 || exit 99
run "$fb" merge -o m a many
is "$(printf '%s\n' "$out" | grep -c '^    conflict: ')" 8 "text lists eight numbers"
like "$out" '^    conflicts of 22 more numbers$' "and says how many more there are"
"$fb" merge --json -o m2 a many >many.json
is "$(jq -c '[.conflicts, (.conflicting | length), .conflicting[29].sequence]' many.json)" '[30,30,39]' "JSON has all of them"

run "$fb" merge --json -o quiet a
is "$status $(jq -c '[.conflicting, .healed, .unattributed]' "$T/out")" '0 [[],[],[]]' "nothing to report: empty lists"

# damage LOG RECORD body|whole...: in a log's only segment; each record is 56 bytes of header and 72 of body
damage()
{
	python3 - "$@" <<'EOF2'
import glob, sys
path = glob.glob(sys.argv[1] + '/*.fbs')[0]
data = bytearray(open(path, 'rb').read())
for number, part in zip(sys.argv[2::2], sys.argv[3::2]):
    at = 1024 + 128 * (int(number) - 1)
    data[at + 56 + 40] ^= 0x10
    if part == 'whole':
        data[at + 20] ^= 0x10
open(path, 'wb').write(data)
EOF2
}

# Node a lost records 6 (which b has, too), 11, 12, 15 and 20, which nobody else has; of 11 and 12 the headers, too.
lines 0 10 0 0 2 | "$make_log" some lab b 7 || exit 99
cp -r a hurt
damage hurt 6 body 11 whole 12 whole 15 body 20 body
run "$fb" merge --json -o h hurt some
is "$status" 1 "damage: exit 1"
is "$(jq -c '[.damaged_records, .healed_records, .unattributed_records, .datagrams_out]' "$T/out")" '[5,1,4,56]' "how many are damaged, healed, lost"
is "$(jq -c .healed "$T/out")" \
    '[{"node":"a","lane":0,"life":1,"record":6,"from":"b","exporter":"192.0.2.1","exporterPort":2055,"time":"2023-11-14T22:13:25.000000002Z"}]' \
    "what was healed from whom"
is "$(jq -c '.unattributed[]' "$T/out")" \
    '{"node":"a","lane":0,"life":1,"record":11,"last":12}
{"node":"a","lane":0,"life":1,"record":15,"last":15,"exporter":"192.0.2.1","exporterPort":2055,"received":"2023-11-14T22:13:34.000000001Z","bytes":72}
{"node":"a","lane":0,"life":1,"record":20,"last":20,"exporter":"192.0.2.1","exporterPort":2055,"received":"2023-11-14T22:13:39.000000001Z","bytes":72}' \
    "what nobody else has, with time and exporter where a header is sound"
cp "$T/out" first.json
run "$fb" merge -o h2 hurt some
like "$out" 'damaged records: 5, healed 1, unattributed 4' "text: the sums"
like "$out" 'node a lane 0 life 1 record 6 healed from node b' "what was healed"
like "$out" 'node a lane 0 life 1 record 11 to 12 not healed$' "what is lost without a header"
like "$out" 'node a lane 0 life 1 record 20 not healed: from exporter 192\.0\.2\.1 port 2055, 72 bytes, 2023-11-14T22:13:39\.0+1Z' "and with one"
"$fb" merge --json -o h3 h >second.json
is "$(jq -c '[.healed, .unattributed]' second.json)" "$(jq -c '[.healed, .unattributed]' first.json)" "an archive of them remembers"
"$fb" merge --json -o h h b >third.json 2>/dev/null
is "$(jq -c '[.healed_records, .unattributed_records]' third.json)" '[3,2]' "a late node heals what headers name"
"$fb" merge --json -o h h a >fourth.json 2>/dev/null
is "$(jq -c '[.damaged_records, .unattributed]' fourth.json)" '[0,[]]' "a sound copy closes all holes"

done_testing
