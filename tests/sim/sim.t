#!/bin/sh
# SPDX-License-Identifier: ISC
# Some hundred seeds of the simulator. SIM_SEEDS sets how many; a seed that ever found something stands below.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

run "$SRCDIR/tests/sim/run" --seeds "${SIM_SEEDS:-300}" -j 2
is "$status" 0 "seeds of the simulator" || diag "$err"
diag "$out"
# A simulator that looks at nothing finds nothing.
like "$out" ' 0 failed; [0-9]{4,} datagrams, [0-9]{6,} checks, [0-9]{3,} of [0-9]+ lives accounted, [0-9]{4,} of ' \
	"most of what they hold was compared"
like "$out" '[1-9][0-9]* shared counters$' "counters that domains share, too"

# The truth that it compares with is the only one: another seed is another world, the same one the same.
run "$SRCDIR/tests/sim/run" --seed 7
one=$out
run "$SRCDIR/tests/sim/run" --seed 7
is "$out" "$one" "a seed can be repeated"
run "$SRCDIR/tests/sim/run" --seed 8
check "another seed is another run" [ "$out" != "$(echo "$one" | sed 's/from 7/from 8/')" ]

run "$SRCDIR/tests/sim/run" --seeds none
is "$status" 2 "a number is wanted"
like "$err" '^usage: tests/sim/run' "and said to be"
done_testing
