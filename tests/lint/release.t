#!/bin/sh
# SPDX-License-Identifier: ISC
# A release has all files of the tree, those of tests included. So distcheck need not run every test to see that none is missing.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands git make
git -C "$SRCDIR" rev-parse --git-dir >/dev/null 2>&1 || skip_all "this is no clone"

run make -s -C "$BUILDDIR" distdir distdir="$T/release" top_distdir="$T/release"
is "$status" 0 "make distdir" || diag "$err"
check "it has something" [ -f "$T/release/configure.ac" ]

# missing: what git knows, and a release has not, but for what only a clone needs.
missing()
{
	git -C "$SRCDIR" ls-files | grep -Ev '^(\.ci/|\.gitignore$)' | while read -r file; do
		[ -e "$T/release/$file" ] || echo "$file"
	done
}
is "$(missing)" "" "all that git knows is in it"
is "$(git -C "$SRCDIR" ls-files -s | sed -n 's/^100755 .*	//p' | while read -r file; do
	[ -x "$T/release/$file" ] || echo "$file"
done | grep -v '^\.ci/')" "" "with their permissions"
rm -f "$T/release/tests/harness"
is "$(missing)" "tests/harness" "one that is missing is found"
done_testing
