#!/bin/sh
# SPDX-License-Identifier: ISC
# C sources stand as .clang-format has them.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands clang-format
clang-format --version | grep -q 'version 14\.' || skip_all "formats differ between versions; this is not clang-format 14"

cd "$SRCDIR" || exit 99
for file in $(find src cluster tests include -name '*.[ch]' | sort); do
	clang-format --dry-run --Werror "$file" 2>"$T/err" || {
		fail "$file" || diag "clang-format -i $file"
		continue
	}
	pass "$file"
done
done_testing
