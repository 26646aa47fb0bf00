#!/bin/sh
# SPDX-License-Identifier: ISC
#
# cat --witnesses: every hearing of a flow's datagram, by node, lane, life, record, time and listener, from archives,
# windows and logs; and no incarnation anywhere.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
cd "$T" || exit 99

# lines FIRST LAST DELAY: v5 datagrams of two flows, with these sequence numbers, one a second
lines()
{
	python3 - "$@" <<'EOF2'
import struct, sys
first, last, delay = map(int, sys.argv[1:])
for n in range(first, last):
    flow = struct.pack('>IIIHHIIIIHHBBBBHHBBH', n, n + 1, 0, 1, 2, 3, 400, 0, 0, 5, 6, 0, 0, 6, 0, 0, 0, 0, 0, 0)
    head = struct.pack('>HHIIIIBBH', 5, 2, 1000 * n, 1700000000 + n, 0, n, 1, 2, 0)
    print('d %d 192.0.2.1 2055 %s' % ((1700000000 + n) * 10**9 + delay, (head + flow + flow).hex()))
EOF2
}

# Two lives of node a, the later one with the lower incarnation; node b hears number 5 again on another listener.
lines 0 10 1 | "$make_log" a1 lab a 0x7000000000000001 || exit 99
lines 10 20 1 | "$make_log" a2 lab a 0x0100000000000001 || exit 99
{
	lines 0 20 2
	echo "l 7"
	lines 5 6 3
} | "$make_log" b lab b 0x1100000000000001 || exit 99

"$fb" merge -q -o archive a2 b a1 >/dev/null

# hearings PATH SEQUENCE: those of its flows, which must agree
hearings()
{
	"$fb" cat -F json --witnesses "$1" | jq -c "select(.sequence == $2) | .hearings" | sort -u
}

is "$(hearings archive 3)" \
    '[{"node":"a","lane":0,"life":1,"record":4,"received":"2023-11-14T22:13:23.000000001Z","listener":0},{"node":"b","lane":0,"life":1,"record":4,"received":"2023-11-14T22:13:23.000000002Z","listener":0}]' \
    "two nodes heard it"
is "$(hearings archive 5 | jq -c '.[] | [.node, .life, .record, .received, .listener]' | tr '\n' ' ')" \
    '["a",1,6,"2023-11-14T22:13:25.000000001Z",0] ["b",1,6,"2023-11-14T22:13:25.000000002Z",0] ["b",1,21,"2023-11-14T22:13:25.000000003Z",7] ' \
    "twice at one of them, on two listeners"
is "$(hearings archive 12 | jq -c '.[0] | [.node, .life, .record]')" '["a",2,3]' "a life is named by its place in time"
is "$("$fb" cat -F json --witnesses archive | wc -l)" 40 "each flow stands once"
is "$("$fb" cat -F json --witnesses archive | jq -c 'del(.hearings)')" "$("$fb" cat -F json archive | jq -c .)" \
    "nothing else has changed, and without the option nothing is shown"
is "$(hearings a2 12)" '[{"node":"a","lane":0,"life":1,"record":3,"received":"2023-11-14T22:13:32.000000001Z","listener":0}]' \
    "a log by itself: the life is the first at hand"
is "$(hearings archive/20231114T221000Z.fbw 12 | jq -c '.[0] | [.node, has("life"), .record]')" '["a",false,3]' \
    "a window by itself does not know the lives"
run "$fb" cat --witnesses archive
is "$(sed -n 9,11p "$T/out")" "$("$fb" cat archive | sed -n 5p)
$("$fb" cat archive | sed -n 6p)
    heard by node a, lane 0, life 1, record 3, 2023-11-14T22:13:22.000000001Z, listener 0" "text: lines behind the flows of a datagram"
is "$(grep -c 'heard by' "$T/out")" 41 "one for each hearing"

# An incarnation is a key: it must be nowhere, as a number or as text.
{
	"$fb" cat -F json --witnesses archive
	"$fb" cat --witnesses archive
	"$fb" info --json archive a1 a2 b
	"$fb" info archive a1 a2 b
	"$fb" merge -q --json -o again a1 a2 b
} >shown
check "no incarnation is shown" sh -c '! grep -Eq "8070450532247928833|72057594037927937|1224979098644774913|[71]00000000000001" shown'

# Damage in the common file: a life may be missing, so none is named.
cp -r archive hurt
python3 - <<'EOF2'
data = bytearray(open('hurt/common.fbs', 'rb').read())
at, records = 1024, {}
while at < len(data):
    records[data[at + 2]] = at  # the last one of each type
    at += 56 + (int.from_bytes(data[at + 4:at + 8], 'big') + 7) // 8 * 8
data[records[10] + 60] ^= 1
open('hurt/common.fbs', 'wb').write(data)
EOF2
run "$fb" cat -F json --witnesses hurt
is "$status" 1 "a damaged common file: exit 1"
is "$(jq -c 'select(.sequence == 12) | .hearings[0] | [.node, has("life"), .record]' "$T/out" | sort -u)" '["a",false,3]' \
    "and no life is named, since one may be missing"

for other in "-F csv" -c; do
	# shellcheck disable=SC2086
	run "$fb" cat --witnesses $other archive
	like "$status $err" '2 .*--witnesses: shown with -F text, long and json' "not with $other"
done

done_testing
