#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A monitor over three nodes while datagrams get lost: on one node's link, with one node killed, and on all. Numbers are those of the
# switch's counters and of the exporter.
. "$(dirname "$0")/lab.bash"
need_commands curl jq

LAB_STATUS=9555
BOOT=$(($(date +%s) - 100))
SENT=0
# send COUNT RATE
send()
{
	lab_exec router python3 "$SRCDIR/tests/cluster/numbered.py" "$LAB_GROUP" "$LAB_PORT" "$BOOT" "$SENT" "$1" "$2"
	SENT=$((SENT + $1))
}
cluster()
{
	lab_exec router curl -s -m 10 "http://127.0.0.1:9556/cluster" | jq -c "$1"
}
shows()
{
	[ "$(cluster "$1")" = "$2" ]
}
# appears FILTER WANT NAME: the document shows it; says after how long.
appears()
{
	local begun=$EPOCHREALTIME
	if wait_for 20 shows "$1" "$2"; then
		pass "$3"
		diag "seen after $(((${EPOCHREALTIME/./} - ${begun/./}) / 1000)) ms"
	else
		fail "$3" || diag "got $(cluster "$1"), want $2; $(cluster .gaps) $(tail -n 2 "$T"/*.messages)"
	fi
}

lab_network a b c || { fail "a network"; done_testing; }
for node in a b c; do
	node_start "$T" $node || { fail "node $node"; done_testing; }
done
lab_begin router "$FLOWBRAID" monitor --node http://192.0.2.11:9555 --node http://192.0.2.12:9555 --node http://192.0.2.13:9555 \
	--listen 127.0.0.1:9556 2>"$T/monitor.messages"
appears '[.nodes[].state]' '["up","up","up"]' "all nodes answer"
send 400 200
appears '[.health, (.streams[] | [.hearing, .residual, [.nodes[].missing]])]' '["whole",[3,0,[0,0,0]]]' "nothing is lost"

lab_loss 5 a
send 1000 200
lost=$(lab_counter lost-a)
lab_loss 0 a
send 200 100
check "5 % of the datagrams to a are lost" [ "$lost" -gt 10 ]
appears '.streams[] | [.residual, [.nodes[].missing]]' "[0,[$lost,0,0]]" "$lost are missing on a, none on all"
is "$(cluster .health)" '"thinner"' "the cluster is thinner"

node_kill c
send 400 200
appears '.nodes[2].state' '"down"' "c is killed"
is "$(cluster '[.residual, .streams[].residual, .streams[].hearing, .streams[].nodes[0].missing]')" "[0,0,2,$lost]" "nothing is missing on all"
metrics=$(lab_exec router curl -s http://127.0.0.1:9556/metrics)
like "$metrics" '^flowbraid_cluster_node_up\{node="c"\} 0$' "metrics: the node"
like "$metrics" '^flowbraid_cluster_residual_missing_datagrams 0$' "the residual"
like "$metrics" "^flowbraid_cluster_stream_missing_units\\{.*node=\"a\"\\} $lost\$" "what a misses"

lab_exec switch nft -f - <<-END
	table netdev outage {
		chain from-router {
			type filter hook ingress device "port-router" priority 1; policy accept;
			udp dport $LAB_PORT drop
		}
	}
END
send 37 100
lab_exec switch nft delete table netdev outage
send 300 200
appears '.streams[] | [.residual, .nodes[0].missing, .nodes[1].missing]' "[37,$((lost + 37)),37]" "37 are missing on all"
is "$(cluster '[.health, .residual, ([.gaps[] | select(.nodes == "all") | .missing] | add)]')" '["losing",37,37]' "the cluster is losing"
like "$(lab_exec router curl -s http://127.0.0.1:9556/metrics)" '^flowbraid_cluster_residual_missing_datagrams 37$' "metrics: the residual"
run lab_exec router "$FLOWBRAID" monitor --node http://192.0.2.11:9555 --node http://192.0.2.12:9555 --check
like "$status $out" '2 FLOWBRAID CRITICAL - demo: 37 datagrams' "the check, which asks the nodes anew"

node_start "$T" c || fail "node c again"
send 300 200
appears '[.streams[] | .hearing, .residual]' '[3,37]' "c is back, and has not heard what nobody did"
check "what it missed while it was down is seen" [ "$(cluster '.streams[0].nodes[2].missing')" -ge 437 ]
appears '[.gaps[] | select(.nodes == ["c"]) | .cause] | unique' '["node down"]' "as it was down"
done_testing
