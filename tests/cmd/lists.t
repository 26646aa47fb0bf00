#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Structured data whose templates another node heard, in another window, or later: in logs and in archives, of which
# each window can be read alone, and which are the same however they were merged.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands jq python3
fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
cd "$T" || exit 99

# Template 256: ingressInterface and a subTemplateList; 257, named by it: octets of one byte, or later of two.
# a: templates; b: data, in three windows.
python3 - <<'EOF'
import struct
T0 = 1700000100

def message(at, sequence, *sets):
    body = b''.join(struct.pack('>HH', i, 4 + len(b)) + b for i, b in sets)
    head = struct.pack('>HHIII', 10, 16 + len(body), T0 + at, sequence, 5)
    return f'd {(T0 + at) * 10**9} 192.0.2.1 4444 {(head + body).hex()}\n'

outer = (2, struct.pack('>HHHHHH', 256, 2, 10, 1, 292, 65535))
def inner(size):
    return (2, struct.pack('>HHHH', 257, 1, 1, size))
data = (256, bytes([7, 7, 3, 1, 1, 1, 2, 3, 4]))
other = (256, bytes([8, 4, 3, 9, 9, 5]))

with open('a.lines', 'w') as f:
    f.write(message(0, 0, outer))
    f.write(message(10, 0, inner(1)))
    f.write(message(1000, 2, inner(2)))
with open('b.lines', 'w') as f:
    f.write(message(5, 0, data))
    f.write(message(600, 1, data))
    f.write(message(1100, 2, data))
    f.write(message(1101, 3, other))
EOF
for node in a b; do
	"$make_log" $node lab $node 0x100$node <$node.lines || exit 99
done
cat a.lines b.lines | sort -n -k 2 >both.lines
"$make_log" both lab c 0x2000 <both.lines || exit 99

cat >want <<'EOF'
{"semantic":"allOf","elements":[{"octetDeltaCount":1},{"octetDeltaCount":2},{"octetDeltaCount":3},{"octetDeltaCount":4}]}
{"semantic":"allOf","elements":[{"octetDeltaCount":1},{"octetDeltaCount":2},{"octetDeltaCount":3},{"octetDeltaCount":4}]}
{"semantic":"allOf","elements":[{"octetDeltaCount":258},{"octetDeltaCount":772}]}
{"semantic":"allOf","elements":[{"template":2313,"octets":"05"}]}
EOF

lists_of()
{
	run "$fb" cat -F json "$@"
	is "$status $err" "0 " "cat $*"
	jq -c .subTemplateList "$T/out" >got
}

lists_of both
check "a log: each list with the template that was there, the first with the next" cmp got want
"$fb" merge -q -o archive a b >/dev/null
lists_of archive
check "an archive of two nodes: the same" cmp got want
sed -n 3,4p want >want.last
lists_of "$(find archive -name '*.fbw' | sort | tail -n 1)"
check "its last window alone" cmp got want.last
"$fb" merge -q -o turned b a >/dev/null
check "merged the other way round it is the same" diff -r archive turned
"$fb" merge -q -o first a >/dev/null
"$fb" merge -q -o again first b >/dev/null
check "and of an archive and a log" diff -r archive again
"$fb" merge -q -o once archive >/dev/null
check "and of itself" diff -r archive once
check "verify" sh -c "'$fb' verify -q archive >/dev/null"
done_testing
