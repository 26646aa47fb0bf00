#!/bin/sh
# SPDX-License-Identifier: ISC
# Retention: the oldest segments go by age, size, free room, and on a full disk; an event record tells of each; in time, so
# that nothing new is lost; and not what is unmerged, if so wanted.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root (mount)"
FB="$BUILDDIR/flowbraid"
LISTENER="{ address = \"127.0.0.1\"; port = $PORT; }"
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

# begin LOG-KEYS: an empty log, and the daemon.
begin()
{
	rm -rf "$T"/log/*
	configure "$LISTENER" "size = \"1M\"; memory = \"8M\"; $1"
	start_node || diag "$(cat "$T/messages")"
}

# Numbers of the segments that are there.
numbers()
{
	for file in "$T"/log/00-*; do
		file=${file##*/00-}
		echo "${file%%-*}" | sed 's/^0*//'
	done
}

# Numbers of the segments that events tell were removed.
told()
{
	records 2>/dev/null | sed -n 's/.* removed 7=\([0-9]*\) .*/\1/p' | sort -n
}

# begins_behind N: no segment up to number N is there.
begins_behind()
{
	[ "$(numbers | sort -n | head -n 1)" -gt "$1" ]
}

# kilobytes of the log's segments
log_size()
{
	find "$T/log" -name '*.fbs*' -printf '%s\n' | awk '{ n += $1 } END { print int(n / 1024) }'
}

# The last datagram of so many that were sent is recorded.
is_last()
{
	records 2>/dev/null | grep ' datagram ' | tail -n 1 | cut -d' ' -f10 | grep -q "^.\{32\}$(printf '%08x' $((($1 - 1) * 30)))"
}

# blast N RATE: sends, and waits until it was recorded.
blast()
{
	"$BLAST" -p "$PORT" -n "$1" -r "$2" >/dev/null
	wait_for 30 is_last "$1"
}

# --- by size
begin 'rotate = "1d"; retain_size = "6M";'
check "by size: all is recorded" blast 15000 5000 || diag "$(cat "$T/messages")"
check "the oldest segments go" wait_for 20 begins_behind 10
is_small()
{
	[ "$(log_size)" -le 6144 ]
}
check "the log is as large as it may be" wait_for 20 is_small || diag "$(log_size) KiB"
like "$(cat "$T/messages")" "log $T/log: retain_size: removing the oldest segments, beginning with 00-0000000001-[0-9TZ]*\.fbs, [0-9]+ bytes; an event record tells of each" "a message tells that it begins"
is "$(grep -c 'removing' "$T/messages")" 1 "once"
stop_node
is "$status" 0 "SIGTERM: exit 0"
is "$(told | tail -n 1)" "$(($(numbers | sort -n | head -n 1) - 1))" "the last removal is that of the segment before the oldest that is left"
is "$(records | sed -n 's/.* removed 7=[0-9]* 3=[0-9]* 1=//p' | sort -u)" "retain_size 9=32-bytes" "events tell why, and the digest of the seal"
is "$(records | grep -c ' log-drop ')" 0 "nothing was lost"
run "$FB" verify "$T/log"
is "$status" 0 "verify: no damage"
like "$err" "$T/log: lane 0: segments 1 to [0-9]+ are gone, the oldest part: of [0-9]+ event records that are left tell that retention removed them" "and it says what is gone"
run "$FB" gaps "$T/log"
like "$out" "^node n lane 0: [0-9]+ segments, [0-9]+ bytes, were removed from its log by retention; " "gaps says it, too"

# --- by age, over the lives of a node
last=$(numbers | sort -n | tail -n 1)
configure "$LISTENER" 'rotate = "1s"; memory = "8M"; retain = "2s";'
check "by age: it starts" start_node || diag "$(cat "$T/messages")"
check "segments of a former life go when they are old" wait_for 30 begins_behind "$last"
stop_node
for n in $(numbers); do
	! told | grep -qx "$n" || fail "segment $n is there, and an event tells that it was removed"
done
is "$(records | sed -n 's/.* removed 7=[0-9]* 3=[0-9]* 1=\([a-z_]*\) .*/\1/p' | grep -cvx retain)" 0 "the reason is the age"

# --- free room: 24 MiB of disk, 44 MB of datagrams
begin 'rotate = "1d"; minimum_free = "8M";'
check "minimum_free: all is recorded" blast 30000 5000 || diag "$(cat "$T/messages")"
is "$(grep -c 'cannot write' "$T/messages")" 0 "writing never fails"
like "$(cat "$T/messages")" "log $T/log: minimum_free: removing the oldest segments" "the message"
has_room()
{
	[ "$(df --output=avail -k "$T/log" | tail -n 1)" -ge 8192 ]
}
check "as much is free as wanted" wait_for 20 has_room
stop_node
is "$status $(records | grep -c ' log-drop ')" "0 0" "nothing was lost"

# --- a full disk, with a budget larger than it
begin 'rotate = "1d"; retain_size = "1G";'
check "a full disk: all is recorded" blast 30000 5000 || diag "$(cat "$T/messages")"
is "$(grep -c 'cannot write' "$T/messages")" 0 "there is room before writing counts as failing"
like "$(cat "$T/messages")" "log $T/log: disk full: removing the oldest segments" "the message"
stop_node
is "$status $(records | grep -c ' log-drop ')" "0 0" "nothing was lost"

# --- a full disk, and age alone: nothing goes for it
begin 'rotate = "1d"; retain = "1h";'
"$BLAST" -p "$PORT" -n 18000 -r 5000 >/dev/null
check "without a budget a full disk stops the writing" wait_for 20 said 'cannot write: No space left'
is "$(numbers | sort -n | head -n 1)" 1 "and nothing is removed"
kill_node

# --- keep_unmerged
begin 'rotate = "1d"; minimum_free = "8M"; keep_unmerged = true;'
"$BLAST" -p "$PORT" -n 18000 -r 5000 >/dev/null
check "keep_unmerged: it is said that segments stay" \
    wait_for 20 said "log $T/log: [a-z_ ]*: [0-9]* segments should go and stay: keep_unmerged is set, and there is no file merged that lists them"
check "and what it means" wait_for 20 said 'cannot write: No space left'
is "$(numbers | sort -n | head -n 1)" 1 "nothing is removed"
"$FB" merge -q -o "$T/archive" "$T/log" 2>/dev/null
# The disk is full; the list must fit, as it must on a real one.
"$FB" merged "$T/archive" "$T/log" >"$T/list"
sealed=$(wc -l <"$T/list")
check "the archive has sealed segments" [ "$sealed" -gt 10 ]
# Where a disk is full to the last byte the list comes as a file of another place: a mount, or room that others gave.
mount -o remount,size=25m "$T/log"
run "$FB" merged -w "$T/archive" "$T/log"
is "$status" 0 "the list is written"
check "what is merged goes" wait_for 20 begins_behind 4
check "and writing goes on" wait_for 20 said 'writing again'
check "the oldest ones only, as many as are needed" [ "$(numbers | wc -l)" -gt 3 ]
stop_node
is "$status" 0 "SIGTERM: exit 0"
is "$(grep -c 'keep_unmerged' "$T/messages")" "$(grep 'keep_unmerged' "$T/messages" | sort -u | grep -c .)" "no message came twice"
run "$FB" verify -q "$T/log"
is "$status" 0 "verify: no damage"
"$FB" merge -q -o "$T/archive" "$T/log" || true
is "$("$FB" gaps --json "$T/archive" | jq '[.streams[].datagrams] | add')" \
    "$((18000 - $(records | sed -n 's/.* log-drop .*3=\([0-9]*\) .*/\1/p' | awk '{ n += $1 } END { print n + 0 }')))" \
    "archive and log together have all that was recorded"
done_testing
