#!/bin/sh
# SPDX-License-Identifier: ISC
# cppcheck finds nothing.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands cppcheck
cd "$SRCDIR" || exit 99
# uninitvar takes a member that is handed to rd_copy for a read one.
run cppcheck -q -j "$(nproc)" --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
	--suppress=missingInclude --suppress=uninitvar -D_GNU_SOURCE -D__linux__ -I src -I include -I . src cluster
is "$status" 0 "cppcheck of src and cluster" || diag "$out$err"
done_testing
