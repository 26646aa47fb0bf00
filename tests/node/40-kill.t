#!/bin/sh
# SPDX-License-Identifier: ISC
# kill -9 under load, and start again: no record that had been written is lost, a torn tail is cut and said,
# records go on in a new incarnation.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";'
blast_pid=
more_cleanup()
{
	[ -z "$blast_pid" ] || kill "$blast_pid" 2>/dev/null || true
}

good_records()
{
	records | grep -Ev ' (finding|torn|seal) ' | sed 's/\.open / /'
}

# Several lives, each killed in mid-traffic. What the log holds after a death is what it must hold ever after.
"$BLAST" -p "$PORT" -n 10000000 -r 20000 >/dev/null &
blast_pid=$!
cut=0
: >"$T/held"
for life in 1 2 3 4 5; do
	check "life $life: it starts" start_node || diag "$(cat "$T/messages")"
	[ $life -eq 1 ] || like "$(cat "$T/messages")" 'had been left open; .*sealed with [0-9]+ records' "life $life: recovery is said"
	! grep -q 'torn tail of [0-9]* bytes cut off at offset' "$T/messages" || cut=$((cut + 1))
	lines=$(grep -c ' datagram ' "$T/held" || true)
	check "life $life: records go on" wait_for 20 recorded $((lines + 1000))
	kill_node
	good_records >"$T/now"
	is "$(head -n "$(wc -l <"$T/held")" "$T/now" | cmp - "$T/held" 2>&1)" "" "life $life: what earlier lives wrote is still there"
	cp "$T/now" "$T/held"
done
kill "$blast_pid"
wait "$blast_pid" || true
blast_pid=

# A torn tail, for certain: half of the last record is missing.
last=$(find "$T/log" -name '*.open')
size=$(stat -c %s "$last")
truncate -s $((size - 700)) "$last"
torn=$(records | awk '$2 == "torn" { print $3 }')
check "the tail is torn" [ -n "$torn" ]
good_records >"$T/held"
check "it starts on a torn tail" start_node || diag "$(cat "$T/messages")"
like "$(cat "$T/messages")" "torn tail of $((size - 700 - torn)) bytes cut off at offset $torn, sealed with" "the cut is said"
stop_node
is "$status" 0 "SIGTERM: exit 0"
good_records >"$T/now"
is "$(head -n "$(wc -l <"$T/held")" "$T/now" | cmp - "$T/held" 2>&1)" "" "nothing but the torn record is gone"
like "$(records | grep ' event ')" " tail-cut 7=5 8=$torn 3=$((size - 700 - torn))$" "the cut is an event record"

records >"$T/records"
is "$(grep -c ' finding ' "$T/records")" 0 "no findings"
is "$(grep -c ' torn ' "$T/records")" 0 "no torn tail is left"
is "$(find "$T/log" -name '*.open' | wc -l)" 0 "everything is sealed"
is "$(awk '$2 == "header" { print $4 }' "$T/records" | sort -u | wc -l)" 6 "six lives, six incarnations"
is "$(awk '$2 == "header" { print $3 }' "$T/records" | paste -sd' ')" "1 2 3 4 5 6" "segments are numbered on"
is "$(awk '$2 == "header" { n = $5 } $2 ~ /^(datagram|event|templates|seal)$/ && $3 != n++' "$T/records" | wc -l)" 0 \
	"in each the record sequences have no hole"
diag "$cut of 4 deaths left a torn tail by themselves"
done_testing
