#!/bin/sh
# SPDX-License-Identifier: ISC
# An exporter that counts its domains with one counter, and one that does not: what is missing in /gaps and /metrics, meanwhile
# and in the end, is what was lost, and what `gaps` says of the log.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"
need_commands curl jq python3

STATUS=$((PORT + 1))
URL=http://127.0.0.1:$STATUS
get()
{
	curl -s -m 10 "$@"
}
configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }" 'rotate = "1d";' \
	"status = { address = \"127.0.0.1\"; port = $STATUS; };"
check "it starts" start_node || diag "$(cat "$T/messages")"

python3 "$SRCDIR/tests/node/shared.py" 127.0.0.1 "$PORT" 41000 shared >"$T/lost" &
sender=$!
most=0
while kill -0 $sender 2>/dev/null; do
	now=$(get $URL/gaps | jq '[.streams[].missing] | add // 0')
	[ "${now:-0}" -le "$most" ] || most=$now
done
wait $sender
lost=$(cat "$T/lost")
is "$lost" 7 "the exporter lost some"
check "never more is missing than was lost ($most)" [ "$most" -le "$lost" ]
python3 "$SRCDIR/tests/node/shared.py" 127.0.0.1 "$PORT" 41001 apart >"$T/lost"
is "$(cat "$T/lost")" "$lost" "the other one, too"

# rows PORT: domain, discipline, missing of each of its rows
rows()
{
	get $URL/gaps | jq -c --argjson port "$1" '[.streams[] | select(.exporterPort == $port) | [.domain, .discipline, .missing]]'
}
shown()
{
	[ "$(rows "$1")" = "$2" ]
}
check "shared: nothing of a domain, all of all" wait_for 30 shown 41000 '[[7,"shared",0],[8,"shared",0],["all","datagrams",7]]' ||
	diag "$(rows 41000)"
check "apart: each its own" wait_for 30 shown 41001 '[[7,"datagrams",3],[8,"datagrams",4]]' || diag "$(rows 41001)"
counted()
{
	[ "$(get $URL/gaps | jq -c '[.lanes[0].streams, ([.streams[] | select(.domain != "all") | .datagrams] | add)]')" = "$1" ]
}
check "streams and datagrams, none of them twice" wait_for 20 counted '[4,7986]'
records_counted()
{
	get $URL/metrics >"$T/metrics"
	grep -q '^flowbraid_decoder_records_total{exporter="127.0.0.1",version="9"} 7986$' "$T/metrics"
}
check "records are counted once" wait_for 20 records_counted
is "$(sed -n 's/^flowbraid_sequence_missing_total{exporter="127.0.0.1",port="41000",version="9",obs_domain_id="all",lane="0"} //p' "$T/metrics")" 7 \
	"a metric of all domains"
stop_node
is "$status" 0 "SIGTERM: exit 0"

run "$BUILDDIR/flowbraid" gaps -q --json "$T/log"
is "$status" 1 "gaps: something is missing"
is "$(echo "$out" | jq -c '[.streams[] | [.exporterPort, .domain, .discipline, .missing]]')" \
	'[[41000,7,"shared",0],[41000,8,"shared",0],[41000,"all","datagrams",7],[41001,7,"datagrams",3],[41001,8,"datagrams",4]]' \
	"the same as the node said"
is "$(echo "$out" | jq -c '[.residual_missing, .heard, ([.streams[] | .datagrams // 0] | add)]')" '[14,7986,7986]' "and each thing once"
run "$BUILDDIR/flowbraid" gaps -q "$T/log"
like "$out" "port 41000 v9 domain 8, .*counted with all domains of its exporter" "the table: a domain"
like "$out" "port 41000 v9 all domains, .*sent 4000 datagrams by its own count" "the table: all of them"
run "$BUILDDIR/flowbraid" gaps -q --max-loss 1 "$T/log"
is "$status" 0 "7 of 4,000 are less than 1 %"
done_testing
