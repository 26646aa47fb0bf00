#!/bin/sh
# SPDX-License-Identifier: ISC
# A flood from 100,000 forged addresses, as fast as it can be sent, while ten exporters send at a steady pace: nothing of
# the ten is lost. Then the node is killed and started again in the middle of another flood: their templates are known.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
need_namespaces
need_commands ip jq
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
. "$SRCDIR/tests/node/node.sh"
ip link set lo up

FLOOD="$BUILDDIR/tests/node/flood"
exporters_pid=
flood_pid=

more_cleanup()
{
	kill $exporters_pid $flood_pid 2>/dev/null || true
}

# The socket's queue is empty.
received()
{
	[ "$(awk -v p="$(printf ':%04X$' "$PORT")" '$2 ~ p { print substr($5, 10) }' /proc/net/udp)" = 00000000 ]
}

has_datagrams()
{
	"$BUILDDIR/tests/node/records" "$T"/log/*.open 2>/dev/null | grep -q ' datagram '
}

# start_exporters NAME OPTIONS...; end_exporters NAME leaves `ADDRESS SENT FLOWS` in $T/NAME.
start_exporters()
{
	name=$1
	shift
	"$FLOOD" -p "$PORT" -e 1 "$@" >"$T/$name" &
	exporters_pid=$!
}

end_exporters()
{
	kill "$exporters_pid"
	wait "$exporters_pid" || true
	exporters_pid=
	sed -i '/a minute/d' "$T/$1"
}

# The buffer holds all of the flood, so that none of it is dropped however slow this machine is.
configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"512M\"; }" 'rotate = "1d";'
check "it starts" start_node || diag "$(cat "$T/messages")"
start_exporters first -t
check "ten exporters send for a minute" wait_for 200 grep -q 'a minute' "$T/first"
"$FLOOD" -p "$PORT" -n 300000 -k 100000 >"$T/flood"
diag "the flood: $(cat "$T/flood")"
check "it is received" wait_for 60 received
memory=$(awk '/^VmHWM:/ { print int($2 / 1024) }' "/proc/$node_pid/status")
diag "memory of the node: $memory MiB at most"
check "memory is bounded" [ "$memory" -lt 160 ]
end_exporters first
total=$((300000 + $(awk '{ n += $2 } END { print n }' "$T/first")))
check "all of it is recorded, and all of the ten" wait_for 60 recorded $total
records | awk '$2 == "datagram" && $5 ~ /^192\.0\.2\./ { n[$5]++ } END { for (a in n) print a, n[a] }' | sort >"$T/got"
is "$(cat "$T/got")" "$(cut -d' ' -f1,2 "$T/first" | sort)" "each exporter's datagrams, one by one"

# The node dies and comes back while a flood goes on; the exporters send data alone.
start_exporters second
kill -USR1 "$node_pid"
check "a segment is sealed" wait_for 20 sealed 1
check "there is something in the next one" wait_for 20 has_datagrams
"$FLOOD" -p "$PORT" -n 400000 -k 100000 -r 40000 >"$T/flood" &
flood_pid=$!
kill_node
check "it starts again in a flood" start_node || diag "$(cat "$T/messages")"
wait "$flood_pid"
flood_pid=
diag "the flood: $(cat "$T/flood")"
check "it is received" wait_for 60 received
kill -USR1 "$node_pid"
check "another segment is sealed" wait_for 20 sealed 3
end_exporters second
check "what they sent is received" wait_for 20 received
stop_node
is "$status" 0 "it ends in good order"

last=$(find "$T/log" -name '*.fbs' | sort | tail -n 1)
run "$BUILDDIR/flowbraid" cat -q -F json "$last"
is "$status" 0 "the last segment can be read alone" || diag "$err"
jq -r 'select(.exporter | startswith("192.0.2.")) | .exporter' "$T/out" | sort | uniq -c | awk '{ print $2, $1 }' | sort >"$T/got"
"$BUILDDIR/tests/node/records" "$last" |
	awk '$2 == "datagram" && $5 ~ /^192\.0\.2\./ { n[$5]++ } END { for (a in n) print a, n[a] }' | sort >"$T/want"
is "$(wc -l <"$T/want")" 10 "all ten are in it"
is "$(cat "$T/got")" "$(cat "$T/want")" "each of their data sets is decoded"

# What the limits did is told.
records >"$T/records"
is "$(grep ' event .* stop ' "$T/records" | grep -c ' 22=0 23=0')" 1 "the kernel dropped nothing"
like "$(grep ' event .* stop ' "$T/records")" ' 49=[0-9]+ (50=[0-9]+ )?51=[0-9]+ (52=[0-9]+ )?53=[0-9]+' "the event of the end tells of limits"
like "$(cat "$T/messages")" "log $T/log: limits reached: [0-9]+ exporters forgotten for others, ([^,]*, )?[0-9]+ streams forgotten" \
	"a message, too"
done_testing
