#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid cat -f: a log whose segments come in pieces, through rotation, a torn end, removal and damage; and standard input
# as it comes. tests/node/47-follow.t does the same with a node.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
pid=
cleanup()
{
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
}
cd "$T" || exit 99
"$SRCDIR/tests/cmd/flowlines" a 9 0.1 >a.lines
"$BUILDDIR/tests/cmd/make-log" -s 60000 a lab a 5 <a.lines
set -- a/*.fbs
check "there are several segments ($#)" test $# -ge 5

# follow ARGUMENT...: begins to follow, into $T/got.
follow()
{
	: >got
	: >messages
	"$fb" cat -f -F json --fields exporter,sequence,index,octets "$@" >got 2>messages </dev/null &
	pid=$!
}

# lines COUNT: so many have come.
lines()
{
	[ "$(wc -l <got)" -eq "$1" ]
}

# ends SIGNAL: it ends with exit 0.
ends()
{
	[ -z "$1" ] || kill -"$1" $pid
	status=0
	wait $pid || status=$?
	pid=
}

# whole PATH [-- EXPRESSION]: the flows of a path but for those that came before their template, as who reads once.
whole()
{
	"$fb" cat -F json --fields exporter,sequence,index,octets,lateTemplate "$@" 2>/dev/null | grep -v lateTemplate
}

# A folder that is empty at first; segments that grow, and get their names.
mkdir g
follow g
grown=0
early=yes
for s in a/*.fbs; do
	name=${s#a/}
	size=$(wc -c <"$s")
	head -c $((size / 3)) "$s" >>"g/$name.open"
	head -c $((size / 3 * 2)) "$s" | tail -c +$((size / 3 + 1)) >>"g/$name.open"
	# what is whole of it is shown before the rest is there
	whole "g/$name.open" >part
	[ $grown -gt 0 ] || wait_for 20 lines "$(wc -l <part)" || early=no
	tail -c +$((size / 3 * 2 + 1)) "$s" >>"g/$name.open"
	mv "g/$name.open" "g/$name"
	grown=$((grown + 1))
done
is $early yes "flows are shown before their segment is whole"
whole a | sort >once
check "a growing log through $grown rotations: all flows" wait_for 20 lines "$(wc -l <once)" || diag "$(wc -l got once)"
ends INT
is $status 0 "SIGINT: exit 0"
sort got >sorted
check "each once, with the templates of snapshots and datagrams" cmp sorted once
like "$(cat messages)" 'sets have no template yet and are kept undecoded' "what came before its template is told"

# The backlog is read first, SIGTERM ends it, -n ends it, an expression selects.
follow g
wait_for 20 lines "$(wc -l <once)"
ends TERM
is "$status $(sort got | cksum)" "0 $(cksum <once)" "SIGTERM: exit 0; the backlog is the same"
follow -n 7 g
ends ""
is "$status $(wc -l <got)" "0 7" "-n ends it by itself"
follow g -- dst port 53
whole a -- dst port 53 >part
check "an expression" wait_for 20 lines "$(wc -l <part)"
ends INT
check "an expression selects some" test -s part -a "$(wc -l <part)" -lt "$(wc -l <once)"

# A node that died: the end of its segment is torn, and another segment comes.
rm -rf g && mkdir g
set -- a/*.fbs
name=${1#a/}
head -c $(($(wc -c <"$1") - 500)) "$1" >"g/$name.open"
whole "g/$name.open" >part
follow g
check "a torn end" wait_for 20 lines "$(wc -l <part)"
cp "$2" "g/${2#a/}.open"
before=$(wc -l <part)
check "and on with the next segment" wait_for 20 sh -c '[ "$(wc -l <got)" -gt '"$before"' ]'
# Three of the next ones go before they are there, as when retention is faster.
shift 2
shift 3
cp "$1" "g/${1#a/}"
wait_for 20 grep -q 'segments 3 to 5 went before they were read' messages
ends INT
like "$(cat messages)" '^flowbraid: lane 0: segments 3 to 5 went before they were read$' "segments that went are told of"
is $status 0 "that is no damage"

# Removed after they were read: nothing is said.
rm -rf g && mkdir g
set -- a/*.fbs
cp "$1" "g/${1#a/}"
follow g
whole g >part
wait_for 20 lines "$(wc -l <part)"
rm "g/${1#a/}"
cp "$2" "g/${2#a/}"
mkdir both
cp "$1" "$2" both
whole both >once
check "a segment goes after it was read" wait_for 20 lines "$(wc -l <once)"
ends INT
is "$(grep -c went messages)" 0 "nothing is said of it"

# Two lanes, in the order in which their datagrams came.
rm -rf g && mkdir g
grep '^d' a.lines | awk 'NR % 2' >even.lines
grep '^d' a.lines | awk 'NR % 2 == 0' >odd.lines
"$BUILDDIR/tests/cmd/make-log" l0 lab a 5 <even.lines
"$BUILDDIR/tests/cmd/make-log" l1 lab a 6 <odd.lines
cp "$(ls l0/*.fbs)" g/
cp "$(ls l1/*.fbs)" "g/01-$(ls l1 | cut -d- -f2-)"
"$fb" cat -f -F csv --fields received g >got 2>messages </dev/null &
pid=$!
whole g >part
check "two lanes" wait_for 20 lines $(($(wc -l <part) + 1)) || diag "$(wc -l <got) $(wc -l <part)"
ends INT
check "by time" sh -c "tail -n +2 got | sort -c"

# Damage in the middle costs what it hits.
rm -rf g && mkdir g
set -- a/*.fbs
follow g
{
	head -c 5000 "$1"
	printf x
	tail -c +5002 "$1"
} >"g/${1#a/}"
wait_for 20 test -s messages
cp "$2" "g/${2#a/}"
whole g >once
check "damage" wait_for 20 lines "$(wc -l <once)"
ends INT
like "$status $(cat messages)" '^1 .*offset [0-9]+: record' "is told of, and the exit is 1"

# The reader goes away while nothing comes.
rm -rf g && mkdir g
cp "$1" "g/${1#a/}"
mkfifo pipe
"$fb" cat -f -F csv g >pipe 2>messages </dev/null &
pid=$!
head -n 3 <pipe >got
ends ""
is "$status $(cat messages | grep -vc undecoded)" "0 0" "a closed pipe ends it quietly"

# Standard input as it comes.
mkfifo in
: >got
"$fb" cat -f -F json --fields exporter,sequence,index,octets - <in >got 2>messages &
pid=$!
exec 5>in
size=$(wc -c <"$1")
head -c $((size / 2)) "$1" >&5
head -c $((size / 2)) "$1" >half.fbs.open
whole half.fbs.open >part
check "from a pipe: flows before the segment is whole" wait_for 20 lines "$(wc -l <part)"
tail -c +$((size / 2 + 1)) "$1" >&5
cat "$2" >&5
exec 5>&-
ends ""
is "$status" 0 "its end ends it"
whole both | sort >once
sort got >sorted
check "from a pipe: two segments" cmp sorted once

# What cannot be followed.
"$fb" merge -q -o archive a || exit 99
run "$fb" cat -f archive
like "$status $err" '^2 .*archive: an archive, which does not grow' "an archive"
run "$fb" cat -f "$1"
like "$status $err" '^2 .*Not a directory' "a segment"
run "$fb" cat -f nowhere
like "$status $err" '^2 .*nowhere: No such file' "nothing"
run "$fb" cat -f a a
like "$status $err" '^2 .*-f: expected one path, found 2' "two of them"
run "$fb" cat -f --sort a
like "$status $err" '^2 .*-f: goes with neither' "sorted"
done_testing
