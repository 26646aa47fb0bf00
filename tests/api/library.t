#!/bin/sh
# SPDX-License-Identifier: ISC
# libflowbraid as it is installed: its symbols and no others, with versions; headers that stand alone; pkg-config; and the
# example of its manual page.
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$SRCDIR/tests/api/api.sh"

need_commands nm readelf make pkg-config
cc=$(sed -n 's/^CC = //p' "$BUILDDIR/Makefile")
sanitizers=$(sed -n 's/^SAN_CFLAGS = //p' "$BUILDDIR/Makefile")
root=$T/root

run env MAKEFLAGS= make -s -C "$BUILDDIR" install DESTDIR="$root"
is "$status" 0 "make install" || diag "$out$err"
pc=$(find "$root" -name libflowbraid.pc)
PKG_CONFIG_SYSROOT_DIR=$root
PKG_CONFIG_PATH=${pc%/*}
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
is "$(pkg-config --modversion libflowbraid)" "$("$BUILDDIR/flowbraid" --version | awk '{ print $NF }')" "pkg-config knows the version"
libdir=$root$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable=libdir libflowbraid)
include=$root$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable=includedir libflowbraid)
library=$libdir/libflowbraid.so.0

nm -D --defined-only "$library" | awk '$2 != "A" { print $NF }' | sort >"$T/exported"
sed -n 's/^\t\(flowbraid_[a-z0-9_]*\);$/\1@@FLOWBRAID_0.1/p' "$SRCDIR/src/api/flowbraid.map" | sort >"$T/mapped"
is "$(cat "$T/exported")" "$(cat "$T/mapped")" "it exports what its map says, each with a version, and nothing else"
tr -d '\n' <"$include/flowbraid/flowbraid.h" | grep -oE 'FLOWBRAID_API [^(]*[ *]flowbraid_[a-z0-9_]+\(' | grep -oE 'flowbraid_[a-z0-9_]+\($' |
    tr -d '(' | sort >"$T/declared"
is "$(sed 's/@.*//' "$T/exported")" "$(cat "$T/declared")" "which is what its header declares"
sed -n 's/^\.Fn \(flowbraid_[a-z0-9_]*\) .*/\1/p' "$SRCDIR/man/libflowbraid.3" | sort -u >"$T/documented"
is "$(cat "$T/documented")" "$(cat "$T/declared")" "and what its manual page has"
like "$(readelf -d "$library")" 'SONAME.*\[libflowbraid\.so\.0\]' "its soname"
is "$(readelf -d "$BUILDDIR/flowbraid" "$BUILDDIR/flowbraidd" | grep -c libflowbraid)" 0 "the programs do not need it"
check "libflowbraid.so leads to it" test "$(readlink -f "$libdir/libflowbraid.so")" = "$(readlink -f "$library")"

# The header by itself, in both languages.
echo '#include <flowbraid/flowbraid.h>' >"$T/alone.c"
cp "$T/alone.c" "$T/alone.cc"
flags=$(pkg-config --cflags libflowbraid)
# shellcheck disable=SC2086 # several flags
{
	run $cc -std=c11 -Wall -Wextra -Wpedantic -Werror $flags -fsyntax-only "$T/alone.c"
	is "$status $err" "0 " "the header is C11 by itself"
	if command -v c++ >/dev/null; then
		run c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror $flags -fsyntax-only "$T/alone.cc"
		is "$status $err" "0 " "and C++11"
	else
		skip "and C++11" "no C++ compiler"
	fi
}

# The example.
sed -n '/^\.Bd -literal/,/^\.Ed/p' "$SRCDIR/man/libflowbraid.3" | sed '/^\./d; s/\\e/\\/g' >"$T/web.c"
# shellcheck disable=SC2046,SC2086 # several flags
run $cc $sanitizers -Wall -Wextra -Werror -o "$T/web" "$T/web.c" $(pkg-config --cflags --libs libflowbraid)
is "$status $err" "0 " "the manual page's example compiles"
make_inputs
LD_LIBRARY_PATH=$libdir
export LD_LIBRARY_PATH
run "$T/web" "$T/archive"
is "$status" 0 "and runs" || diag "$err"
"$fb" cat -F json "$T/archive" -- dst port 80 or 443 |
    jq -r '"\(.sourceIPv4Address) \(.octetDeltaCount)"' >"$T/want"
jq -s 'map(split(" ")[1] | tonumber) | add' -R "$T/want" >"$T/sum" 2>/dev/null || awk '{ s += $2 } END { print s + 0 }' "$T/want" >"$T/sum"
echo "$(cat "$T/sum") octets" >>"$T/want"
is "$out" "$(cat "$T/want")" "and says what cat says"
check "there are flows to say it of" test "$(wc -l <"$T/want")" -gt 1
run "$T/web" "$T/nowhere"
is "$status $err" "2 $T/nowhere: No such file or directory" "and what is wrong"

run env MAKEFLAGS= make -s -C "$BUILDDIR" uninstall DESTDIR="$root"
is "$(find "$root" -type f -o -type l | grep -c flowbraid.so)" 0 "make uninstall takes it away"
done_testing
