#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Each datagram that flowd died of, or took for another one (tests/hostile.py), among sound ones of the same streams: by
# way of captures, so that sanitizers see receiver and reader. What is sound is decoded, what is not is kept and said.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

fb=$BUILDDIR/flowbraid
hostile=$SRCDIR/tests/hostile.py
"$hostile" list >"$T/list" || exit 99
"$hostile" capture "$T/all.pcap" || exit 99
grep -v ' unknown ' "$T/list" >"$T/taken"
count=$(wc -l <"$T/taken")
bad=$(grep -vc ' sound ' "$T/taken")
flows=$(awk '{ n += $3 } END { print n }' "$T/list")
check "there are enough of them" [ "$bad" -gt 60 ]

configure '{ address = "127.0.0.1"; port = 2055; }'
run timeout 120 "$NODE" -f "$T/conf" -r "$T/all.pcap"
is "$status" 0 "they are recorded" || diag "$err"
like "$err" " $count datagrams recorded \($bad malformed, 0 cut\), 0 refused, $(grep -c ' unknown ' "$T/list") of no known" \
	"how many of them are malformed"
records | awk '$2 == "datagram" { print ($8 == 2 ? "bad" : $8 == 0 ? "sound" : $8), $9 }' >"$T/got"
paste -d' ' "$T/taken" "$T/got" | awk '$4 != ($2 == "sound" ? "sound" : "bad")' >"$T/wrong"
is "$(cat "$T/wrong")" "" "each malformed one is flagged, and no other"
is "$(sort -n -k2 "$T/got" | tail -n 1 | cut -d' ' -f2)" 65507 "the longest is whole"
awk '$2 != "sound" { n[$2]++ } END { for (f in n) print n[f], f }' "$T/taken" | tr - ' ' >"$T/reasons"
while read -r reason; do
	like "$err" "malformed: .*$reason(,|\$)" "by reason: $reason"
done <"$T/reasons"

run timeout 120 "$fb" merge -q -o "$T/archive" "$T/log"
is "$status" 0 "they are merged" || diag "$err"
for path in log archive; do
	for form in json csv text; do
		run timeout 120 "$fb" cat -F $form "$T/$path"
		is "$status" 0 "$path: cat -F $form"
		is "$(printf '%s\n' "$out" | sed '/^exporter,/d' | grep -c .)" "$flows" "$path: cat -F $form: what is sound is decoded"
		like "$err" ": $bad datagrams are malformed: " "$path: cat -F $form: how many are malformed"
	done
	run timeout 120 "$fb" cat -c "$T/$path"
	is "$out" "$flows" "$path: cat -c"
	run "$fb" verify -q "$T/$path"
	is "$status" 0 "$path: verify"
done

# Each of them behind a template, with data behind it: decoded as if nothing had come between.
alone()
{
	rm -rf "$T/log"
	"$hostile" capture "$T/one.pcap" v9-template ipfix-template "$1" v9-again ipfix-again
	timeout 60 "$NODE" -f "$T/conf" -r "$T/one.pcap" 2>"$T/err" && timeout 60 "$fb" cat -c "$T/log" >"$T/out" 2>>"$T/err" &&
		[ "$(cat "$T/out")" = $(($2 + 4)) ]
}
grep -Ev '^(v9|ipfix)-(template|again) ' "$T/list" | while read -r name fault n; do
	alone "$name" "$n" || echo "$name ($fault)"
done >"$T/wrong"
is "$(cat "$T/wrong")" "" "each of them alone changes nothing of what stands around it"

# Over-reads of a byte are seen only in memory of exactly the datagram's size, as the fuzz targets have it.
mkdir "$T/files"
"$hostile" files "$T/files"
for file in "$T"/files/*; do
	cmp -s "$file" "$SRCDIR/tests/fuzz/corpus/any/${file##*/}" || echo "${file##*/}"
done >"$T/wrong"
is "$(cat "$T/wrong")" "" "the fuzz corpus has them (tests/hostile.py files tests/fuzz/corpus/any)"
done_testing
