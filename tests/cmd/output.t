#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid cat -o: what is selected as a log that all commands read, with the same flows in it; and reading from standard input.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands jq
fb=$BUILDDIR/flowbraid
cd "$T" || exit 99
for node in a b; do
	"$SRCDIR/tests/cmd/flowlines" $node 9 0.1 >$node.lines
	"$BUILDDIR/tests/cmd/make-log" -s 20000 $node lab $node 5 <$node.lines
done
"$fb" merge -q -o archive a b || exit 99

# flows PATH [-- EXPRESSION]: as JSON, without what an archive knows besides.
flows()
{
	"$fb" cat -F json "$@" 2>/dev/null | jq -c 'del(.witnesses)'
}

for path in a archive; do
	flows $path >want
	run "$fb" cat -o all-$path $path
	is "$status $out $err" "0  " "-o of $path"
	flows all-$path >got
	check "-o of $path: the same $(wc -l <want) flows" cmp got want
	run "$fb" verify -q all-$path
	is "$status" 0 "-o of $path: verify finds nothing" || diag "$out$err"
	like "$("$fb" info --json all-$path | jq -c '[.cluster, .paths[0].kind, .paths[0].open, .nodes[0].node]')" '\["lab","log",0,"cat"\]' \
	    "-o of $path: a sealed log of a node cat"

	flows $path -- received \< 2023-11-14T22:13:40 and dst port 53 >want
	check "-o of $path: the expression selects some" test -s want
	run "$fb" cat -c -o some-$path --node picked $path -- received \< 2023-11-14T22:13:40 and dst port 53
	is "$status $out" "0 $(grep -c . want)" "-o with an expression: -c counts them" || diag "$err"
	flows some-$path -- received \< 2023-11-14T22:13:40 and dst port 53 >got
	check "-o with an expression: the same $(wc -l <want) flows" cmp got want
	all=$("$fb" info --json $path | jq .datagrams)
	some=$("$fb" info --json some-$path | jq .datagrams)
	check "-o with an expression: some of the datagrams ($some of $all)" test "$some" -gt 0 -a "$some" -lt "$all"
	is "$("$fb" info --json some-$path | jq -r '.nodes[0].node')" picked "--node names the log's node"
done

# Receive times, exporters and ports are the records' own, so a merge finds the datagrams again.
"$fb" merge -q --json -o again a all-a >report
is "$(jq .datagrams_out report)" "$(jq -n "$("$fb" info --json a | jq .datagrams)")" "-o: the same datagrams to a merge"
is "$("$fb" cat -F json all-a | jq -r .received | cksum)" "$("$fb" cat -F json a | jq -r .received | cksum)" "-o: received is kept"

# A segment of a log whose templates only its snapshot knows.
cat >templates.lines <<'END'
d 1700000000000000000 192.0.2.1 4000 0009000100000064655a0000000000010000000700000014012c00030008000400070002000b0002
END
cat >data.lines <<'END'
d 1700000001000000000 192.0.2.1 4000 0009000100000065655a00010000000200000007012c000cc000020100500035
END
{
	cat templates.lines
	echo r
	cat data.lines
} | "$BUILDDIR/tests/cmd/make-log" late lab late 7
is "$("$fb" cat -c late 2>/dev/null)" 1 "a flow whose template another segment brings"
"$fb" cat -o late-out --from 2023-11-14T22:13:20.5Z late
is "$("$fb" cat -F json late-out 2>/dev/null | jq -r .sourceIPv4Address)" 192.0.2.1 "-o of a span takes along the template that decodes it"
"$fb" merge -q -o late-archive late
"$fb" cat -o late-out2 --from 2023-11-14T22:13:20.5Z late-archive
is "$("$fb" cat -F json late-out2 2>/dev/null | jq -r .sourceIPv4Address)" 192.0.2.1 "and so of an archive"
run "$fb" cat -o few -n 5 a
is "$status $("$fb" info --json few | jq '.datagrams <= 5')" "0 true" "-n ends it"

# What is refused.
mkdir full && touch full/x
run "$fb" cat -o full a
like "$status $err" '^2 .*full: expected a new or an empty folder, found files in it' "a folder with something in it"
is "$(ls full)" x "and nothing is changed there"
run "$fb" cat -o all-a b
like "$status $err" '^2 .*all-a: expected a new or an empty folder' "a log"
mkdir empty
run "$fb" cat -o empty a
is "$status" 0 "an empty folder is taken" || diag "$err"
run "$fb" cat -o a.lines a
like "$status $err" '^2 .*a.lines: Not a directory' "a file"
run "$fb" cat -o no/where a
like "$status $err" '^2 .*no/where: No such file' "a folder in none"
"$BUILDDIR/tests/cmd/make-log" other elsewhere a 6 <a.lines
run "$fb" cat -o mixed a other
like "$status $err" '^2 .*mixed: expected cluster "lab", found "elsewhere"' "logs of two clusters"
for args in "-F json" "-v" "--fields index" "--sort" "--witnesses" "-f"; do
	# shellcheck disable=SC2086 # words
	run "$fb" cat -o not $args a
	like "$status $err" '^2 .*-o: writes whole datagrams|^2 .*--fields: chosen' "-o $args: refused"
done
check "and no folder is made" test ! -e not
run "$fb" cat --node x a
like "$status $err" '^2 .*there is no -o' "--node without -o"
run "$fb" cat -o not --node 'a b' a
like "$status $err" '^2 .*--node a b: expected a name' "no name of a node"
run "$fb" cat -o nothing a -- domain 999999999
like "$status $err" '^0 .*' "nothing is selected"

# Standard input.
grep "^d" a.lines >one.lines
"$BUILDDIR/tests/cmd/make-log" one lab one 8 <one.lines
flows one >want
segment=$(ls one/*.fbs)
"$fb" cat -F json - <"$segment" >got
check "a segment from a file" cmp got want
cat "$segment" | "$fb" cat -F json - >got
check "a segment from a pipe" cmp got want
for segment in a/*.fbs; do
	flows "$segment"
done >want
cat a/*.fbs | "$fb" cat -F json - 2>/dev/null >got
check "$(ls a | wc -l) segments one behind the other, each by itself" cmp got want
flows archive >want
cat archive/*.fbw | "$fb" cat -F json - | jq -c 'del(.witnesses)' >got
check "the windows of an archive" cmp got want
is "$(cat archive/*.fbw | "$fb" cat -c b - b)" $(($(wc -l <want) + 2 * $("$fb" cat -c b))) "among other paths"
cat a/*.fbs | "$fb" cat -o piped - 2>/dev/null
flows a >want
flows piped >got
check "-o of standard input" cmp got want
is "$(cat a/*.fbs | "$fb" replay --speed max 127.0.0.1 9 - 2>&1 | grep -c 'neither')" 0 "replay takes it, too"

run sh -c "head -c 20000 one/*.fbs | '$fb' cat -c -"
like "$status $err" '^0 .*standard input: segment 1 has no seal: it is still being written, or cut' "one that ends too early"
run sh -c "{ cat one/*.fbs | head -c 5000; printf x; cat one/*.fbs | tail -c +5002; } | '$fb' cat -c -"
like "$status $err" '^1 .*standard input: offset [0-9]+: record' "damage is a finding"
run sh -c ": | '$fb' cat -c -"
like "$status $err" '^2 .*standard input: expected a segment, found nothing' "nothing"
run sh -c "echo junk | '$fb' cat -c -"
like "$status $err" '^2 .*standard input: expected a segment, found less than its header' "a few bytes"
run sh -c "head -c 100000 /dev/zero | '$fb' cat -c -"
like "$status $err" '^2 .*standard input: expected a segment, found' "many that are none"
run sh -c "TMPDIR=/no/where '$fb' cat -c - <$(ls one/*.fbs)"
like "$status $err" '^2 .*/no/where: No such file' "no folder for it"

# Sorted by time.
flows archive | jq -s -c 'to_entries | map(.value + {i: .key}) | sort_by(.flowStart // .received, .i) | .[] | del(.i)' >want
"$fb" cat --sort -F json archive | jq -c 'del(.witnesses)' >got
check "--sort: by begin, else in the order of the archive" cmp got want
check "--sort: which is another order" sh -c "! '$fb' cat -F json archive | jq -c 'del(.witnesses)' | cmp -s - want"
"$fb" cat --sort -n 7 -F csv archive >got
"$fb" cat --sort -F csv archive | head -n 8 >want
check "--sort -n: the first ones" cmp got want
"$fb" cat --sort -F csv archive >want
"$fb" cat --sort --memory 32M -F csv archive >got
check "--sort --memory: the same" cmp got want
is "$("$fb" cat --sort -F csv archive -- dst port 53 | wc -l)" $(($("$fb" cat -c archive -- dst port 53) + 1)) "--sort: of an expression"
run "$fb" cat --sort -c a
like "$status $err" '^2 .*--sort: goes with neither' "--sort -c: refused"
done_testing
