#!/bin/sh
# SPDX-License-Identifier: ISC
# The Perl module: its own tests against flowbraid cat, its documentation, its example.
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$SRCDIR/tests/api/api.sh"

need_commands perl prove nm
need_plain_library
perl -MFFI::Platypus=1.00 -e 1 2>"$T/err" || skip_all "no FFI::Platypus (libffi-platypus-perl)"
make_inputs
cp -r "$T/a" "$T/damaged"
segment=$(find "$T/damaged" -name '*.fbs' | sort | head -n 1)
printf '\377\377\377\377' | dd of="$segment" bs=1 seek=6000 conv=notrunc 2>"$T/dd"
logs=
if make_corpus; then
	logs=$(find "$T/corpus" -mindepth 1 -maxdepth 1 | sort | tr '\n' ':')
fi

run env FLOWBRAID_COMMAND="$fb" FLOWBRAID_PATHS="$T/a:$T/archive" FLOWBRAID_ARCHIVE="$T/archive" \
    FLOWBRAID_DAMAGED="$T/damaged" FLOWBRAID_CORPUS_LOGS="$logs" prove -v "$SRCDIR/perl/t"
is "$status" 0 "its tests hold" || diag "$(printf '%s\n%s' "$out" "$err" | grep -v '^ok ')"
like "$out" '^Files=1, Tests=[1-9][0-9]' "there were some"
if command -v podchecker >/dev/null; then
	run podchecker "$SRCDIR/perl/lib/Flowbraid.pm"
	is "$status" 0 "its documentation is sound" || diag "$err"
fi

run "$SRCDIR/perl/examples/reader" "$T/archive"
is "$status $err" "0 " "the reader reads"
is "$(wc -l <"$T/out")" "$("$fb" cat -c "$T/archive")" "a line a flow"
is "$(awk '{ octets += $10 } END { print octets }' "$T/out")" "$("$fb" cat -F json "$T/archive" | jq -s 'map(.octetDeltaCount) | add')" \
    "with its octets"
run "$SRCDIR/perl/examples/reader" "$T/archive" -- dst port 53
is "$(wc -l <"$T/out")" "$("$fb" cat -c "$T/archive" -- dst port 53)" "those that are selected"
run "$SRCDIR/perl/examples/reader" "$T/damaged"
is "$status" 1 "it exits 1 when there is damage"
like "$err" 'offset [0-9]+: ' "and says where"
done_testing
