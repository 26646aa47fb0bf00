#!/bin/sh
# SPDX-License-Identifier: ISC
#
# --memory: what does not fit goes to files, and makes no difference to any byte.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
cd "$T" || exit 99

"$BUILDDIR/tests/bench/make-cluster" "$T" 3 25000 || exit 99 # some 15 MB of state; parts above 512 kB spill at 32M

run "$fb" merge -q --memory 4G -o plenty 1 2 3
is "$status" 0 "a merge with plenty of memory"
export ASAN_OPTIONS=detect_leaks=0 # it cannot look under strace
run strace -f -e trace=fallocate -o trace "$fb" merge -q --memory 32M -o little 3 1 2
unset ASAN_OPTIONS
if [ "$status" = 127 ]; then
	skip "no strace here"
	"$fb" merge -q --memory 32M -o little 3 1 2
else
	is "$status" 0 "one with little"
	check "wrote to files what did not fit" grep -q fallocate trace
fi
check "gives the same bytes" diff -r plenty little
check "leaves nothing behind" test "$(find . -maxdepth 1 -name '*.new' -o -name '*.tmp' | wc -l)" = 0
"$fb" gaps --json 1 2 3 >plenty.json
"$fb" gaps --json --memory 32M 2 3 1 >little.json
check "gaps says the same" cmp plenty.json little.json
"$fb" info --json 1 2 3 >plenty.json
"$fb" info --json --memory 32M 1 2 3 >little.json
check "info says the same" cmp plenty.json little.json
is "$("$fb" cat -c --memory 32M 1)" "$("$fb" cat -c --memory 4G 1)" "cat counts the same"

run env TMPDIR="$T/nowhere" "$fb" gaps --memory 32M 1
like "$status $err" '^2 .*nowhere: No such file' "a folder for files that is not there"
for size in 31M 1 12K 4Gi -1M "" 0G 99999999999999999999G; do
	run "$fb" merge --memory "$size" -o refused 1
	like "$status $err" '^2 .*expected a size such as 256M' "--memory $size is refused"
done
check "and nothing is written" test ! -e refused

done_testing
