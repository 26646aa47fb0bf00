#!/bin/sh
# SPDX-License-Identifier: ISC
# A full disk: the node lives, keeps what fits in memory, says what did not, and goes on by itself.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root (mount)"
mkdir "$T/log"
mount -t tmpfs -o size=24m none "$T/log" 2>/dev/null || skip_all "mounting is not permitted here"
more_cleanup()
{
	umount -l "$T/log" 2>/dev/null || true
}

said()
{
	grep -q "$1" "$T/messages"
}

configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d"; memory = "8M";'
check "it starts" start_node || diag "$(cat "$T/messages")"
"$BLAST" -p "$PORT" -n 1000 -r 10000 >/dev/null
check "it writes" wait_for 20 recorded 1000
head -c 22M /dev/zero >"$T/log/filler" 2>/dev/null
# 8 MiB of memory hold some 5,000 of these.
"$BLAST" -p "$PORT" -n 9000 -r 10000 >/dev/null
check "the message says what is wrong" wait_for 20 said "log $T/log: cannot write: No space left on device; up to 8 MiB wait in memory"
check "the node lives" kill -0 "$node_pid"
is "$(records 2>/dev/null | grep -c ' finding ')" 0 "what stands in the file ends with a whole record, or is being written"
rm "$T/log/filler"
check "it goes on by itself" wait_for 20 said "log $T/log: writing again after"
"$BLAST" -p "$PORT" -n 500 -r 10000 -q 270000 >/dev/null
is_last()
{
	records 2>/dev/null | grep ' datagram ' | tail -n 1 | cut -d' ' -f10 | grep -q "^.\{32\}$(printf '%08x' $((270000 + 499 * 30)))"
}
check "and records what comes then" wait_for 20 is_last
is "$(grep -c 'cannot write' "$T/messages")" 1 "the message came once"
stop_node
is "$status" 0 "SIGTERM: exit 0"

records >"$T/records"
is "$(grep -c ' finding ' "$T/records")" 0 "no findings"
recorded=$(grep -c ' datagram ' "$T/records")
lost=$(sed -n 's/.* log-drop .*3=\([0-9]*\) .*/\1/p' "$T/records" | awk '{ n += $1 } END { print n + 0 }')
check "something was lost" [ "$lost" -gt 0 ]
is $((recorded + lost)) 10500 "what was lost is told in event records"
check "as many as memory holds were kept" [ "$recorded" -ge 5000 ]
# What is missing lies within the span of time that the event gives.
is "$(awk '
	$2 == "datagram" { if (pending) { if ($4 <= to) bad++; pending = 0 } last = $4 }
	$2 == "event" && $5 == "log-drop" {
		split($7, f, "="); split($8, t, "="); to = t[2]; pending = 1
		if (f[2] > t[2] || f[2] <= last) bad++
	}
	END { print bad + 0 }' "$T/records")" 0 "the time range lies between the datagrams around it"

# A disk that stays full does not keep it from ending, with a message.
mkdir -p "$T/log"
head -c 30M /dev/zero >"$T/log/filler" 2>/dev/null
"$NODE" -d -f "$T/conf" 2>"$T/messages" </dev/null &
node_pid=$!
wait_for 20 is_started
"$BLAST" -p "$PORT" -n 100 >/dev/null
check "it runs on a full disk" wait_for 20 said 'cannot write: No space left on device'
stop_node
is "$status" 2 "what cannot be written at the end: exit 2"
like "$(cat "$T/messages")" 'given up; [0-9]+ bytes were not written' "and a message"

# Nor does a disk that nobody can write to keep it from starting.
rm "$T/log/filler"
mount -o remount,ro "$T/log"
check "it starts on a read-only disk" start_node || diag "$(cat "$T/messages")"
before=$(records 2>/dev/null | grep -c ' datagram ')
"$BLAST" -p "$PORT" -n 100 >/dev/null
check "and says so" wait_for 20 said 'cannot write: Read-only file system'
mount -o remount,rw "$T/log"
check "it goes on by itself" wait_for 20 said "log $T/log: writing again after"
check "with what came meanwhile" wait_for 20 recorded $((before + 100))
stop_node
is "$status" 0 "SIGTERM: exit 0"
done_testing
