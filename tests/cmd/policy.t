#!/bin/sh
# SPDX-License-Identifier: ISC
#
# A merge with a policy: what the archive holds, and that order, grouping and repetition make no difference; what is refused.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands jq
fb=$BUILDDIR/flowbraid

# SHA-256 of an archive: of all its files, by name.
sum()
{
	(cd "$1" && sha256sum -- * | sha256sum | cut -c1-64)
}

merge()
{
	"$fb" merge -q -o "$@" >/dev/null
}

# The flows of an archive that a policy has tagged.
flows()
{
	"$fb" cat -F json "$@" | jq -cS 'select(.tags)' | sort
}

n=0
for node in a b c; do
	n=$((n + 1))
	"$SRCDIR/tests/cmd/flowlines" $node 7 0.1 >"$T/$node.lines" || exit 99
	"$BUILDDIR/tests/cmd/make-log" "$T/$node" lab $node 0x300$n <"$T/$node.lines" || exit 99
done
cd "$T" || exit 99
merge raw a b c
middle=$("$fb" cat -F json raw | jq .octetDeltaCount | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
echo "policy = { rules = ( { match = \"all\"; action = \"drop\"; }, { match = \"bytes >= $middle\"; action = \"keep\"; tag = 7; } );
	fields = [ \"SRC_ADDR\", \"OCTETS\" ]; };" >p.conf
echo 'policy = { rules = ( { match = "proto tcp"; action = "drop"; } ); };' >other.conf
merge abc --policy p.conf a b c
want=$(sum abc)
flows abc >got
flows --policy p.conf raw >want
check "the archive has the flows that cat --policy shows, $(wc -l <want)" cmp want got
check "which are some" test -s want
check "and not all" test "$("$fb" cat -c abc)" -lt "$("$fb" cat -c raw)"
is "$(jq -c 'has("sourceIPv4Address") and has("destinationIPv4Address")' got | sort -u)" false "without the fields that are not kept"
is "$("$fb" gaps --json abc | jq -S 'del(.streams[].selected)')" "$("$fb" gaps --json raw | jq -S .)" "gaps are those of whole datagrams"
run "$fb" verify -q abc
is "$status" 0 "it verifies"
for order in "c b a" "b c a a"; do
	# shellcheck disable=SC2086
	merge o --policy p.conf $order
	is "$(sum o)" "$want" "order $order: the same bytes"
	rm -rf o
done
merge ab --policy p.conf a b
merge bc --policy p.conf b c
merge g1 ab bc
merge g2 c ab
merge g3 --policy p.conf raw
merge ab c
is "$(sum g1)" "$want" "archives with the policy: the same bytes"
is "$(sum g2)" "$want" "one and a log: the same bytes"
is "$(sum g3)" "$want" "from the archive of whole datagrams: the same bytes"
is "$(sum ab)" "$want" "a late node into the archive: the same bytes"
run "$fb" merge -q --policy other.conf -o no abc a
like "$status $err" '^2 .*abc: made with another policy than --policy' "another policy is refused"
run "$fb" merge -q --policy p.conf -o raw a
like "$status $err" '^2 .*raw: has no policy, and would lose what --policy drops' "an archive without policy is not made less"
echo 'policy = { rules = ( { match = "src net"; } ); };' >bad.conf
run "$fb" merge -q --policy bad.conf -o no a
like "$status $err" '^2 .*bad.conf:1: policy' "a policy that is none is told with its place"
check "nothing is written" test ! -e no
done_testing
