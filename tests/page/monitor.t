#!/bin/sh
# SPDX-License-Identifier: ISC
# The monitor's page of a cluster that is there (live.mjs): three nodes, of which one misses each 20th datagram and is killed while the
# page is open; then all of them miss seven datagrams of each exporter.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip curl
"$BUILDDIR/flowbraid" monitor --help >/dev/null 2>&1 || skip_all "this flowbraid has no monitor"
if [ "${IN_NAMESPACE-}" != yes ]; then
	# npm needs the network, which there is none of in there.
	. "$SRCDIR/tests/page/page.sh"
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
. "$SRCDIR/tests/page/page.sh"

ip link set lo up
pids=
cleanup()
{
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$pids" ] || kill $pids 2>/dev/null
}

ports=2055
for node in a b c; do
	port=$((2055 + $(printf '%d' "'$node")))
	ports="$ports $port"
	cat >"$T/$node.conf" <<-END
		cluster = "edge";
		node = "col-$node";
		listen = ( { address = "127.0.0.1"; port = $port; } );
		log = { directory = "$T/$node"; };
		status = { address = "127.0.0.1"; port = $((port + 1000)); };
		pidfile = "$T/$node.pid";
	END
	: >"$T/$node.messages"
	"$BUILDDIR/flowbraidd" -d -f "$T/$node.conf" 2>>"$T/$node.messages" </dev/null &
	pids="$pids $!"
	[ $node != b ] || killed=$!
	set -- "$@" --node "http://127.0.0.1:$((port + 1000))"
	check "node $node is up" wait_for 20 grep -q ': started: ' "$T/$node.messages"
done

mkfifo "$T/commands"
exec 9<>"$T/commands"
# shellcheck disable=SC2086 # several ports
python3 -B "$SRCDIR/tests/page/exporter.py" 40 ${ports#* } <&9 2>"$T/exporter.err" &
pids="$pids $!"
"$BUILDDIR/flowbraid" monitor "$@" --listen 127.0.0.1:8056 --page "$SITE" >"$T/monitor.out" 2>&1 9>&- &
pids="$pids $!"
check "the monitor is up" wait_for 20 curl -sf -o "$T/first" http://127.0.0.1:8056/healthz || diag "$(cat "$T/monitor.out")"

browse live.mjs http://127.0.0.1:8056/ "$T/commands" "$killed"
is "$(cat "$T/exporter.err")" "" "the exporter has nothing to say"
done_testing
