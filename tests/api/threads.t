#!/bin/sh
# SPDX-License-Identifier: ISC
# Readers in threads of their own have nothing in common. In a build with --enable-thread-sanitizer races are found, too.
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$SRCDIR/tests/api/api.sh"

make_inputs
# shellcheck disable=SC2086 # several paths
run "$BUILDDIR/tests/api/threads" $paths
is "$status" 0 "eight threads read what one reads" || diag "$out$err"
like "$out" "all threads read" "they did read"
is "$(printf '%s' "$err" | grep -c 'ThreadSanitizer')" 0 "ThreadSanitizer, where it is, is silent"
done_testing
