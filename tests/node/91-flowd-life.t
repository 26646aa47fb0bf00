#!/bin/sh
# SPDX-License-Identifier: ISC
# Events in a node's life that flowd did not survive, or after which something was lost. What came over the network is in
# 90-flowd-input.t, output to a full device in tests/cmd/full-device.t; each event has a longer test besides, named here.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

need_commands jq python3
fb=$BUILDDIR/flowbraid
hostile=$SRCDIR/tests/hostile.py
other_pid=
more_cleanup()
{
	# shellcheck disable=SC2046 # a list of numbers
	[ -z "$other_pid" ] || kill -9 "$other_pid" $(pgrep -P "$other_pid") 2>/dev/null || true
	umount -l "$T/log" 2>/dev/null || true
}

said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "${2-1}" ]
}

# sequences PORT: of the datagrams on disk from that port; 5th word of v5's header.
sequences()
{
	records 2>/dev/null | awk -v p="$1" '$2 == "datagram" && $6 == p { print substr($10, 33, 8) }'
}

A="{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }"

# Longer: 50-full-disk.t, 52-faults.t, 53-disk-cycles.t.
mkdir "$T/log"
if mount -t tmpfs -o size=8m none "$T/log" 2>/dev/null; then
	configure "$A" 'rotate = "1d"; memory = "8M";'
	check "a full disk: it starts" start_node || diag "$(cat "$T/messages")"
	collector=$(children fb-collector)
	head -c 16M /dev/zero >"$T/log/filler" 2>/dev/null
	"$BLAST" -p "$PORT" -s $((PORT + 1)) -n 1000 -r 10000 >/dev/null
	check "a full disk: it is said" wait_for 20 said 'cannot write: No space left on device; up to 8 MiB wait in memory'
	check "a full disk: flowd exited; here it lives" kill -0 "$node_pid"
	is "$(children fb-collector)" "$collector" "a full disk: its collector, too"
	rm "$T/log/filler"
	check "a full disk: with room again, all is recorded" wait_for 20 recorded 1000
	stop_node
	is "$status" 0 "a full disk: SIGTERM: exit 0"
	umount "$T/log"
else
	skip "a full disk: flowd exited" "mounting is not permitted here"
fi

# Longer: 42-reload.t.
hangup()
{
	count=$(grep -c "$1" "$T/messages" || true)
	kill -HUP "$node_pid"
	wait_for 20 said "$1" $((count + 1))
}
group=239.255.77
G1="{ address = \"$group.1\"; port = $((PORT + 1)); interface = \"lo\"; }"
G2="{ address = \"$group.2\"; port = $((PORT + 1)); interface = \"lo\"; }"
rm -rf "$T/log"
configure "$A, $G1" 'rotate = "1d";'
# In the background it leaves its folder, which was flowd's undoing.
cd "$T" || exit 99
configure "$A" 'rotate = "1d";' "pidfile = \"$T/pid\";"
run "$NODE" -f conf
is "$status" 0 "with a relative -f, in the background: it starts" || diag "$err"
node_pid=$(cat pid)
listens()
{
	awk -v p="$(printf ':%04X' "$1")" 'index($2, p) { n++ } END { exit !n }' /proc/net/udp
}
configure "$A, $G1" 'rotate = "1d";' "pidfile = \"$T/pid\";"
kill -HUP "$node_pid"
check "SIGHUP with a relative -f: flowd exited; here it is read" wait_for 20 listens $((PORT + 1))
kill "$node_pid"
check "and it ends as it is told" wait_for 20 test ! -e pid
node_pid=
rm -rf log
configure "$A, $G1" 'rotate = "1d";'
check "in the foreground: it starts" start_node || diag "$(cat messages)"
total=0
# hears WHAT OPTIONS...: 50 datagrams with these options of blast are recorded.
hears()
{
	what=$1
	shift
	"$BLAST" -n 50 -r 20000 "$@" >/dev/null
	total=$((total + 50))
	check "$what" wait_for 20 recorded $total
}
echo 'listen = [' >>conf
check "SIGHUP with a typing error: flowd exited; here nothing changes" hangup 'the running configuration stays'
like "$(cat messages)" 'conf:[0-9]+: ' "it is said where"
hears "and it goes on" -p "$PORT"
configure "$A, $G2, { address = \"192.0.2.77\"; port = $PORT; }" 'rotate = "1d";'
check "SIGHUP with a listener that cannot be: flowd had closed the others by then" hangup 'the running configuration stays'
hears "here they are as before" -p "$PORT"
hears "groups too" -p $((PORT + 1)) -a $group.1 -i lo

# Datagrams come all the time at one that stays, while a group is changed by one SIGHUP.
"$BLAST" -p "$PORT" -s $((PORT + 2)) -n 20000 -r 20000 >/dev/null &
other_pid=$!
configure "$G2, $A" 'rotate = "1d";'
check "SIGHUP with another group" hangup 'configuration read again'
"$BLAST" -p $((PORT + 1)) -a $group.2 -i lo -s $((PORT + 3)) -n 50 >/dev/null
total=$((total + 50))
has_come() # from the port, whatever comes from others
{
	[ "$(sequences "$1" | wc -l)" -ge "$2" ]
}
check "flowd needed two of them, here one is enough" wait_for 20 has_come $((PORT + 3)) 50
"$BLAST" -p $((PORT + 1)) -a $group.1 -i lo -s $((PORT + 4)) -n 50 >/dev/null
wait "$other_pid"
other_pid=
total=$((total + 20000))
check "the other listener, which flowd had closed meanwhile, has lost nothing" wait_for 30 recorded $total
"$BLAST" -p "$PORT" -n 1 >/dev/null
total=$((total + 1))
check "a last one" wait_for 20 recorded $total
is "$(sequences $((PORT + 4)) | wc -l)" 0 "the former group is not heard any more"
is "$(sequences $((PORT + 3)) | wc -l)" 50 "the new one once"

# Longer: 40-kill.t.
kill_node
last=$(find "$T/log" -name '*.open')
size=$(stat -c %s "$last")
sequences $((PORT + 2)) >"$T/before"
truncate -s $((size - 700)) "$last"
check "a torn tail" test -n "$(records | awk '$2 == "torn"')"
whole=$(records | grep -c ' datagram ')
check "a torn tail: it starts" start_node || diag "$(cat "$T/messages")"
"$BLAST" -p "$PORT" -s $((PORT + 5)) -n 500 -r 20000 >/dev/null
check "a torn tail: what comes then is recorded" wait_for 20 recorded $((whole + 500))
run "$fb" cat -c "$T/log"
is "$out" $(((whole + 500) * 30)) "a torn tail: flowd's reader read nothing behind the tear; here all is read"
like "$(cat "$T/messages")" 'torn tail of [0-9]+ bytes cut off at offset' "a torn tail: it is said"
stop_node
run "$fb" verify -q "$T/log"
is "$status" 0 "a torn tail: the log is whole again" || diag "$out$err"

# Longer: tests/cmd/verify.t.
cp -r "$T/log" "$T/bad"
python3 - "$T"/bad/*-*1-*.fbs <<'EOF2'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
at = data.index(bytes.fromhex('0005001e'), len(data) // 2)  # a v5 header
data[at + 100] ^= 1
open(sys.argv[1], 'wb').write(data)
EOF2
run "$fb" cat -c "$T/bad"
is "$out" $(((whole + 499) * 30)) "one bad CRC: flowd's reader stopped there; here all others are read"
is "$status" 1 "one bad CRC: it does not look like a normal end"
like "$err" 'offset [0-9]+: record body: expected crc 0x[0-9a-f]+, found crc 0x' "one bad CRC: it is said where"
head -c $(($(stat -c %s "$T"/log/*-*1-*.fbs) / 2)) "$T"/log/*-*1-*.fbs >"$T/half.fbs"
run "$fb" cat -c "$T/half.fbs"
is "$status" 1 "a file that was cut: flowd's reader took it for a normal end; here it is a finding"
like "$err" 'half.fbs: offset [0-9]+: ' "a file that was cut: it is said where"

# Longer: 60-templates.t.
rm -rf "$T/log"
configure "$A" 'rotate = "1d";'
check "templates: it starts" start_node
"$hostile" crowd "$PORT" $((PORT + 2)) templates
check "templates: they are recorded" wait_for 20 recorded 406
for how in stop kill; do
	if [ $how = stop ]; then stop_node; else kill_node; fi
	check "templates, $how: it starts again" start_node
	before=$(records 2>/dev/null | grep -c ' datagram ')
	"$hostile" crowd "$PORT" $((PORT + 2)) data
	check "templates, $how: data are recorded" wait_for 20 recorded $((before + 406))
	run "$fb" cat -c "$(find "$T/log" -name '*.open')"
	is "$out" 406 "templates, $how: flowd dropped data until templates came again; here they are known" || diag "$err"
done
stop_node

# Longer: 33-groups.t, 35-interfaces.t.
join_group()
{
	python3 - "$1" "$2" <<'EOF2' &
import signal, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', int(sys.argv[2])))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(sys.argv[1]) + socket.inet_aton('127.0.0.1'))
signal.pause()
EOF2
	other_pid=$!
}
is_member()
{
	grep -q "$(printf '%s' "$1" | awk -F. '{ printf "%02X%02X%02X%02X", $4, $3, $2, $1 }')" /proc/net/igmp
}
rm -rf "$T/log"
configure "{ address = \"0.0.0.0\"; port = $PORT; }" 'rotate = "1d";'
check "a wildcard address: it starts" start_node
join_group $group.9 $((PORT + 1))
check "a wildcard address: another program joins a group" wait_for 20 is_member $group.9
"$BLAST" -p "$PORT" -s $((PORT + 2)) -a $group.9 -i lo -n 50 >/dev/null
"$BLAST" -p "$PORT" -s $((PORT + 3)) -n 50 >/dev/null
check "a wildcard address: its own datagrams are recorded" wait_for 20 recorded 50
stop_node
is "$(sequences $((PORT + 3)) | wc -l) $(sequences $((PORT + 2)) | wc -l)" "50 0" \
	"a wildcard address: flowd heard groups that others joined; here they are not heard"
kill "$other_pid"
wait "$other_pid" 2>/dev/null || true
other_pid=

# A second node on this host: another folder, another name.
second()
{
	sed "s,$T/log,$T/log2,; s/node = \"n\"/node = \"m\"/" "$T/conf" >"$T/conf2"
}
second_started()
{
	grep -q ': started: ' "$T/messages2"
}
second_recorded()
{
	[ "$("$BUILDDIR/tests/node/records" "$T"/log2/*.fbs* 2>/dev/null | grep -c ' datagram ')" -ge "$1" ]
}
rm -rf "$T/log"
configure "$G1" 'rotate = "1d";'
second
check "two nodes, one group: the first starts" start_node
"$NODE" -d -f "$T/conf2" 2>"$T/messages2" </dev/null &
other_pid=$!
check "two nodes, one group: flowd could not bind; here the second starts" wait_for 20 second_started || diag "$(cat "$T/messages2")"
"$BLAST" -p $((PORT + 1)) -a $group.1 -i lo -n 500 -r 20000 >/dev/null
check "two nodes, one group: the first hears everything" wait_for 20 recorded 500
check "two nodes, one group: the second, too" wait_for 20 second_recorded 500
kill "$other_pid"
wait "$other_pid"
other_pid=
stop_node
rm -rf "$T/log" "$T/log2"
configure "$A" 'rotate = "1d";'
second
check "two nodes, one address: the first starts" start_node
run timeout 20 "$NODE" -d -f "$T/conf2"
is "$status" 2 "two nodes, one address: the second does not, for it would take everything"
like "$err" 'cannot bind: Address already in use' "two nodes, one address: it is said"
stop_node
is "$status" 0 "SIGTERM: exit 0"
done_testing
