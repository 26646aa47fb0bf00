#!/bin/sh
# SPDX-License-Identifier: ISC
# What came over the network and broke flowd, one after the other at one node that has to live through all of it. The
# datagrams are in tests/hostile.py; tests/cmd/hostile.t sends them by way of captures, for sanitizers. What happened to
# flowd besides is in 91-flowd-life.t. tests/node/mutants shows what each of these points is worth.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

need_commands jq python3
fb=$BUILDDIR/flowbraid
hostile=$SRCDIR/tests/hostile.py
"$hostile" list >"$T/list" || exit 99
configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }" 'rotate = "1d";'
check "it starts" start_node || diag "$(cat "$T/messages")"
collector=$(children fb-collector)

# row WHAT NAMES: sends the datagrams that the regular expression names, as a segment of their own; what was sent and taken
# of it is in $T/taken, its flows in $T/out, what was said of them in $err.
seen=0
segments=0
row()
{
	what=$1
	grep -E "^($2) " "$T/list" >"$T/sent"
	grep -v ' unknown ' "$T/sent" >"$T/taken" || true
	check "$what: there are some" test -s "$T/sent"
	# Behind them one of the same socket that is sound, so that it can be waited for.
	# shellcheck disable=SC2046 # names
	"$hostile" send "$PORT" $((PORT + 1)) $(cut -d' ' -f1 "$T/sent") v5
	echo 'v5 sound 1' >>"$T/taken"
	seen=$((seen + $(wc -l <"$T/taken")))
	check "$what: all of it is recorded, and what came then" wait_for 20 recorded $seen || diag "$(tail -n 3 "$T/messages")"
	is "$(children fb-collector)" "$collector" "$what: by the same process"
	records 2>/dev/null | grep ' datagram ' | tail -n "$(wc -l <"$T/taken")" |
		awk '{ print ($8 == 2 ? "bad" : $8 == 0 ? "sound" : $8), $9 }' >"$T/got"
	is "$(paste -d' ' "$T/taken" "$T/got" | awk '$4 != ($2 == "sound" ? "sound" : "bad")')" "" "$what: what is wrong with it is seen"
	kill -USR1 "$node_pid"
	segments=$((segments + 1))
	check "$what: a segment of it" wait_for 20 sealed $segments
	last=$(find "$T/log" -name '*.fbs' | sort | tail -n 1)
	run timeout 60 "$fb" cat -F json "$last"
	is "$status" 0 "$what: it can be read"
	is "$(grep -c . "$T/out")" "$(awk '{ n += $3 } END { print n }' "$T/taken")" "$what: what is sound in it is decoded"
}

for version in v9 ipfix; do
	row "a $version template with zero fields, then data for it: flowd died of it" \
		"$version-(template|no-.*|fields-of-no-length|again)"
	row "a $version options set or reserved set of length 0: flowd did not come back" \
		"$version-(set-.*|again)"
	row "1 to 3 stray bytes behind the last set of $version: flowd read past the buffer" "$version-(stray-[0-9]|again)"
	row "1 to 3 stray bytes in a template set of $version: flowd read past the buffer" "$version-(stray-(in|alone)-.*|again)"
	row "a cut field specifier of $version: flowd read past the buffer" "$version-(cut-(specifier|options).*|again)"
done
like "$err" 'malformed: 8 template$' "cut specifiers are said to be a bad template"
row "v5 shorter than its header: flowd printed uninitialised memory" 'v5-of-[0-9]?[0-9]-bytes|v5-of-one-byte|v5-without.*'
is "$(jq -c '[.version, .sourceIPv4Address]' "$T/out")" '[5,"10.0.0.1"]' "nothing is printed of it"
like "$err" ': 5 datagrams are malformed: 4 header cut, 1 record count' "it is counted"

# More exporters, domains and templates than flowd could remember; the data later than all the templates.
"$hostile" crowd "$PORT" $((PORT + 2)) templates
seen=$((seen + 406))
check "129 exporters, 65 domains, 9 templates: recorded" wait_for 20 recorded $seen
kill -USR1 "$node_pid"
segments=$((segments + 1))
check "a segment of them" wait_for 20 sealed $segments
"$hostile" crowd "$PORT" $((PORT + 2)) data
seen=$((seen + 406))
check "their data: recorded" wait_for 20 recorded $seen
kill -USR1 "$node_pid"
segments=$((segments + 1))
check "a segment of it" wait_for 20 sealed $segments
run "$fb" cat -F json "$(find "$T/log" -name '*.fbs' | sort | tail -n 1)"
# of_crowd GREP: flows of these exporters, each another one.
of_crowd()
{
	jq -r "select(.exporter | startswith(\"$1\")) | .destinationIPv4Address" "$T/out" | sort -u | wc -l
}
is "$(of_crowd 127.1.)" 258 "129 exporters: flowd forgot some, and lost their flows"
is "$(of_crowd 127.2.)" 130 "65 domains of one exporter: flowd forgot some"
is "$(of_crowd 127.3.)" 18 "9 templates of one domain: flowd forgot some"
is "$err" "" "no data set lacks its template"

row "a datagram of more than 2,048 bytes: flowd cut it, and threw it away" '(v5|v9|ipfix)-of-[0-9]{3,}-bytes|(v9|ipfix)-template'
is "$(cut -d' ' -f2 "$T/got" | sort -n | tail -n 2 | paste -sd' ')" "65504 65507" "up to the longest that there is"

for version in v9 ipfix; do
	row "tcpControlBits of 2 bytes in $version: flowd refused the template" "$version-wide-flags"
	is "$(jq -c 'select(.version != 5) | [.sourceIPv4Address, .tcpControlBits, .octetDeltaCount]' "$T/out")" \
		'["10.0.1.1",274,1500]' "all of it is there"
	row "an element in a $version template that nobody knows: flowd refused the template" "$version-odd-element"
	is "$(jq -c 'select(.version != 5) | [.destinationIPv4Address, .["0/32000"], .octetDeltaCount]' "$T/out")" \
		'["10.0.2.2","0102030405",1500]' "all of it is there"
	row "a $version flow with only a destination address: flowd dropped it" "$version-destination-alone(-6)?"
	is "$(jq -c 'select(.version != 5) | [.destinationIPv4Address, .destinationIPv6Address, .octetDeltaCount]' "$T/out" | paste -sd' ')" \
		'["10.0.3.2",null,1500] [null,"2001:db8::2",1500]' "it is there"
	row "a $version flow with only a source address: flowd dropped it" "$version-source-alone"
	is "$(jq -c 'select(.version != 5) | [.sourceIPv4Address, .octetDeltaCount]' "$T/out")" '["10.0.4.1",1500]' "it is there"
done
row "a field of variable length: flowd refused the template" 'ipfix-variable-length'
is "$(jq -c 'select(.version != 5) | [.sourceIPv4Address, .interfaceName, .octetDeltaCount]' "$T/out")" \
	'["10.0.5.1","eth0",1500]' "all of it is there"
row "v5 engine type 7 and id 200: flowd stored them swapped" 'v5-engine'
is "$(jq -c .domain "$T/out" | paste -sd' ')" "$((7 * 256 + 200)) 0" "type and id as they came"
is "$(grep -c 'ended by signal' "$T/messages")" 0 "no process died"
stop_node
is "$status" 0 "SIGTERM: exit 0"
run "$fb" verify -q "$T/log"
is "$status" 0 "the log is whole" || diag "$out$err"
done_testing
