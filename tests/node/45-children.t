#!/bin/sh
# SPDX-License-Identifier: ISC
# Parent and children: what each holds, what they do to each other, limits that are low, and a collector that is no friend.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

need_commands python3 prlimit
STATUS=$((PORT + 1))

# http PATH: what the reporter answers.
http()
{
	python3 -c '
import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())
except urllib.error.HTTPError as e:
    print(e.read().decode())' "http://127.0.0.1:$STATUS$1" 2>/dev/null
}

is_well()
{
	[ "$(http /healthz)" = ok ]
}

said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}

restarted()
{
	[ -n "$(children fb-collector)" ] && [ "$(children fb-collector)" != "$1" ]
}

# --- what they hold ---

configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";' 'lanes = 2;'
check "two lanes without status" start_node
boards()
{
	sed -n 's/^[^ ]* \([^ ]*\) .*memfd:board.*/\1/p' "/proc/$1/maps" | paste -sd' '
}
for lane in 0 1; do
	is "$(boards "$(children fb-collector-$lane)")" "rw-s rw-s" "lane $lane can write its two boards, and reach no other"
done
cp "$T/conf" "$T/without"
echo "status = { address = \"127.0.0.1\"; port = $STATUS; };" >>"$T/conf"
kill -HUP "$node_pid"
check "status comes by a reload" wait_for 20 is_well
is "$(boards "$(children fb-reporter)")" "r--s r--s r--s r--s r--s" "the reporter reads their boards and the relay's, and can write none"
cp "$T/without" "$T/conf"
kill -HUP "$node_pid"
check "and goes" wait_for 20 said 'configuration read again' 2
is "$(children fb-reporter)" "" "with its process"
stop_node
is "$status" 0 "it ends in good order"

# --- few descriptors ---

listeners=
for i in $(seq 1 40); do
	listeners="$listeners${listeners:+, }{ address = \"127.0.1.$i\"; port = $PORT; }"
done
configure "$listeners" 'rotate = "1d";' "lanes = 2; status = { address = \"127.0.0.1\"; port = $STATUS; };"
# limited SOFT:HARD: starts with so many.
limited()
{
	: >"$T/messages"
	prlimit --nofile="$1" "$NODE" -d -f "$T/conf" 2>"$T/messages" </dev/null &
	node_pid=$!
	wait_for 20 is_started
	grep -q ': started: ' "$T/messages"
}
check "more listeners than a default of open files" limited 64:4096 || diag "$(cat "$T/messages")"
kill -HUP "$node_pid"
check "also when it reads the configuration again" wait_for 20 said 'configuration read again' 1
stop_node
configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";' "status = { address = \"127.0.0.1\"; port = $STATUS; };"
check "a limit that cannot be raised" limited 64:64
check "is none to the reporter" wait_for 20 is_well || diag "$(cat "$T/messages")"
reporter=$(children fb-reporter)
# More clients than it can have: in a second (for which they stay) it uses little time.
used=$(python3 - "$STATUS" "$reporter" <<'END'
import socket, sys, time
def used():
    f = open("/proc/%s/stat" % sys.argv[2]).read().rsplit(")", 1)[1].split()
    return int(f[11]) + int(f[12])
clients = []
for i in range(100):
    s = socket.socket()
    s.settimeout(0.2)
    try:
        s.connect(("127.0.0.1", int(sys.argv[1])))
    except OSError:
        break
    clients.append(s)
begun = used()
time.sleep(1)
print(used() - begun)
END
)
check "clients beyond that do not keep it busy" [ "$used" -lt 25 ] || diag "$used ticks"
check "when they have gone, it answers" wait_for 20 is_well
is "$(children fb-reporter)" "$reporter" "in the same life"
stop_node

# --- drops are told once ---

configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64K\"; }" 'rotate = "1d";'
rm -rf "$T/log"
check "a small buffer" start_node
drops()
{
	records | sed -n 's/.* kernel-drop .*3=\([0-9]*\).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'
}
has_drops()
{
	[ "$(drops 2>/dev/null)" -gt 0 ]
}
collector=$(children fb-collector)
kill -STOP "$collector"
"$BLAST" -p "$PORT" -s $((PORT + 2)) -n 2000 >/dev/null
kill -CONT "$collector"
check "the kernel drops what does not fit" wait_for 20 has_drops
# The parent hears of it within a second; a statistics' message is behind that.
asked()
{
	kill -USR2 "$node_pid"
	said 'dropped by the kernel' 20
}
check "some time passes" wait_for 20 asked
told=$(drops)
kill -9 "$collector"
check "the collector is started again" wait_for 20 restarted "$collector"
"$BLAST" -p "$PORT" -s $((PORT + 3)) -n 10 >/dev/null
more()
{
	[ "$(records 2>/dev/null | awk '$2 == "datagram" && $6 == '"$((PORT + 3))"'' | wc -l)" -eq 10 ]
}
check "and records" wait_for 20 more
stop_node
is "$(drops)" "$told" "the drops of the former life are not told again"

# --- hours in which nothing ran ---

configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";' "status = { address = \"127.0.0.1\"; port = $STATUS; };"

# ahead HOURS: the monotonic clock.
ahead()
{
	python3 -c 'import struct, sys
f = open(sys.argv[1], "r+b" if int(sys.argv[2]) else "w+b")
f.write(struct.pack("=qq", 0, int(sys.argv[2]) * 3600 * 10**9))' "$T/ahead" "$1"
}
ahead 0
CLOCK_SHIM=$T/ahead LD_PRELOAD=$BUILDDIR/tests/node/clock-shim.so
export CLOCK_SHIM LD_PRELOAD
start_node
unset CLOCK_SHIM LD_PRELOAD
check "a node as in a container that is stopped for long" [ -n "$(children fb-collector)" ]
before=$(children)
for hour in 1 2 3 4 5; do
	ahead $hour
	check "and goes on, $hour" wait_for 20 said 'the host slept for' $hour
done
is "$(children)" "$before" "its children were not silent, but stopped as well" || diag "$(cat "$T/messages")"
stop_node
is "$status" 0 "it ends in good order"

# --- a collector that is no friend ---

printf -- - >"$T/rogue"
say()
{
	printf %s "$1" | dd of="$T/rogue" conv=notrunc status=none
}
rm -rf "$T/log"
ROGUE_SHIM=$T/rogue LD_PRELOAD=$BUILDDIR/tests/node/rogue-shim.so
export ROGUE_SHIM LD_PRELOAD
start_node
unset LD_PRELOAD
check "it behaves" [ -n "$(children fb-collector)" ]
collector=$(children fb-collector)
say k
check "a message of no kind ends it" wait_for 20 said 'collector: sends what it must not; killed' 1
say -
check "and another one takes its place" wait_for 20 restarted "$collector"
collector=$(children fb-collector)
say e
check "so does an empty one" wait_for 20 said 'ended by signal 9' 2
say -
answers()
{
	kill -USR2 "$node_pid"
	said 'datagrams recorded' 1
}
check "and the next one works" wait_for 20 answers
stop_node
is "$status" 0 "and it ends in good order"
done_testing
