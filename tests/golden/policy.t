#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Nodes with different policies on real exports: the merge is the union of what they keep, with the same bytes in all
# orders and groupings, also beside a node that keeps all; gaps are as without policies.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands jq
. "$SRCDIR/tests/golden/golden.sh"
fb=$BUILDDIR/flowbraid

# SHA-256 of an archive: of all its files, by name.
sum()
{
	(cd "$1" && sha256sum -- * | sha256sum | cut -c1-64)
}

# node NAME POLICY CAPTURE...: its log, and raw-NAME, what it would have without the policy.
node()
{
	node_name=$1
	node_policy=$2
	shift 2
	for node_capture; do
		set -- "$@" -r "$node_capture"
		shift
	done
	sed "s|\"a\"|\"$node_name\"|; s|$T/log|$T/$node_name|" "$T/conf" >"$T/node.conf"
	echo "$node_policy" >>"$T/node.conf"
	"$BUILDDIR/flowbraidd" -f "$T/node.conf" "$@" 2>"$T/messages" || diag "$(cat "$T/messages")"
	sed "s|\"a\"|\"$node_name\"|; s|$T/log|$T/raw-$node_name|" "$T/conf" >"$T/node.conf"
	"$BUILDDIR/flowbraidd" -f "$T/node.conf" "$@" 2>"$T/messages" || diag "$(cat "$T/messages")"
}

merge()
{
	"$fb" merge -q --window 1h -o "$@" >/dev/null
}

# What all copies of a flow have in common.
flows()
{
	for flows_path; do
		"$fb" cat -F json "$flows_path" 2>/dev/null
	done | jq -cS 'del(.received, .witnesses, .tags, .lateTemplate)' | sort -u
}

cd "$T" || exit 99
set --
for capture in "$CORPUS"/devices/*.pcap "$CORPUS"/cisco/*/*.pcap "$CORPUS"/sflow/*.pcap; do
	set -- "$@" "$capture"
done
check "there are captures: $#" test $# -gt 40
first=
last=
n=0
for capture; do
	n=$((n + 1))
	[ $n -gt $(($# * 2 / 3)) ] || first="$first $capture"
	[ $n -le $(($# / 3)) ] || last="$last $capture"
done
# shellcheck disable=SC2086
node a 'policy = { rules = ( { match = "all"; action = "drop"; }, { match = "bytes > 500"; action = "keep"; tag = 5; } ); };' $first
# shellcheck disable=SC2086
node b 'policy = { rules = ( { match = "proto udp or icmp"; action = "keep"; tag = 9; quick = true; },
	{ match = "bytes > 100"; action = "drop"; } ); };' $last
node c '' "$1" "$4" "$7" "$8" "${11}" "${20}" "${40}"
node d 'policy = { rules = ( { match = "all"; action = "drop"; } ); };' "$@"

merge ab a b
run "$fb" merge --json --window 1h -o again a b
is "$status" "$("$fb" merge -q --window 1h -o raw-ab raw-a raw-b >/dev/null; echo $?)" "a merge of selected flows ends as that of whole datagrams"
selected=$(printf '%s' "$out" | jq .selected)
check "most datagrams are selected: $selected" test "$selected" -gt 200
is "$(printf '%s' "$out" | jq .selected_conflicts)" 0 "none contradicts another"
is "$(sum again)" "$(sum ab)" "again: the same bytes"
flows a b >want
flows ab >got
check "the archive holds the union, $(wc -l <want) records" cmp want got
check "which is more than either" test "$(wc -l <want)" -gt "$(flows a | wc -l)" -a "$(wc -l <want)" -gt "$(flows b | wc -l)"
flows raw-a raw-b >all
check "and less than all: $(wc -l <all)" test "$(wc -l <want)" -lt "$(wc -l <all)"
is "$(comm -23 want all | wc -l)" 0 "nothing else"
"$fb" cat -F json ab 2>/dev/null | jq -c 'select(.tags == [5, 9])' >both
check "flows that both kept have the tags of both: $(wc -l <both)" test -s both
is "$(jq -c 'select((.octetDeltaCount // 501) <= 500 or (.protocolIdentifier // 17 | . != 17 and . != 1 and . != 58))' both | wc -l)" 0 \
    "and fit the rules of both"
run "$fb" verify -q ab
is "$status" 0 "it verifies: $err"
is "$("$fb" info --json ab | jq -c '[.selected, .paths[0].selected]')" "[$selected,$selected]" "info counts them"

for set in "a b" "a b c" "b d"; do
	raw=
	for name in $set; do
		raw="$raw raw-$name"
	done
	# shellcheck disable=SC2086
	"$fb" gaps --json $set 2>/dev/null | jq -S 'del(.streams[].selected)' >gaps
	# shellcheck disable=SC2086
	"$fb" gaps --json $raw 2>/dev/null | jq -S . >want-gaps
	check "gaps of $set are those of whole datagrams, $(jq '.streams | length' gaps) streams" cmp gaps want-gaps
done
"$fb" gaps --json a b 2>/dev/null | jq '[.streams[].selected // 0] | add' >n
is "$(cat n)" "$selected" "gaps counts those of which flows alone are kept"

merge abcd a b c d
want=$(sum abcd)
for order in "a d c b" "b a d c" "d c b a" "c b d a"; do
	# shellcheck disable=SC2086
	merge o $order
	is "$(sum o)" "$want" "order $order: the same bytes"
	rm -rf o
done
merge cd c d
merge g1 ab cd
merge g2 cd b a
merge g3 cd ab ab b
is "$(sum g1)" "$want" "((a,b),(c,d)): the same bytes"
is "$(sum g2)" "$want" "((c,d),b,a): the same bytes"
is "$(sum g3)" "$want" "overlapping: the same bytes"
merge step d
for name in c a b d; do
	merge step $name
done
is "$(sum step)" "$want" "one node after the other into one archive: the same bytes"
merge step b
is "$("$fb" merge --json -o step b | jq -c '[.windows_new, .windows_changed]')" "[0,0]" "what adds nothing changes no window"
for k in 0 1 2; do
	merge s$k --shard $k/3 a b c d
done
merge joined s2 s0 s1
is "$(sum joined)" "$want" "three shards, joined: the same bytes"
merge shard-of-joined --shard 1/3 joined
merge shard-of-parts --shard 1/3 ab cd
is "$(sum shard-of-parts)" "$(sum s1)" "a shard is the same, whatever it is made of"
merge little --memory 32M a b c d
is "$(sum little)" "$want" "in little memory: the same bytes"

merge raw-abcd raw-a raw-b raw-c raw-d
flows raw-abcd >all
flows raw-c | comm -12 - all >want # a template of another node may hold in place of one here
flows abcd >got
is "$(comm -23 want got | wc -l)" 0 "what one node has whole is whole"
is "$(flows d | jq -c 'select(.options | not)' | comm -23 - all | wc -l)" 0 "a node that drops everything has what it could not decode"
mkdir lost && cp -r a lost/a
for segment in lost/a/*.fbs; do
	head -c $(($(wc -c <"$segment") * 2 / 3)) "$segment" >"$segment.cut" && mv "$segment.cut" "$segment"
done
run "$fb" merge --json --window 1h -o healed lost/a b c d
is "$status" 1 "damage is told"
run "$fb" merge -q --window 1h -o healed a
is "$(sum healed)" "$want" "and a sound copy closes the hole: the same bytes"
run "$fb" replay --speed max --json 127.0.0.1 9 ab
is "$(printf '%s' "$out" | jq -c '[.datagrams, .not_whole]')" \
    "$("$fb" info --json ab | jq -c "[.datagrams - $selected, $selected]")" "replay sends what is whole, and counts the rest"
like "$err" "$selected datagrams cannot be sent: a policy kept only flows of them" "and says so"
run "$fb" cat -c ab
is "$out" "$("$fb" cat -F json ab 2>/dev/null | jq -c 'select(.options | not)' | wc -l)" "cat -c counts what cat shows"
is "$("$fb" cat -c ab -- tag 5 2>/dev/null)" "$("$fb" cat -F json ab 2>/dev/null | jq -c 'select(.tags // [] | index(5))' | wc -l)" "an expression asks for a tag"

# --- the policy of a merge ---

echo 'policy = { rules = ( { match = "all"; action = "drop"; }, { match = "bytes > 500"; action = "keep"; tag = 5; } );
	fields = [ "ALL" ]; undecoded = "drop"; };' >p.conf
echo 'policy = { rules = ( { match = "proto tcp"; action = "drop"; } ); };' >other.conf
merge raw-ab raw-a raw-b 2>/dev/null
run "$fb" merge --json --policy p.conf --window 1h -o pab raw-a raw-b
check "a merge with a policy: $(printf '%s' "$out" | jq -c '[.selected, .datagrams_out]')" test "$status" -lt 2
want=$(sum pab)
is "$(grep -c '^policy ' pab/manifest)" 6 "the manifest has its text"
is "$("$fb" info --json pab | jq -r '.paths[0].policy')" "$(sed -n 's/^policy //p' pab/manifest)" "info shows it"
run "$fb" verify -q pab
is "$status" 0 "it verifies"
"$fb" cat -F json pab 2>/dev/null | jq -cS 'select(.tags) | del(.lateTemplate)' | sort >got
"$fb" cat -F json --policy p.conf raw-ab 2>/dev/null | jq -cS 'select(.tags) | del(.lateTemplate)' | sort >want
check "its flows are those that cat --policy shows, $(wc -l <want)" cmp want got
sed 's/undecoded = "drop";//' p.conf >keep.conf
merge keep --policy keep.conf raw-a raw-b
"$fb" gaps --json keep 2>/dev/null | jq -S 'del(.streams[].selected)' >gaps
"$fb" gaps --json raw-ab 2>/dev/null | jq -S . >want-gaps
check "its gaps are those of whole datagrams, when what cannot be decoded stays whole" cmp gaps want-gaps
merge pa --policy p.conf raw-a
merge pb --policy p.conf raw-b
merge o1 pa pb
is "$(sum o1)" "$want" "parts with the policy, joined without saying it: the same bytes"
merge o2 --policy p.conf pb raw-a
is "$(sum o2)" "$want" "and a log: the same bytes"
merge o3 pa raw-b pb
is "$(sum o3)" "$want" "in another order: the same bytes"
merge o4 --policy p.conf raw-ab
is "$(sum o4)" "$want" "from an archive of whole datagrams: the same bytes"
merge pa raw-b
is "$(sum pa)" "$want" "into an archive with the policy: the same bytes"
for k in 0 1; do
	merge ps$k --policy p.conf --shard $k/2 raw-b raw-a
done
merge o5 ps1 ps0
is "$(sum o5)" "$want" "two shards, joined: the same bytes"
merge o6 --policy p.conf --memory 32M raw-b raw-a
is "$(sum o6)" "$want" "in little memory: the same bytes"
merge mix1 --policy p.conf a b raw-c d
merge mix2 --policy p.conf d a
merge mix3 mix2 b raw-c
is "$(sum mix3)" "$(sum mix1)" "with selected flows of nodes: the same bytes"
run "$fb" merge -q --policy other.conf -o o7 pab raw-a
like "$status $err" '^2 .*pab: made with another policy than --policy' "another policy is refused"
run "$fb" merge -q --policy p.conf -o raw-ab raw-a
like "$status $err" '^2 .*raw-ab: has no policy, and would lose what --policy drops' "an archive without policy is not made less"
run "$fb" merge -q --policy nowhere -o o7 raw-a
like "$status $err" '^2 .*nowhere: cannot read' "and a file that is not there is told"
check "nothing is written" test ! -e o7
done_testing
