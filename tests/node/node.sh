# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# What the tests of flowbraidd share, on top of tests/lib.sh: a configuration, starting and stopping the daemon,
# and looking at what it recorded (the program tests/node/records says in what form).

NODE="$BUILDDIR/flowbraidd"
BLAST="$BUILDDIR/tests/bench/blast"
# Somewhere nobody listens; each test has another one.
# shellcheck disable=SC2034
PORT=$((20000 + $$ % 10000))
node_pid=

cleanup()
{
	# shellcheck disable=SC2046 # a list of numbers
	[ -z "$node_pid" ] || kill -9 "$node_pid" $(children) 2>/dev/null || true
	! command -v more_cleanup >/dev/null || more_cleanup
}

# configure LISTENERS [LOG-KEYS [TOP-KEYS]]: writes $T/conf, logging to $T/log as node "n".
configure()
{
	cat >"$T/conf" <<-END
		cluster = "test";
		node = "n";
		listen = ( $1 );
		log = { directory = "$T/log"; ${2-} };
		${3-}
	END
}

is_started()
{
	grep -q ': started: ' "$T/messages" 2>/dev/null || ! kill -0 "$node_pid" 2>/dev/null
}

# start_node: in the foreground, messages in $T/messages; false when it did not start.
start_node()
{
	: >"$T/messages" # those of a former start would do for is_started
	"$NODE" -d -f "$T/conf" 2>"$T/messages" </dev/null &
	node_pid=$!
	wait_for 20 is_started
	grep -q ': started: ' "$T/messages"
}

# stop_node: with SIGTERM; its status in $status.
# shellcheck disable=SC2034
stop_node()
{
	kill "$node_pid"
	status=0
	wait "$node_pid" || status=$?
	node_pid=
}

# kill_node: all of its processes by SIGKILL, as a power cut would; the parent stands still meanwhile, and makes no
# new ones.
kill_node()
{
	kill -STOP "$node_pid" 2>/dev/null || true
	# shellcheck disable=SC2046 # a list of numbers
	kill -9 $(children) "$node_pid" 2>/dev/null || true
	wait "$node_pid" 2>/dev/null || true
	node_pid=
}

# The processes of the node besides its parent, or those of a name (fb-collector, fb-reporter).
# shellcheck disable=SC2120 # tests give names
children()
{
	if [ $# -gt 0 ]; then
		pgrep -P "$node_pid" -x "$1" || true
	else
		pgrep -P "$node_pid" || true
	fi
}

# What stands in the log, all segments in their order.
records()
{
	"$BUILDDIR/tests/node/records" "$T"/log/*.fbs*
}

# sealed N: at least so many segments are sealed.
sealed()
{
	[ "$(find "$T/log" -name '*.fbs' | wc -l)" -ge "$1" ]
}

# recorded N: at least so many datagrams have reached the disk.
recorded()
{
	[ "$(records 2>/dev/null | grep -c ' datagram ')" -ge "$1" ]
}
