#!/bin/sh
# SPDX-License-Identifier: ISC
# Every source says its licence in its first lines; every C source says then what it is about.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

cd "$SRCDIR" || exit 99
for file in $(find src cluster tests include man conf python perl .ci configure.ac Makefile.am autogen.sh -type f \
	! -path 'tests/fuzz/corpus/*' ! -name '*.hex' ! -name '*.json' ! -name '*.csv' ! -name '*.txt' ! -name '*.tsv' \
	! -name '*.expected' ! -path '*/__pycache__/*' ! -path '*/.mypy_cache/*' \
	! -path 'cluster/page/uPlot.*' ! -path 'cluster/page/site/*' 2>/dev/null | sort); do
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: ISC' || {
		fail "$file: has no SPDX line"
		continue
	}
	case $file in
	*.c | *.h)
		sed -n 3p "$file" | grep -Eq '^ \* .+' || {
			fail "$file: has no comment on its idea in line 3"
			continue
		}
		;;
	esac
	pass "$file"
done
done_testing
