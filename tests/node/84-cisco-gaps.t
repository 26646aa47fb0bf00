#!/bin/sh
# SPDX-License-Identifier: ISC
# Traffic of real routers, heard from a socket: what a node claims to be missing while it hears them is no more than what
# `gaps` finds in the whole of it, and nothing where that finds nothing.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip curl jq
need_corpus
if [ "${IN_NAMESPACE-}" != yes ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
. "$SRCDIR/tests/node/node.sh"
fb=$BUILDDIR/flowbraid
URL=http://127.0.0.1:$((PORT + 1))

ip link set lo up
ip addr add 192.0.2.200/32 dev lo
ip addr add fd00::200/128 dev lo nodad
echo 1 >/proc/sys/net/ipv4/conf/lo/accept_local
for name in all lo; do
	echo 0 >/proc/sys/net/ipv4/conf/$name/rp_filter
done

shown()
{
	[ "$(curl -s -m 10 $URL/gaps | jq '[.streams[].datagrams] | add // 0')" = "$1" ]
}
streams=0 clean=0
for capture in "$CORPUS"/cisco/*/traffic-*.pcap; do
	name=${capture#"$CORPUS"/cisco/}
	rm -rf "$T/heard" "$T/log"
	# Any port of 9991 to 9999 is what the captures were made with.
	listeners=
	for port in 2055 4739 9991 9992 9993 9994 9995 9996 9997 9998 9999; do
		listeners="$listeners${listeners:+, }{ address = \"192.0.2.200\"; port = $port; }"
	done
	configure "$listeners"
	mv "$T/log" "$T/heard" 2>/dev/null || true
	"$NODE" -f "$T/conf" -r "$capture" 2>"$T/messages" || true
	mv "$T/log" "$T/heard"
	"$fb" gaps --json -q "$T/heard" >"$T/offline" || true
	address=192.0.2.200
	! jq -e '.streams[] | select(.exporter | contains(":"))' "$T/offline" >/dev/null || address=fd00::200
	configure "{ address = \"$address\"; port = $PORT; }" "" "status = { address = \"127.0.0.1\"; port = $((PORT + 1)); };"
	start_node || diag "$(cat "$T/messages")"
	"$fb" replay -q --speed max --exporter-address --json $address "$PORT" "$T/heard" >"$T/sent" 2>"$T/why" || diag "$(cat "$T/why")"
	total=$("$fb" info --json -q "$T/heard" | jq '[.. | .datagrams? | numbers] | max')
	check "$name: $total datagrams are heard" wait_for 20 shown "$total" || diag "$(cat "$T/sent")"
	curl -s -m 10 $URL/gaps >"$T/live"
	stop_node
	# exporter port domain missing, summed over lives
	jq -r '.streams | group_by([.exporter, .exporterPort, .domain])[] |
		"\(.[0].exporter) \(.[0].exporterPort) \(.[0].domain) \([.[].missing] | add)"' "$T/offline" | sort >"$T/want"
	jq -r '.streams[] | "\(.exporter) \(.exporterPort) \(.domain) \(.missing + .open)"' "$T/live" | sort >"$T/got"
	is "$(sed 's/ [0-9]*$//' "$T/got")" "$(sed 's/ [0-9]*$//' "$T/want")" "$name: the same streams"
	is "$(paste -d' ' "$T/want" "$T/got" | awk '$8 > $4')" "" "$name: no loss that is none"
	streams=$((streams + $(wc -l <"$T/want")))
	clean=$((clean + $(awk '$4 == 0' "$T/want" | wc -l)))
done
diag "$streams streams, $clean of them without loss"
check "there are streams without loss" [ $clean -ge 5 ]
done_testing
