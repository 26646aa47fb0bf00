#!/bin/sh
# SPDX-License-Identifier: ISC
# Why a node missed what another one heard: each cause is made by real nodes that really lose, and `gaps` names it, with
# the number. One node hears everything; the other one is begun anew for each cause, and loses in that way alone. In a
# network of its own, so that the kernel's counters tell how many it dropped.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands jq python3 ip
if [ "${IN_NAMESPACE-}" != yes ]; then
	unshare --net --mount true 2>/dev/null || skip_all "mounting is not permitted here"
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net --mount "$0"
fi
. "$SRCDIR/tests/node/node.sh"

ip link set lo up
FLOWS=10
ALL=$((PORT + 1)) # the port of the node that hears everything
all_pid=
more_cleanup()
{
	# shellcheck disable=SC2046 # a list of numbers
	[ -z "$all_pid" ] || kill -9 "$all_pid" $(pgrep -P "$all_pid") 2>/dev/null || true
	umount -l "$T/log" 2>/dev/null || true
}

# exporter N: the one of the cause at hand.
exporter=5000
sent=0
# both COUNT, other COUNT: heard by both nodes; not to be heard by the one that loses.
both()
{
	python3 "$SRCDIR/tests/node/v5-send.py" "127.0.0.1:$exporter" $sent "$1" $FLOWS $ALL "$PORT"
	sent=$((sent + $1))
}
other()
{
	python3 "$SRCDIR/tests/node/v5-send.py" "127.0.0.1:$exporter" $sent "$1" $FLOWS $ALL
	sent=$((sent + $1))
}

# has FOLDER NUMBER: so many datagrams of the exporter stand in that log.
count()
{
	"$BUILDDIR/tests/node/records" "$1"/*.fbs* 2>/dev/null | awk -v port=$exporter '$2 == "datagram" && $6 == port' | wc -l
}
has()
{
	[ "$(count "$1")" -eq "$2" ]
}
heard() # heard NUMBER: the one that loses has them all
{
	wait_for 20 has "$T/log" "$1" || fail "the node heard $1 datagrams" || diag "$(count "$T/log")"
}

# anew: an exporter and a log of its own for the cause at hand.
anew()
{
	exporter=$((exporter + 1))
	sent=0
	rm -rf "$T/log"
	mkdir "$T/log"
}

# begin LISTENER-KEYS [LOG-KEYS [TOP-KEYS]]: the node that loses begins.
begin()
{
	configure "{ address = \"127.0.0.1\"; port = $PORT; ${1-} }" "rotate = \"1d\"; ${2-}" "${3-}"
	start_node || fail "the node starts" || diag "$(cat "$T/messages")"
}

# explained CAUSES NAME: what gaps says of the node that loses, which has ended by now.
explained()
{
	wait_for 20 has "$T/all" $sent || fail "$2: the other node heard everything" || diag "$(count "$T/all") of $sent"
	run "$BUILDDIR/flowbraid" gaps -q --json "$T/log" "$T/all"
	said=$(jq -c --argjson port $exporter '.streams[] | select(.exporterPort == $port) |
		[.missing, (.nodes[] | select(.node == "n") | .missing), (.nodes[] | select(.node == "n") | .causes)]' "$T/out")
	is "$said" "[0,$(((sent - $(count "$T/log")) * FLOWS)),{$1}]" "$2" || diag "$err"
}

# stopped NAME COMMAND...: while the collectors of the node stand still.
stopped()
{
	pids=$(children | while read -r pid; do ! grep -q ^fb-collector "/proc/$pid/comm" || echo "$pid"; done)
	# shellcheck disable=SC2086 # a list of numbers
	kill -STOP $pids
	"$@"
	# shellcheck disable=SC2086
	kill -CONT $pids
}

# What the kernel dropped for want of room at a socket, ever.
dropped()
{
	awk '$1 == "Udp:" { if (!seen) { for (i = 2; i <= NF; i++) if ($i == "RcvbufErrors") at = i; seen = 1 } else print $at }' /proc/net/snmp
}

mkdir "$T/all"
cat >"$T/all.conf" <<END
cluster = "test";
node = "all";
listen = ( { address = "127.0.0.1"; port = $ALL; receive_buffer = "128M"; } );
log = { directory = "$T/all"; rotate = "1d"; };
END
"$NODE" -d -f "$T/all.conf" 2>"$T/all.messages" </dev/null &
all_pid=$!
check "the node that hears everything starts" wait_for 20 grep -q ': started: ' "$T/all.messages"

anew
begin
both 20
other 7
both 20
heard 40
stop_node
explained "\"network\":$((7 * FLOWS))" "network: what never came"

anew
begin
both 20
heard 20
stop_node
other 9
start_node || fail "the node starts again"
both 20
heard 40
stop_node
explained "\"down\":$((9 * FLOWS))" "down: between two lives"

anew
begin '' 'flush = "1s";'
both 20
heard 20
both 300
kill_node
other 9
start_node || fail "the node starts again"
lost=$((sent - $(count "$T/log")))
both 20
heard $((sent - lost))
stop_node
explained "\"down\":$((lost * FLOWS))" "down: killed in the middle, with $((lost - 9)) datagrams that it had not written"

anew
begin
both 20
heard 20
stop_node
other 11
explained "\"ended\":$((11 * FLOWS))" "ended: behind the end of the log"

anew
begin 'receive_buffer = "64K";'
both 20
heard 20
before=$(dropped)
stopped both 1000
lost=$(($(dropped) - before))
both 20
heard $((sent - lost))
other 5
both 20
heard $((sent - lost - 5))
stop_node
check "the kernel dropped some: $lost" [ $lost -gt 0 ]
explained "\"kernel\":$((lost * FLOWS)),\"network\":$((5 * FLOWS))" "kernel: a receive buffer was full, and what the network lost behind that is the network's"

anew
begin 'receive_buffer = "64K";' '' 'lanes = 2;'
both 20
heard 20
before=$(dropped)
stopped both 1000
lost=$(($(dropped) - before))
both 20
heard $((sent - lost))
stop_node
check "the kernel dropped some: $lost" [ $lost -gt 0 ]
explained "\"host\":$((lost * FLOWS))" "host: with lanes it is the host's counter that tells"

anew
begin 'rate_limit = 50;'
both 500
said()
{
	grep -q 'more than 50 datagrams a second' "$T/messages"
}
check "the exporter is too fast" wait_for 20 said
stop_node
lost=$((sent - $(count "$T/log")))
check "it is held to its limit: $lost of 500 are not recorded" [ $lost -gt 100 ]
explained "\"limited\":$((lost * FLOWS))" "limited: beyond the exporter's rate"

anew
begin 'sources = [ "192.0.2.0/24" ];'
both 30
stop_node
explained "\"refused\":$((30 * FLOWS))" "refused: of a source that is not permitted"

anew
mount -t tmpfs -o size=24m none "$T/log"
begin 'receive_buffer = "64M";' 'memory = "8M";'
FLOWS=30
both 20
heard 20
head -c 22M /dev/zero >"$T/log/filler" 2>/dev/null
both 9000
full()
{
	grep -q 'cannot write: No space left on device' "$T/messages"
}
check "the disk is full" wait_for 20 full
rm "$T/log/filler"
again()
{
	grep -q 'writing again after' "$T/messages"
}
check "and is not" wait_for 20 again
both 20
stop_node
lost=$((sent - $(count "$T/log")))
check "more came than memory holds: $lost datagrams are lost" [ $lost -gt 0 ]
explained "\"disk\":$((lost * FLOWS))" "disk: it was full"
umount -l "$T/log"
FLOWS=10

# Three records are damaged in their bodies; of one more the header is gone.
anew
begin
both 40
heard 40
stop_node
segment=$(echo "$T"/log/*.fbs)
"$BUILDDIR/tests/node/records" "$segment" | awk '$2 == "datagram" { print $3 }' >"$T/sequences"
for n in 5 6 20; do
	python3 "$SRCDIR/tests/cluster/segments.py" damage "$segment" "$(sed -n ${n}p "$T/sequences")"
done
python3 "$SRCDIR/tests/cluster/segments.py" blank "$segment" "$(sed -n 30p "$T/sequences")"
explained "\"damaged\":$((4 * FLOWS))" "damaged: records that had it"
kill "$all_pid"
status=0
wait "$all_pid" || status=$?
all_pid=
is "$status" 0 "the other node ends"
done_testing
