#!/bin/sh
# SPDX-License-Identifier: ISC
# rate_limit: what an exporter sends beyond it is counted, told once, and not recorded. Other listeners have no part in it.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

configure "{ address = \"127.0.0.1\"; port = $PORT; rate_limit = 50; },
	{ address = \"127.0.0.1\"; port = $((PORT + 1)); }" 'rotate = "1d";'
check "it starts" start_node
"$BLAST" -p "$PORT" -s $((PORT + 2)) -n 5000 >/dev/null
"$BLAST" -p $((PORT + 1)) -s $((PORT + 3)) -n 1000 >/dev/null
check "what is not limited is recorded" wait_for 20 recorded 1050
stop_node
records >"$T/records"
got=$(awk '$2 == "datagram" && $7 == 0' "$T/records" | wc -l)
is "$(awk '$2 == "datagram" && $7 == 1' "$T/records" | wc -l)" 1000 "all of the other listener"
check "a second's worth at least" [ "$got" -ge 50 ]
check "not much more" [ "$got" -lt 2500 ]
like "$(grep ' event .* stop ' "$T/records")" " 16=$((got + 1000)) .* 48=$((5000 - got))( |$)" "the rest is counted"
is "$(grep -c "exporter 127.0.0.1: more than 50 datagrams a second, rate_limit of listener 0: " "$T/messages")" 1 \
	"one message, with the exporter"
like "$(cat "$T/messages")" "limits reached: $((5000 - got)) datagrams beyond rate_limit" "and one at the end"
done_testing
