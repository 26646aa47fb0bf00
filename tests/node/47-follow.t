#!/bin/sh
# SPDX-License-Identifier: ISC
# flowbraid cat -f beside a node: flows are there soon after they were sent, through rotation, lanes, kill -9, a restart and
# it takes no CPU while nothing comes.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

FB=$BUILDDIR/flowbraid
follower=
more_cleanup()
{
	[ -z "$follower" ] || kill -9 "$follower" 2>/dev/null || true
}
lines()
{
	[ "$(wc -l <"$T/got")" -eq "$1" ]
}

configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d"; size = "1M"; flush = "10ms"' 'lanes = 2;'
check "the node starts" start_node || diag "$(cat "$T/messages")"
"$FB" cat -f -F csv --fields exporterPort,sequence,index "$T/log" >"$T/got" 2>"$T/follow" </dev/null &
follower=$!
check "nothing is there but the names" wait_for 20 lines 1

"$BLAST" -p "$PORT" -n 200 -r 2000 -v 9 >/dev/null
check "200 datagrams are recorded" wait_for 20 recorded 200
sent=1
for s in $("$FB" cat -c "$T/log"); do sent=$((sent + s)); done
check "and their flows shown" wait_for 20 lines $sent || diag "$(wc -l <"$T/got") of $sent" "$(cat "$T/follow")"

kill -USR1 "$node_pid"
"$BLAST" -p "$PORT" -n 2000 -r 4000 -f 30 >/dev/null
check "through rotations" wait_for 20 sh -c '[ "$(wc -l <'"$T/got"')" -eq $(($('"$FB"' cat -c '"$T/log"') + 1)) ] && [ "$(ls '"$T/log"' | wc -l)" -ge 5 ]' ||
    diag "$(wc -l <"$T/got") $("$FB" cat -c "$T/log") $(ls "$T/log")"

kill_node
check "the node starts again after kill -9" start_node || diag "$(cat "$T/messages")"
"$BLAST" -p "$PORT" -n 500 -r 4000 -v 9 -q 5000 >/dev/null
check "and on it goes" wait_for 20 sh -c '[ "$(wc -l <'"$T/got"')" -eq $(($('"$FB"' cat -c '"$T/log"') + 1)) ]' ||
    diag "$(wc -l <"$T/got") $("$FB" cat -c "$T/log")"
"$FB" cat -F csv --fields exporterPort,sequence,index "$T/log" | sort >"$T/want"
check "the same flows as in the log" sh -c "test \$(wc -l <'$T/want') -gt 60000 && sort '$T/got' | cmp - '$T/want'"

# It waits in the kernel: no time passes on its clock.
cpu()
{
	awk '{ print $14 + $15 }' "/proc/$follower/stat"
}
stop_node
before=$(cpu)
check "the node ends; its last segments get their names" sh -c "! ls '$T/log' | grep -q open"
like "$(cat "/proc/$follower/wchan" 2>/dev/null) $(($(cpu) - before))" ' [0-2]$' "the follower sleeps"
kill -TERM "$follower"
status=0
wait "$follower" || status=$?
follower=
is "$status" 0 "SIGTERM: exit 0"
is "$(grep -c 'offset' "$T/follow")" 0 "it found no damage" || diag "$(cat "$T/follow")"
done_testing
