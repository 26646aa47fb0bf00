#!/bin/sh
# SPDX-License-Identifier: ISC
# Children that die: the collector is started again, what comes meanwhile waits in its sockets; the reporter is; without
# a parent the collector seals and ends; a successor waits for that.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

STATUS_PORT=$((PORT + 10001))
configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }" 'rotate = "1d"; sync = "50ms"; flush = "10ms"' \
	"status = { address = \"127.0.0.1\"; port = $STATUS_PORT; };"

status_page()
{
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Timeout => 5) or exit 1;
		print $s "GET $ARGV[1] HTTP/1.0\r\n\r\n"; print while <$s>;' "$STATUS_PORT" "$1"
}

is_well()
{
	status_page /healthz | grep -q '^ok'
}

new_child()
{
	[ -n "$(children "$1")" ] && [ "$(children "$1")" != "$2" ]
}

# Whoever was killed is there again, and works.
again()
{
	wait_for 20 new_child "$1" "$2" && wait_for 20 is_well
}

check "it starts" start_node || diag "$(cat "$T/messages")"
check "the reporter says that all is well" wait_for 20 is_well

# What has been received when a collector dies, and not written, is lost on this node; everything that comes after that
# waits for its successor.
"$BLAST" -p "$PORT" -n 1000 >/dev/null
check "datagrams are recorded" wait_for 20 recorded 1000
for life in 1 2 3; do
	old=$(children fb-collector)
	kill -STOP "$old" # so that it holds nothing when it dies
	"$BLAST" -p "$PORT" -n 1000 >/dev/null
	kill -9 "$old"
	check "collector $life, killed: there is another one" again fb-collector "$old" || diag "$(tail -n 3 "$T/messages")"
	check "collector $life: what came meanwhile is recorded" wait_for 20 recorded $((1000 + life * 1000))
done
like "$(cat "$T/messages")" 'collector: ended by signal 9 \(Killed\) after [0-9]+ s; restart 3' "it is said, and counted"
like "$(status_page /metrics)" '^flowbraid_collector_restarts_total\{lane="0"\} 3$' "the reporter counts it, too"

old=$(children fb-reporter)
kill -9 "$old"
check "the reporter, killed: there is another one" again fb-reporter "$old"
like "$(cat "$T/messages")" 'reporter: ended by signal 9' "it is said"

old=$(children fb-collector)
kill -SEGV "$old"
check "after a crash, too" again fb-collector "$old"
kill -TERM "$(children fb-collector)" "$(children fb-reporter)"
"$BLAST" -p "$PORT" -n 1000 >/dev/null
check "SIGTERM is for the parent alone" wait_for 20 recorded 5000
is "$(grep -c 'ended by signal 11' "$T/messages")" 1 "one crash was said"

# The parent killed under load: what the collector has is sealed, and a successor, begun at once, waits for that.
"$BLAST" -p "$PORT" -n 100000 -r 20000 >/dev/null &
blast_pid=$!
more_cleanup()
{
	[ -z "$blast_pid" ] || kill "$blast_pid" 2>/dev/null || true
}
check "datagrams are coming" wait_for 20 recorded 6000
orphan=$(children fb-collector)
kill -9 "$node_pid"
wait "$node_pid" 2>/dev/null || true
check "a successor starts" start_node || diag "$(cat "$T/messages")"
orphan_is_gone()
{
	[ ! -e "/proc/$orphan" ]
}
check "when the orphan has ended" wait_for 20 orphan_is_gone
is "$(grep -c 'had been left open' "$T/messages")" 0 "which had sealed what it had"
kill "$blast_pid"
wait "$blast_pid" 2>/dev/null || true
blast_pid=

# A reporter that is slow to leave still has the status address.
orphan=$(children fb-collector)
slow=$(children fb-reporter)
kill -STOP "$slow"
kill -9 "$node_pid"
wait "$node_pid" 2>/dev/null || true
wait_for 20 orphan_is_gone
: >"$T/messages"
"$NODE" -d -f "$T/conf" 2>"$T/messages" </dev/null &
node_pid=$!
has_listener()
{
	awk -v port="$(printf '%04X' "$PORT")" '{ split($2, a, ":") } a[2] == port { found = 1 } END { exit !found }' /proc/net/udp
}
check "a successor opens its listeners" wait_for 20 has_listener
kill -CONT "$slow"
wait_for 20 is_started
like "$(cat "$T/messages")" ': started: ' "and waits for the status address"
stop_node
is "$status" 0 "SIGTERM: exit 0"

run "$BUILDDIR/flowbraid" verify "$T/log"
is "$status" 0 "the log is whole" || diag "$out$err"
done_testing
