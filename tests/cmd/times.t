#!/bin/sh
# SPDX-License-Identifier: ISC
#
# --from and --to: what is chosen, against a choice among all; that windows beside the span are not read (they are taken
# away); and that what is needed of them is, to heal, to decode, and to know what came across the edge.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
cd "$T" || exit 99

# An hour of one v5 exporter, a datagram a second, from 22:13:20 on; node a misses 1800 to 1809, b every fifth, both
# 1000 and 2000, hence 1800 and 1805, too. 2097 and 1897 are 3.5 s late everywhere, and come
# behind the next ones, and behind 22:48:20 and 22:45. An event a minute.
# A v9 exporter tells its template and how it samples once, at the beginning, and sends flows each 10 s.
cat >world.py <<'EOF2'
import struct, sys
S = 10**9
T0 = 1700000000
node = sys.argv[1]


def v5(n):
    flow = struct.pack('>IIIHHIIIIHHBBBBHHBBH', n, n, 0, 1, 2, 3, 400, 0, 0, 5, 6, 0, 0, 6, 0, 0, 0, 0, 0, 0)
    return struct.pack('>HHIIIIBBH', 5, 1, 1000 * n, T0 + n, 0, n, 1, 2, 0) + flow


def sets(*parts):
    return b''.join(struct.pack('>HH', i, len(b) + 4) + b for i, b in parts)


def v9(seq, at, *parts):
    return struct.pack('>HHIIII', 9, len(parts), 100000 + 1000 * at, T0 + at, seq, 1) + sets(*parts)


flows = (0, struct.pack('>HH4H', 300, 2, 8, 4, 1, 4))
tells = (1, struct.pack('>HHH4H', 402, 4, 4, 1, 4, 34, 4))
lines = [(0, 'd %d 192.0.2.9 9000 %s' % (T0 * S, v9(0, 0, flows, tells, (402, struct.pack('>II', 0, 1000))).hex()))]
for n in range(3600):
    at = n * S + (1 if node == 'a' else 2) + (3500000000 if n in (1897, 2097) else 0)
    if n % 10 == 5 and 'plain' not in sys.argv:
        lines.append((at, 'd %d 192.0.2.9 9000 %s' % (T0 * S + at, v9(n // 10 + 1, n, (300, struct.pack('>II', n, 7))).hex())))
    if n % 60 == 0:
        lines.append((at, 'e %d 3' % (T0 * S + at)))
    if n in (1000, 2000) or (node == 'a' and 1800 <= n < 1810) or (node == 'b' and n % 5 == 0):
        continue
    lines.append((at, 'd %d 192.0.2.1 2055 %s' % (T0 * S + at, v5(n).hex())))
for _, line in sorted(lines):
    print(line)
EOF2
for node in a b; do
	python3 world.py $node | "$make_log" -s 40000 $node lab $node 0x100$node || exit 99
done
"$fb" merge -q -o archive a b >/dev/null
from=2023-11-14T22:42:30Z
to=2023-11-14T22:48:20Z
span="--from $from --to $to"

# chosen: lines of JSON that were received in the span
chosen()
{
	jq -c "select(.received >= \"${from%Z}.000000000Z\" and .received < \"${to%Z}.000000000Z\")"
}

# What is needed: the windows of 22:40 and 22:45. Others are taken away.
cp -r archive part
find part -name '*.fbw' ! -name '*T224[05]00Z.fbw' -exec rm {} +
is "$(find part -name '*.fbw' | wc -l)" 2 "two windows are left of the copy"

# shellcheck disable=SC2086
{
	"$fb" cat -F json archive | chosen >want
	run "$fb" cat -F json $span part
	is "$status" 0 "cat reads only the windows of the span"
	check "and prints the flows received in it ($(wc -l <want))" cmp -s "$T/out" want
	is "$("$fb" cat -c $span part)" "$(jq -c 'select(.options | not)' want | wc -l)" "-c counts them"
	"$fb" cat -F json b | chosen >want.b
	run "$fb" cat -F json $span b
	check "of a log those that the node received in it" cmp -s "$T/out" want.b
	is "$("$fb" cat -c --from $from archive)" "$("$fb" cat -F json archive | jq -c 'select(.received >= "2023-11-14T22:42:30") | select(.options | not)' | wc -l)" \
	    "--from alone"
	is "$("$fb" cat -c --to $to archive)" "$("$fb" cat -F json archive | jq -c 'select(.received < "2023-11-14T22:48:20") | select(.options | not)' | wc -l)" \
	    "--to alone"

	# 1750 to 2099 without the three that nobody heard and the one that came behind the span, with 35 of v9
	run "$fb" info --json $span part
	is "$status $(jq -c '[.datagrams, .nodes[0].datagrams, .nodes[1].datagrams, .nodes[0].events]' "$T/out")" "0 [381,373,314,5]" \
	    "info counts what lies in the span, of its windows alone"
	"$fb" info --json $span a b >both.json
	is "$(jq -c '[.datagrams, .nodes[0].datagrams, .nodes[1].datagrams, .skews]' both.json)" \
	    "$(jq -c '[.datagrams, .nodes[0].datagrams, .nodes[1].datagrams, .skews]' "$T/out")" "and of logs the same"

	run "$fb" gaps --json $span part
	is "$status $(jq -c '[.residual_missing, (.streams[] | select(.version == 5) | [.datagrams, .heard, .missing, .ranges, (.nodes | map(.missing))])]' "$T/out")" \
	    "1 [3,[346,347,3,[[1800,1800],[1805,1805],[2000,2000]],[11,70]]]" "gaps: what is missing between the first and the last of the span"
	cp "$T/out" gaps.json
	for paths in archive "a b" "archive a b"; do
		"$fb" gaps --json $span $paths >again.json
		check "the same of $paths" cmp -s again.json gaps.json
	done
	run "$fb" gaps --json --from $from --to 2023-11-14T22:45Z part
	is "$status $(jq -c '.streams[] | select(.version == 5) | [.datagrams, .heard, .missing, .ranges]' "$T/out")" "1 [147,148,2,[[1800,1800],[1805,1805]]]" \
	    "what came late across the edge is not missing, also when it lies in another window"
	run "$fb" gaps $span archive
	like "$out" 'missing by all: 1800, 1805, 2000$' "the text says so, too"

	run "$fb" verify --json $span part
	is "$status $(jq -c '[.segments, .findings]' "$T/out")" "0 [3,[]]" "verify checks the windows of the span and the common file"
	run "$fb" verify -q part
	is "$status" 1 "without a span it misses the others"
	"$fb" verify --json $span a >some.json
	all=$(find a -name '*.fbs' | wc -l)
	check "of a log it checks the $(jq .segments some.json) segments of the span, of $all" test "$(jq .segments some.json)" -ge 1 -a "$(jq .segments some.json)" -lt "$all"
	check "which hold all of it" test "$(jq .records some.json)" -gt 373

	# An archive of the span.
	run "$fb" merge -q --json $span -o cut a b
	is "$status $(jq -c '[.datagrams_out, .windows, .residual_missing]' "$T/out")" "0 [381,2,3]" "merge keeps what lies in the span"
	is "$(sed -n 6,7p cut/manifest)" "from 1700001750000000000
to 1700002100000000000" "and says so in the manifest"
	is "$("$fb" verify -q cut >/dev/null; echo $?)" 0 "it verifies"
	"$fb" cat -F json cut >cut.json
	check "it shows what the whole archive shows of it" cmp -s cut.json want
	run "$fb" merge -q $span -o cut2 a archive b
	check "logs and archives give the same" diff -r cut cut2
	run "$fb" merge -q $span -o cut3 archive
	"$fb" cat -F json cut3 >cut3.json
	check "an archive alone gives the same flows" cmp -s cut3.json want
	is "$(jq -r '.samplingInterval // empty' want | sort -u)" 1000 "(the sampling that was told an hour before is among them)"
	"$fb" info --json cut >cut.info
	is "$(jq -c '[.datagrams, .nodes[0].datagrams]' cut.info)" '[381,373]' "info reads it"
	"$fb" gaps --json cut >cut.gaps
	is "$(jq -c '[.residual_missing, (.streams | length)]' cut.gaps)" '[4,2]' "gaps reads it"
	for in in "cut a" "a cut" cut; do
		run "$fb" merge -o no $in
		like "$status $err" '2 .*cut: holds but a part' "merge refuses it among $in"
	done
	run "$fb" merge $span -o archive a
	like "$status $err" '2 .*archive: exists; with --from or --to' "a whole archive is not cut in its place"
}

# Where no option told anything a merge needs no more than the windows of the span, either.
for node in a b; do
	python3 world.py $node plain | sed 1d | "$make_log" plain-$node lab $node 0x100$node || exit 99
done
"$fb" merge -q -o plain plain-a plain-b >/dev/null
"$fb" merge -q --from $from --to $to -o plain-cut plain-a plain-b >/dev/null
find plain -name '*.fbw' ! -name '*T224[05]00Z.fbw' -exec rm {} +
run "$fb" merge -q --from $from --to $to -o plain-cut2 plain
is "$status $("$fb" cat -F json plain-cut2 | sha256sum)" "0 $("$fb" cat -F json plain-cut | sha256sum)" "merge reads only the windows of the span"

# Of a window cat reads only the payloads of the span: damage to others is not met. This one has two pieces of them.
"$fb" merge -q --window 2h -o long a b >/dev/null
long=$(ls long/*T220000Z.fbw)
hurt()
{
	rm -rf long2
	cp -r long long2
	python3 - "long2/${long#long/}" "$1" <<'EOF2'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
at, payloads = 1024, []
while at < len(data):
    length = int.from_bytes(data[at + 4:at + 8], 'big')
    if data[at + 2] == 9:
        payloads.append(at)
    at += 56 + (length + 7) // 8 * 8
assert len(payloads) == 2
data[payloads[int(sys.argv[2])] + 100] ^= 1
open(sys.argv[1], 'wb').write(data)
EOF2
}
hurt 0
run "$fb" cat -F json --from 2023-11-14T23:13Z long2
is "$status $(sha256sum <"$T/out")" "0 $("$fb" cat -F json --from 2023-11-14T23:13Z long | sha256sum)" "payloads before the span are not read"
run "$fb" cat -c --from 2023-11-14T22:13Z --to 2023-11-14T22:14Z long2
is "$status" 1 "those of the span are"
hurt 1
run "$fb" cat -F json --to 2023-11-14T22:30Z long2
is "$status $(sha256sum <"$T/out")" "0 $("$fb" cat -F json --to 2023-11-14T22:30Z long | sha256sum)" "nor are those behind it"
run "$fb" cat -c long2
is "$status" 1 "without a span all are"

# Damage is healed by whatever heals it, wherever that lies.
cp -r a hurt
python3 - <<'EOF2'
import glob
path = sorted(glob.glob('hurt/*.fbs'))[0]
data = bytearray(open(path, 'rb').read())
at = 1024
for _ in range(10):  # the 11th record, a datagram
    at += 56 + (int.from_bytes(data[at + 4:at + 8], 'big') + 7) // 8 * 8
data[at + 56 + 20] ^= 1
open(path, 'wb').write(data)
EOF2
"$fb" merge -q -o healed hurt b >/dev/null 2>&1
# shellcheck disable=SC2086
is "$("$fb" info --json $span healed | jq -c '[.damaged_records, .healed_records, .datagrams]')" '[1,1,381]' \
    "a damaged record is healed by a datagram beside the span"

# Times in all their forms.
for form in 1699999350 1699999350.000000000 "2023-11-14 22:02:30" 2023-11-14T22:02:30.0Z 2023-11-14T22:02:30; do
	is "$("$fb" cat -c --from "$form" --to 2023-11-14T22:14Z archive)" "$("$fb" cat -c --to "2023-11-14 22:14" archive)" "--from $form"
done
is "$("$fb" cat -c --from 2023-11-14 --to 2023-11-15 archive)" "$("$fb" cat -c archive)" "days"
for form in "" now 2023-11-31 2023-02-29T00:00:00Z 2023-11-14T24:00 "2023-11-14 22" 22:14 -5 2023-11-14T22:14:00+01:00 1e9 99999999999999; do
	run "$fb" gaps --from "$form" archive
	like "$status $err" '2 .*--from .*: expected a time such as' "--from '$form' is refused"
done
run "$fb" info --from 2023-11-15 --to 2023-11-14 archive
like "$status $err" '2 .*--from 2023-11-15T00:00:00\.000000000Z: not before --to 2023-11-14' "a span that ends before it begins"
run "$fb" info --json --from 2024-01-01 archive
is "$status $(jq -c '[.datagrams, (.exporters | length)]' "$T/out")" "0 [0,0]" "a span without anything"

done_testing
