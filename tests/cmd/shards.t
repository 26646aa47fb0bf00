#!/bin/sh
# SPDX-License-Identifier: ISC
#
# A merge done in parts: all shards, in any order, join into the archive that one process makes, to the byte.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
lines=$SRCDIR/tests/cmd/flowlines

# SHA-256 of an archive: of all its files, by name.
sum()
{
	(cd "$1" && sha256sum -- * | sha256sum | cut -c1-64)
}

n=0
for node in a b c d; do
	n=$((n + 1))
	"$lines" $node 7 0.1 >"$T/$node.lines" || exit 99
	"$make_log" "$T/$node" lab $node 0x200$n <"$T/$node.lines" || exit 99
done
cd "$T" || exit 99
"$fb" merge -q --window 10s -o whole a b c || exit 99
want=$(sum whole)
"$fb" cat -F json whole | sort >whole.json

for k in 0 1 2 3 4 5 6 7; do
	"$fb" merge -q --json --window 10s --shard $k/8 -o s$k a b c >s$k.json &
done
wait
is "$(jq -s 'map(.datagrams_out) | add' s?.json)" "$("$fb" merge --json --dry-run -o dry whole | jq .datagrams_out)" \
    "8 shards hold each datagram once"
check "and none holds all" test "$(jq -s 'map(.datagrams_out) | max' s?.json)" -lt "$(jq -s 'map(.datagrams_out) | add / 4 | floor' s?.json)"
for k in 0 7; do
	is "$(sed -n 6p s$k/manifest)" "shard $k/8" "shard $k: its manifest says so"
	run "$fb" verify -q s$k
	is "$status" 0 "... it verifies"
	check "... it has no ledger" test ! -e s$k/ledger.json
	run "$fb" info -q s$k
	is "$status" 0 "... info tells of it"
done
for k in 0 1 2 3 4 5 6 7; do
	"$fb" cat -F json s$k
done | sort >parts.json
check "they show the flows of the whole, $(wc -l <whole.json)" cmp -s parts.json whole.json

"$fb" merge -q -o joined s0 s1 s2 s3 s4 s5 s6 s7
is "$(sum joined)" "$want" "joined: the bytes of a merge by one process"
"$fb" merge -q -o backwards s7 s6 s5 s4 s3 s2 s1 s0
is "$(sum backwards)" "$want" "in another order, too"
"$fb" merge -q -o more s3 d s0 s1 s2 s7 a s4 s5 s6 whole
"$fb" merge -q --window 10s -o all a b c d
is "$(sum more)" "$(sum all)" "and with other inputs among them"
"$fb" merge -q --window 10s --shard 3/8 -o s3 d
"$fb" merge -q --window 10s --shard 3/8 -o s3all all
is "$(sum s3)" "$(sum s3all)" "a shard grows, and one is cut out of a whole archive: the same bytes"
"$fb" gaps --json s0 s1 s2 s4 s5 s6 s7 s3 >joined-gaps.json
"$fb" gaps --json more >gaps.json
check "gaps of all shards are those of the whole" test -s gaps.json

run "$fb" merge -o no s0 s1 s2 s4 s5 s7
is "$status" 2 "some are missing: refused"
like "$err" 's0: shard 0/8 of an archive, of which these are missing: 3/8, 6/8' "and the message names them"
check "and nothing is written" test ! -e no
run "$fb" merge -o s0 a
like "$status $err" '2 .*s0: shard 0/8 of an archive, of which these are missing: 1/8' "a shard does not become a whole"
run "$fb" merge --shard 1/8 -o s0 a
like "$status $err" '2 .*s0: shard 0/8, of which none of 1/8 can be made' "nor another one"
"$fb" merge -q --window 10s --shard 1/2 -o half a
run "$fb" merge -o no s0 half
like "$status $err" '2 .*half: one of 2 shards, but s0 is one of 8' "nor do those of two numbers go together"
run "$fb" gaps s0
like "$status $err" '2 .*s0: shard 0/8 of an archive' "gaps of a part mean nothing"
run "$fb" merge --shard 0/8 --from 2023-11-14T22:14:00Z -o no a
like "$status $err" '2 .*--shard makes a part' "a shard of a span is refused"
for wrong in 8/8 -1/8 0/1 1 /8 0/9999 0/8x ''; do
	run "$fb" merge --shard "$wrong" -o no a
	like "$status $err" "2 .*--shard $wrong: expected K/N" "--shard '$wrong' is refused"
done

done_testing
