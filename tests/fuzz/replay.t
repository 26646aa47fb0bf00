#!/bin/sh
# SPDX-License-Identifier: ISC
# Every fuzz target takes its corpus, former crashes included, without crashing.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

for source in "$SRCDIR"/tests/fuzz/fuzz-*.c; do
	[ -f "$source" ] || skip_all "no fuzz targets yet"
	name=$(basename "$source" .c)
	set -- "$SRCDIR/tests/fuzz/corpus/${name#fuzz-}"/*
	check "$name: has a corpus" test -f "$1"
	run "$BUILDDIR/tests/fuzz/$name" "$@"
	is "$status" 0 "$name: replayed $# files" || diag "$out$err"
done
done_testing
