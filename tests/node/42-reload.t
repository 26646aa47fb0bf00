#!/bin/sh
# SPDX-License-Identifier: ISC
# SIGHUP: a bad configuration changes nothing; listeners come, go and stay, and none that stays loses a datagram; a
# thousand times leaves nothing behind.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

A="{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }"
B="{ address = \"127.0.0.2\"; port = $PORT; }"
C="{ address = \"127.0.0.3\"; port = $PORT; }"
configure "$A, $B" 'rotate = "1d";'
# By a relative path: it must be found again.
cd "$T" || exit 1
"$NODE" -d -f conf 2>"$T/messages" </dev/null &
node_pid=$!
wait_for 20 is_started
check "it starts" grep -q ': started: ' "$T/messages"

said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}

listeners()
{
	awk -v port="$(printf '%04X' "$PORT")" '{ split($2, a, ":") } a[2] == port { print a[1] }' /proc/net/udp | sort | paste -sd' '
}

# hangup TEXT: asks, and waits until TEXT has been said once more.
hangup()
{
	count=$(grep -c "$1" "$T/messages" || true)
	kill -HUP "$node_pid"
	wait_for 20 said "$1" $((count + 1))
}

before=$(listeners)
is "$before" "0100007F 0200007F" "two listeners"
echo 'nod = "x";' >>"$T/conf"
check "an unknown key: refused" hangup 'the running configuration stays'
like "$(cat "$T/messages")" "conf:[0-9]+: nod: unknown key" "with file and line"
echo 'listen = (' >"$T/conf"
check "no configuration at all: refused" hangup 'the running configuration stays'
rm "$T/conf"
check "no file: refused" hangup 'the running configuration stays'
configure "$A, $B" 'rotate = "1d";' ''
sed -i "s/node = \"n\"/node = \"m\"/; s,directory = .*/log,directory = \"$T/other," "$T/conf"
check "another node's name: refused" hangup 'the running configuration stays'
like "$(cat "$T/messages")" 'node: cannot change from "n" to "m" without a new start' "it says what cannot change"
like "$(cat "$T/messages")" 'log.directory: cannot change from ' "all of it"
configure "$A, $B, { address = \"192.0.2.77\"; port = $PORT; }" 'rotate = "1d";'
check "a listener that cannot be: refused" hangup 'the running configuration stays'
like "$(cat "$T/messages")" 'listener 192.0.2.77 port .*: cannot bind' "it says why"
is "$(listeners)" "$before" "the listeners are as before"
"$BLAST" -p "$PORT" -s 1001 -n 100 >/dev/null
check "and record" wait_for 20 recorded 100

# Under load at a listener that stays another one goes and a third comes.
"$BLAST" -p "$PORT" -s 1002 -n 60000 -r 20000 >/dev/null &
blast_pid=$!
more_cleanup()
{
	[ -z "$blast_pid" ] || kill "$blast_pid" 2>/dev/null || true
}
configure "$C, $A" 'rotate = "1d";'
check "one goes, one comes" hangup 'configuration read again'
is "$(listeners)" "0100007F 0300007F" "they have"
for i in 1 2 3 4 5; do
	configure "$A, $B, $C" 'rotate = "1d";'
	check "$i: more" hangup 'configuration read again'
	configure "$C, $A" 'rotate = "1d";'
	check "$i: fewer" hangup 'configuration read again'
done
wait "$blast_pid"
blast_pid=
check "the one that stays loses nothing" wait_for 20 recorded 60100 || diag "$(records | grep -c ' datagram ')"
kill -USR2 "$node_pid"
check "statistics are said" wait_for 20 said 'datagrams recorded' 1
like "$(tail -n 3 "$T/messages")" ' 60100 datagrams recorded .* 0 dropped by the kernel' "nothing was dropped"
is "$(records | awk '$2 == "datagram" && $6 == 1002 { print $7 }' | sort | uniq | paste -sd' ')" "0 1" \
	"its records say which listener it was then"

# From a wildcard to an address of it: the new one is open before the old one closes.
configure "{ address = \"0.0.0.0\"; port = $((PORT + 1)); }" 'rotate = "1d";'
check "a wildcard" hangup 'configuration read again'
configure "{ address = \"127.0.0.1\"; port = $((PORT + 1)); }" 'rotate = "1d";'
check "and an address of it" hangup 'configuration read again' || diag "$(tail -n 2 "$T/messages")"
configure "$A, $B" 'rotate = "1d";'
check "back" hangup 'configuration read again'

open_fds()
{
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

resident()
{
	awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}

# A thousand times, each with other listeners.
collector=$(children fb-collector)
cp "$T/conf" "$T/two"
configure "$A, $C, $B" 'rotate = "1d";'
cp "$T/conf" "$T/three"
many()
{
	i=0
	while [ $i -lt "$1" ]; do
		cp "$T/three" "$T/conf"
		hangup 'configuration read again: 3' || return 1
		cp "$T/two" "$T/conf"
		hangup 'configuration read again: 2' || return 1
		i=$((i + 2))
	done
}
check "a hundred reloads" many 100
fds="$(open_fds "$node_pid") $(open_fds "$collector")"
parent_memory=$(resident "$node_pid") collector_memory=$(resident "$collector")
check "nine hundred more" many 900
is "$(open_fds "$node_pid") $(open_fds "$collector")" "$fds" "no descriptor is left open"
diag "resident KiB: parent $parent_memory, then $(resident "$node_pid"); collector $collector_memory, then $(resident "$collector")"
check "the parent's memory has not grown" [ "$(resident "$node_pid")" -le $((parent_memory + 256)) ]
check "nor the collector's" [ "$(resident "$collector")" -le $((collector_memory + 1300)) ] # a block at most
is "$(children fb-collector)" "$collector" "it is the same collector"
like "$(records | grep ' configuration ' | tail -n 1)" '1=cluster = "test"; node = "n"; listen = ' "event records tell the configuration"

# Faster than it can: the last one counts.
i=0
while [ $i -lt 50 ]; do
	kill -HUP "$node_pid"
	i=$((i + 1))
done
configure "$B" 'rotate = "1d";'
kill -HUP "$node_pid"
only_b()
{
	[ "$(listeners)" = 0200007F ]
}
check "many at once: the last one counts" wait_for 20 only_b
stop_node
is "$status" 0 "SIGTERM: exit 0"
run "$BUILDDIR/flowbraid" verify -q "$T/log"
is "$status" 0 "the log is whole" || diag "$out$err"
done_testing
