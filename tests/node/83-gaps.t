#!/bin/sh
# SPDX-License-Identifier: ISC
# What a node says of the streams that it hears: exact numbers of what is missing, late, doubled, swapped, of restarts
# and strays, for each protocol and discipline, in /gaps, in /metrics and afterwards in `gaps`; the limit on series; health;
# many exporters.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"
need_commands curl jq python3

STATUS=$((PORT + 1))
URL=http://127.0.0.1:$STATUS
get()
{
	curl -s -m 10 "$@"
}
setup() # setup [STATUS-KEYS]
{
	configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }" 'rotate = "1d";' \
		"status = { address = \"127.0.0.1\"; port = $STATUS; ${1-} };"
}
said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}
reload()
{
	count=$(grep -c 'configuration read again' "$T/messages" || true)
	kill -HUP "$node_pid"
	wait_for 20 said 'configuration read again' $((count + 1))
}
shown()
{
	[ "$(get $URL/gaps | jq '[.streams[].datagrams] | add // 0')" = "$1" ]
}

setup
check "it starts" start_node || diag "$(cat "$T/messages")"
is "$(get $URL/gaps | jq -c '[.cluster, .node, .streams]')" '["test","n",[]]' "no streams at first"

# --- exact numbers ---
python3 "$SRCDIR/tests/node/sequences.py" 127.0.0.1 "$PORT" >"$T/truth"
total=$(jq -s '[.[].datagrams] | add' "$T/truth")
check "all datagrams are shown" wait_for 30 shown "$total"
get $URL/gaps >"$T/gaps"
while read -r line; do
	port=$(echo "$line" | jq .port)
	jq -cS --argjson port "$port" '.streams[] | select(.exporterPort == $port) | {datagrams, discipline, duplicates,
		gaps, late, missing, open, port: .exporterPort, reordered, resets, strays}' "$T/gaps" >"$T/got"
	is "$(cat "$T/got")" "$(echo "$line" | jq -cS .)" "$port: $(jq -r --argjson port "$port" \
		'.streams[] | select(.exporterPort == $port) | "version \(.version), \(.unit)"' "$T/gaps")"
done <"$T/truth"
is "$(jq -c '[.streams[] | select(.learnt | not)]' "$T/gaps")" '[]' "all are learnt"
is "$(jq -c '[.streams[] | select(.exporterPort < 41100) | .epoch] | unique' "$T/gaps")" '[2]' "the second life of each"
is "$(jq '[.streams[] | select(.exporterPort >= 41100 and .exporterPort < 41200 and .next > 4294967296)] | length' "$T/gaps")" 18 \
	"positions go on beyond 32 bits"
is "$(jq -c '[.streams[] | select(.exporterPort >= 41100) | (.missing == ([.ranges[] | .to - .from + 1] | add // 0))] | unique' "$T/gaps")" \
	'[true]' "ranges hold what is missing"
is "$(jq -c '[.streams[].ranges[] | select(.declared | not)]' "$T/gaps")" '[]' "all are declared"
is "$(jq -c '.streams[] | select(.version == "sflow5" and .exporterPort < 41100) | [.agent, .domain, .samples.dropped, .samples.missing > 0]' "$T/gaps")" \
	'["192.0.2.1",7,0,true]' "sFlow: agent, and samples that are missing"
is "$(jq -c '[.streams[] | select(.version == "sflow5" and .learnt) | .samples | [.pool == 100 * .taken, .scaled == .pool, .taken > .heard]] | unique' "$T/gaps")" \
	'[[true,true,true]]' "sFlow: one of a hundred is sampled, as it says"

# --- differences ---
# since TOKEN: the answer, with ranges as in /gaps
since()
{
	get "$URL/gaps?since=$1" >"$T/lines"
	jq -sc '.[1:] | map(select(type == "object" and has("id")) | . as $s | {port: .exporterPort, first, next, datagrams, heard,
		ranges: (reduce .missing[] as $n ({at: $s.first, skip: true, r: []};
			if .skip then .at += $n | .skip = false else .r += [[.at, .at + $n - 1]] | .at += $n | .skip = true end) | .r)}) |
		sort_by(.port)' "$T/lines" >"$T/told"
}
since ""
is "$(cat "$T/told")" "$(jq -c '[.streams[] | {port: .exporterPort, first, next, datagrams, heard, ranges: [.ranges[] | [.from, .to]]}] |
	sort_by(.port)' "$T/gaps")" "/gaps?since= tells the same"
is "$(jq -sc '[.[] | select(has("samples")).samples | .[1:]] | sort' "$T/lines")" \
	"$(jq -c '[.streams[].samples | select(.) | [.heard, .missing, .dropped, .taken, .pool, .scaled]] | sort' "$T/gaps")" "samples, too"
token=$(head -n 1 "$T/lines" | jq -r .token)
since "$token"
is "$(jq -sc '[(.[0] | [.cluster, .node, .since]), .[1:]]' "$T/lines")" "[[\"test\",\"n\",\"$token\"],[{\"gone\":[],\"end\":true}]]" \
	"nothing has changed since"
since "x$token"
is "$(head -n 1 "$T/lines" | jq -c .since),$(jq length "$T/told")" "null,$(jq '.streams | length' "$T/gaps")" "a token that is not known: all again"

get $URL/metrics >"$T/metrics"
# metric NAME PORT
metric()
{
	sed -n "s/^flowbraid_sequence_$1_total{.*,port=\"$2\",.*} //p" "$T/metrics"
}
wrong=
for port in $(jq .port "$T/truth"); do
	for key in gaps late duplicates reordered resets strays; do
		want=$(jq --argjson port "$port" "select(.port == \$port) | .$key" "$T/truth")
		[ "$(metric $key "$port")" = "$want" ] || wrong="$wrong $port:$key"
	done
	want=$(jq --argjson port "$port" 'select(.port == $port) | .missing' "$T/truth")
	[ $(($(metric missing "$port") - $(metric recovered "$port"))) = "$want" ] || wrong="$wrong $port:missing"
done
is "$wrong" "" "metrics say the same"
is "$(sed -n 's/^flowbraid_sflow_pool_packets_total{.*} //p' "$T/metrics" | sort -n)" "$(jq '.streams[].samples | select(.) | .pool' "$T/gaps" | sort -n)" \
	"pools of sFlow"
is "$(sed -n 's/^flowbraid_udp_packets_total{exporter="127.0.0.1",listener="127.0.0.1:'"$PORT"'"} //p' "$T/metrics")" "$total" \
	"datagrams of the exporter on the listener"
if command -v promtool >/dev/null; then
	promtool check metrics <"$T/metrics" >"$T/lint" 2>&1
	is "$?$(cat "$T/lint")" 0 "promtool has nothing to say"
else
	skip "promtool has nothing to say" "no promtool (package prometheus)"
fi

# --- limits of series ---
series()
{
	get $URL/metrics | grep -c '^flowbraid_\(sequence_[a-z]*_total{exporter\|sflow_\|udp_\(packets\)\|decoder_\|exporter_\)'
}
all=$(series)
setup 'series = 40;'
check "a limit of 40 series" reload
limited()
{
	[ "$(series)" -le 40 ]
}
check "is kept to" wait_for 20 limited
get $URL/metrics >"$T/metrics"
is "$(sed -n 's/^flowbraid_series_left_out //p' "$T/metrics")" $((all - $(grep -c '^flowbraid_\(sequence_[a-z]*_total{exporter\|sflow_\|udp_packets\|decoder_\|exporter_\)' "$T/metrics"))) \
	"how many are left out is said"
most=$(jq -r '(.streams | map(.missing) | max) as $most | [.streams[] | select(.missing == $most) | .exporterPort] | join("\\|")' "$T/gaps")
check "one of those that miss most is there" grep -q "sequence_missing_total{.*port=\"\($most\)\"" "$T/metrics"
is "$(grep -c 'sequence_missing_total{.*port="41300"' "$T/metrics")" 0 "one that misses nothing is not"

# --- health ---
setup 'silence = "2s";'
check "silence is no health" reload
silent()
{
	get $URL/healthz | grep -q '^no datagram for [0-9]* s$'
}
check "it is said" wait_for 20 silent
is "$(curl -s -m 10 -o "$T/health" -w '%{http_code}' $URL/healthz)" 503 "503"
setup
check "without" reload
well()
{
	[ "$(get $URL/healthz)" = ok ]
}
check "it is well" wait_for 20 well

# --- a thousand exporters ---
resident()
{
	awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}
python3 "$SRCDIR/tests/node/exporters.py" 127.0.0.1 "$PORT" 127.77.0.1 1000 1 0 20 20000 &
sender=$!
scrapes=0
while kill -0 $sender 2>/dev/null; do
	get $URL/metrics >/dev/null
	get $URL/gaps >/dev/null
	scrapes=$((scrapes + 1))
done
wait $sender
total=$((total + 20000))
check "20,000 datagrams of 1,000 exporters are shown" wait_for 30 shown "$total"
is "$(get $URL/status | jq -c '[.lanes[0].log_drops, .lanes[0].listeners[0].kernel_drops]')" "[0,0]" "none was lost, with $scrapes scrapes meanwhile"
is "$(get $URL/gaps | jq '[.streams[] | select(.exporter | startswith("127.77.")) | .missing + .open] | add')" 0 "and none is missing"
setup 'series = 20000;'
check "series of all of them" reload
check "are shown" wait_for 20 test "$(get $URL/metrics | grep -c '^flowbraid_sequence_missing_total{exporter="127.77')" = 1000
pid=$(children fb-collector)
diag "collector: $(resident "$pid") KiB resident, $(awk '/^RssShmem:/ { print $2 }' "/proc/$pid/status") of it shared; reporter: $(resident "$(children fb-reporter)")"
check "a node's memory with 1,000 exporters" [ "$(resident "$pid")" -lt $((64 << 10)) ]
best=9999
for i in 1 2 3 4 5; do
	is_new=$(get $URL/status | jq -r .time)
	made_anew()
	{
		[ "$(get $URL/status | jq -r .time)" != "$is_new" ] # documents are a second old at most
	}
	wait_for 10 made_anew
	took=$(curl -s -m 10 -o "$T/metrics" -w '%{time_total}' $URL/metrics | awk '{ printf "%d", $1 * 1000 }')
	[ "$took" -ge "$best" ] || best=$took
done
diag "/metrics of 1,000 exporters: $(wc -c <"$T/metrics") bytes in $best ms"
check "a scrape takes no more than 100 ms, in the best of five" [ "$best" -le 100 ]
stop_node
is "$status" 0 "SIGTERM: exit 0"

# --- the same afterwards ---
"$BUILDDIR/flowbraid" gaps -q --json "$T/log" >"$T/ledger"
offline() # all lives of a stream together
{
	jq -cS --argjson port "$1" '[.streams[] | select(.exporterPort == $port)] | {discipline: (map(.discipline) | unique | join(" ")),
		lives: length, missing: (map(.missing) | add), strays: (map(.strays) | add)}' "$T/ledger"
}
while read -r line; do
	is "$(offline "$(echo "$line" | jq .port)")" "$(echo "$line" | jq -cS '{discipline, lives: (.resets + 1), missing, strays}')" \
		"gaps, $(echo "$line" | jq .port): the same"
done <"$T/truth"
done_testing
