#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Every capture of the corpus as JSON and CSV: standard parsers read both, and with all names that it has as --fields both
# tell the same.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands python3 jq
. "$SRCDIR/tests/golden/golden.sh"
cd "$T" || exit 99

find "$CORPUS" -name '*.pcap' | sort >"$T/captures"
check "the corpus has captures" test -s "$T/captures"
while read -r capture; do
	name=${capture#"$CORPUS"/}
	if ! decode "$capture"; then
		fail "$name: decoded" || diag "$(cat "$T/messages")"
		continue
	fi
	"$BUILDDIR/flowbraid" cat -F json "$T/log" >whole 2>"$T/err"
	jq -c . whole >"$T/jq" 2>>"$T/err"
	is "$(wc -l <"$T/jq")" "$(wc -l <whole)" "$name: $(wc -l <whole) lines of JSON that jq reads"
	"$BUILDDIR/flowbraid" cat -F csv "$T/log" 2>>"$T/err" >csv
	is "$(python3 -c 'import csv, sys; r = list(csv.reader(open("csv", newline=""), strict=True)); print(len(r) - 1, {len(l) for l in r})')" \
	    "$(jq -r 'select(.options | not) | 1' whole | wc -l) {25}" "$name: CSV"
	names=options,$(jq -r 'keys[]' whole | LC_ALL=C sort -u | grep -v '^options$' | tr '\n' ',')
	names=${names%,}
	"$BUILDDIR/flowbraid" cat -F csv --fields "$names" "$T/log" 2>>"$T/err" >csv
	"$BUILDDIR/flowbraid" cat -F json --fields "$names" "$T/log" 2>>"$T/err" >json
	run python3 "$SRCDIR/tests/cmd/columns.py" "$names" whole json csv
	is "$out" "$(wc -l <whole)" "$name: all that it tells, as columns and as keys" || diag "$err" "$names"
done <"$T/captures"
done_testing
