#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The tests that FLOWD.md names are there.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

# Full paths; names behind a comma are in the same folder as the one before.
names()
{
	awk -F'|' '/tests\// { print $4 } /^[^|]*tests\// { print }' "$1" | tr -c 'A-Za-z0-9_./-' '\n' | awk '
		/^tests\// { print; folder = $0; sub("/[^/]*$", "", folder); next }
		/\.t$/ { print folder "/" $0 }'
}
names "$SRCDIR/FLOWD.md" | sed 's/\.$//' | sort -u >"$T/names"
check "it names tests" [ "$(wc -l <"$T/names")" -gt 30 ]
missing=
while read -r name; do
	[ -e "$SRCDIR/$name" ] || [ -e "$SRCDIR/$name.c" ] || missing="$missing $name"
done <"$T/names"
is "$missing" "" "each of them is there"
done_testing
