#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The sampling interval that holds for a flow: told by options records of v9 and IPFIX, by sampler, interface or for the
# whole stream; at its place, so that a change counts from there on, and data before the first telling get that one.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
cd "$T" || exit 99

cat >make.py <<'EOF'
import struct
T0 = 1700000000

def sets(*parts):
    return b''.join(struct.pack('>HH', i, len(b) + 4) + b for i, b in parts)

def v9(seq, *parts):
    return struct.pack('>HHIIII', 9, len(parts), 100000 + 1000 * seq, T0 + seq, seq, 1) + sets(*parts)

def ipfix(seq, at, *parts):
    body = sets(*parts)
    return struct.pack('>HHIII', 10, 16 + len(body), T0 + at, seq, 5) + body

def show(n, addr, port, payload):
    print('d %d %s %d %s' % ((T0 + n * 100) * 10**9, addr, port, payload.hex()))

# v9: flows with a sampler or an interface; options by sampler, by interface (scope 2), for all (scope 1, element 34)
flows = (0, struct.pack('>HH6H', 300, 3, 8, 4, 48, 1, 10, 2))
by_sampler = (1, struct.pack('>HHH6H', 400, 4, 8, 1, 4, 48, 1, 50, 4))
by_interface = (1, struct.pack('>HHH4H', 401, 4, 4, 2, 2, 34, 4))
for_all = (1, struct.pack('>HHH4H', 402, 4, 4, 1, 4, 34, 4))

def flow(sampler, interface):
    return (300, struct.pack('>IBH', 0x0a000001, sampler, interface))

n = 0
for parts in (
    [flows, flow(1, 7)],                                            # 0: before anything is told: the first telling, 100
    [by_sampler, (400, struct.pack('>IBI', 0, 1, 100))],
    [flow(1, 7)],                                                   # 2: 100
    [flow(9, 7)],                                                   # 3: another sampler: nothing known
    [by_interface, for_all, (401, struct.pack('>HI', 7, 50)), (402, struct.pack('>II', 0, 1000))],
    [flow(9, 7), ],                                                 # 5: interface 7: 50
    [flow(9, 8), ],                                                 # 6: the stream: 1000
    [(400, struct.pack('>IBI', 0, 1, 200))],
    [flow(1, 7)],                                                   # 8: changed: 200
):
    show(n, '192.0.2.1', 5000, v9(n, *parts))
    n += 1

# IPFIX: selector 4 takes 1 packet and leaves 9; selector 5 takes with probability 1/128; the record's own element wins
data = (2, struct.pack('>HH4H', 300, 2, 8, 4, 302, 8))
own = (2, struct.pack('>HH6H', 301, 3, 8, 4, 302, 8, 34, 4))
both = (2, struct.pack('>HH6H', 302, 3, 8, 4, 48, 1, 302, 8))   # a sampler of which nothing is told
space = (3, struct.pack('>HHH6H', 400, 3, 1, 302, 8, 305, 4, 306, 4))
chance = (3, struct.pack('>HHH4H', 401, 2, 1, 302, 8, 311, 8))
seq = 0
for at, count, parts in (
    (0, 2, [data, own, both, space, chance, (400, struct.pack('>QII', 4, 1, 9)), (401, struct.pack('>Qd', 5, 1 / 128))]),
    (1, 4, [(300, struct.pack('>IQ', 1, 4)), (300, struct.pack('>IQ', 1, 5)), (301, struct.pack('>IQI', 1, 4, 77)),
            (302, struct.pack('>IBQ', 1, 65, 4))]),
):
    show(n, '192.0.2.2', 6000, ipfix(seq, at, *parts))
    n += 1
    seq += count
EOF
python3 make.py >lines || exit 99
half=$(($(wc -l <lines) / 2))
head -n $half lines | "$BUILDDIR/tests/cmd/make-log" a lab a 1
tail -n +$((half + 1)) lines | "$BUILDDIR/tests/cmd/make-log" b lab b 2
"$BUILDDIR/tests/cmd/make-log" whole lab c 3 <lines

intervals()
{
	jq -r 'select(.options != true) | "\(.version) \(.sequence) \(.samplingInterval)"'
}
want="9 0 100
9 2 100
9 3 null
9 5 50
9 6 1000
9 8 200
10 2 10
10 2 128
10 2 77
10 2 10"
is "$("$fb" cat -F json whole | intervals)" "$want" "a log: each flow has the interval that holds for it"
"$fb" merge -q -o archive a b || exit 99
is "$("$fb" cat -F json archive | intervals)" "$want" "an archive of two nodes that heard half each"
is "$(for w in archive/*.fbw; do "$fb" cat -F json "$w"; done | intervals)" "$want" "each window by itself"
check "there are several windows" test "$(find archive -name '*.fbw' | wc -l)" -gt 2
"$fb" merge -q -o other b a && "$fb" merge -q -o other archive whole && "$fb" merge -q -o archive whole
is "$(cd archive && sha256sum -- *)" "$(cd other && sha256sum -- *)" "the same bytes in another order"
is "$("$fb" verify -q --json archive | jq '.findings | length')" 0 "which verify"
is "$("$fb" cat -F json whole | jq -r 'select(.options == true) | .version' | sort | uniq -c | tr -s ' ' | tr '\n' ';')" " 2 10; 4 9;" \
    "the options records are shown, too"
done_testing
