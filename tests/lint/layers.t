#!/bin/sh
# SPDX-License-Identifier: ISC
# A layer includes itself and what it stands on, by layer path. Linking checks the same for calls.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

# may FOLDER LAYER...: sources of FOLDER may include headers of LAYERs.
may()
{
	folder=$1
	shift
	wanted=$(echo "$*" | tr ' ' '|')
	bad=$(find "$SRCDIR/$folder" -name '*.[ch]' -exec grep -nE '^#[[:space:]]*include[[:space:]]*"' {} + |
	    grep -vE "\"(config\.h|($wanted)/[^\"]*)\"" || true)
	is "$bad" "" "$folder includes $* only"
}

may src/base base
may src/wire wire base
may src/flow flow wire base
may src/log log base
may src/archive archive log flow wire base
may src/api api archive log flow wire base flowbraid
may src/node node log flow wire base flowbraid
may cluster cluster archive log flow wire base flowbraid
may include flowbraid
done_testing
