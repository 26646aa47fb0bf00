#!/bin/sh
# SPDX-License-Identifier: ISC
# Prometheus, with the configuration and the rules of conf/, over a node and a monitor that asks it.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"
need_commands prometheus curl jq

STATUS=$((PORT + 1))
MONITOR=$((PORT + 2))
PROMETHEUS=127.0.0.1:$((PORT + 3))
others=
more_cleanup()
{
	# shellcheck disable=SC2086 # numbers
	[ -z "$others" ] || kill $others 2>/dev/null || true
}

configure "{ address = \"127.0.0.1\"; port = $PORT; }" '' "status = { address = \"127.0.0.1\"; port = $STATUS; };"
check "a node" start_node || diag "$(cat "$T/messages")"
"$BUILDDIR/flowbraid" monitor --node "http://127.0.0.1:$STATUS" --listen "127.0.0.1:$MONITOR" 2>"$T/monitor.messages" &
others=$!
sed -e "s/127\.0\.0\.1:9555/127.0.0.1:$STATUS/; s/127\.0\.0\.1:9556/127.0.0.1:$MONITOR/; s/15s/1s/" \
	"$SRCDIR/conf/flowbraid-prometheus.yml" >"$T/prometheus.yml"
cp "$SRCDIR/conf/flowbraid-rules.yml" "$T"
prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/data" --web.listen-address="$PROMETHEUS" 2>"$T/prometheus.messages" &
others="$others $!"

# asks EXPRESSION WANT: what Prometheus answers, one value.
asks()
{
	[ "$(curl -s -m 10 -G "http://$PROMETHEUS/api/v1/query" --data-urlencode "query=$1" | jq -r '[.data.result[].value[1]] | join(" ")')" = "$2" ]
}
check "Prometheus scrapes the node" wait_for 60 asks 'up{job="flowbraid-node"}' 1 || diag "$(tail -n 3 "$T/prometheus.messages")"
check "and the monitor" wait_for 60 asks 'up{job="flowbraid-monitor"}' 1 || diag "$(cat "$T/monitor.messages")"
check "it knows the node's metrics" wait_for 60 asks 'count(flowbraid_build_info{cluster="test",node="n"})' 1
check "and the cluster's" wait_for 60 asks 'flowbraid_cluster_node_up{node="n"}' 1
is "$(curl -s "http://$PROMETHEUS/api/v1/rules" | jq -c '[.data.groups[].rules[] | (.lastError // "")] | [length > 10, unique]')" '[true,[""]]' \
	"its rules have no errors"
kill_node
check "a node that is gone is seen" wait_for 60 asks 'flowbraid_cluster_nodes_up' 0
check "and is an alert that waits" wait_for 60 asks 'count(ALERTS{alertname="FlowbraidBlind"})' 1 || diag "$(curl -s "http://$PROMETHEUS/api/v1/alerts" | cut -c1-1000)"
done_testing
