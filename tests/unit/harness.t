#!/bin/sh
# SPDX-License-Identifier: ISC
# The harness counts honestly: whatever breaks is a failure, whatever did not run is no pass.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

test_file()
{
	printf '#!/bin/sh\n%s\n' "$2" >"$T/$1.t"
	chmod +x "$T/$1.t"
}

# expect NAME LAST-LINE EXIT FILE...: the harness on these files.
expect()
{
	name=$1 last=$2 want=$3
	shift 3
	cd "$T" || exit 99
	run env TEST_TIMEOUT=1 "$SRCDIR/tests/harness" "$@"
	is "$(tail -n 1 "$T/out")" "$last" "$name: last line" || diag "$out$err"
	is "$status" "$want" "$name: exit"
}

test_file good 'echo "ok 1 - a"; echo "ok 2 - b"; echo 1..2'
test_file bad 'echo "ok 1 - a"; echo "not ok 2 - b"; echo "# because of this" >&2; echo 1..2; exit 1'
test_file skips 'echo "ok 1 - a # SKIP not here"; echo "ok 2 - b"; echo 1..2'
test_file skipall 'echo "1..0 # SKIP nothing to do"'
test_file dies 'echo "ok 1 - a"; kill -SEGV $$'
test_file nonzero 'echo "ok 1 - a"; echo 1..1; exit 3'
test_file short 'echo 1..3; echo "ok 1 - a"'
test_file silent ':'
test_file bails 'echo "ok 1 - a"; echo "Bail out! no more"'
test_file hangs 'echo "ok 1 - a"; echo 1..1; exec tail -f /dev/null'

expect good "2 passed, 0 failed" 0 good.t
expect failed "3 passed, 1 failed" 1 good.t bad.t
like "$out" "because of this" "the output of a failed test is shown"
expect skipped "1 passed, 0 failed, 1 skipped" 0 skips.t
like "$out" "^skipped: skips.t: not here" "why a point was skipped is said"
expect "all skipped" "2 passed, 0 failed, 1 skipped" 0 good.t skipall.t
expect killed "1 passed, 1 failed" 1 dies.t
expect "non-zero exit" "1 passed, 1 failed" 1 nonzero.t
expect "fewer points than planned" "1 passed, 1 failed" 1 short.t
expect silent "2 passed, 1 failed" 1 silent.t good.t
expect "bail out" "0 passed, 1 failed" 1 bails.t
expect "too slow" "1 passed, 1 failed" 1 hangs.t
expect "no such file" "2 passed, 1 failed" 1 good.t absent.t
done_testing
