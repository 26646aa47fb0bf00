# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# For tests with real exporters: a private network namespace in which one interface carries traffic of which every
# packet is known, an exporter watches it, and a node listens on loopback. Include it first; it takes the test into
# the namespace, or skips it with a reason. NEED names the programs that the test cannot do without.

: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${BUILDDIR:=$SRCDIR/build}"
export SRCDIR BUILDDIR
LAB_DIR=$SRCDIR/cluster/lab
. "$LAB_DIR/lab.sh"
HERE=$SRCDIR/tests/exporters

if [ "${LAB_INSIDE:-}" != yes ]; then
	for need in unshare setpriv ip python3 ${NEED:-}; do
		command -v "$need" >/dev/null || { echo "1..0 # SKIP $need is not installed"; exit 0; }
	done
	why=$("${LAB_UNSHARE[@]}" ip link add t0 type veth peer name t1 2>&1) ||
		{ echo "1..0 # SKIP namespaces are not permitted: ${why%%$'\n'*}"; exit 0; }
fi
lab_enter "$0" "$@"
. "$SRCDIR/tests/lib.sh"
FLOWBRAID=$BUILDDIR/flowbraid
PORT=2055
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
NODE_PID=
EXPORTER_PID=

# Nothing but our own packets on it: no IPv6, so no neighbour discovery; and no address that the kernel would answer for.
interface_make()
{
	sysctl -q -w net.ipv6.conf.default.disable_ipv6=1 &&
	ip link add t0 type veth peer name t1 &&
	ip link set t1 up && ip link set t0 up &&
	wait_for 10 interface_is_up
}

interface_is_up()
{
	ip -o link show t0 | grep -q ' state UP '
}

# node_begin FOLDER: logs to FOLDER/log; returns when it listens. $NODE_KEYS, if set, go into its configuration.
node_begin()
{
	mkdir -p "$1/log"
	cat >"$1/conf" <<-END
		cluster = "test";
		node = "n";
		listen = ( { address = "127.0.0.1"; port = $PORT; } );
		log = { directory = "$1/log"; rotate = "1d"; };
		${NODE_KEYS:-}
	END
	"$BUILDDIR/flowbraidd" -d -f "$1/conf" 2>"$1/messages" </dev/null &
	NODE_PID=$!
	wait_for 20 node_is_started "$1" && grep -q ': started: ' "$1/messages"
}

node_is_started()
{
	grep -qs ': started: ' "$1/messages" || ! kill -0 "$NODE_PID" 2>/dev/null
}

# node_end: what came is in a sealed log when this returns; false unless the node ends with 0.
node_end()
{
	local pid=$NODE_PID

	NODE_PID=
	kill -TERM "$pid" && wait "$pid"
}

# node_crash: all of its processes by -9; the parent stands still meanwhile, and makes no new ones.
node_crash()
{
	kill -STOP "$NODE_PID"
	# shellcheck disable=SC2046 # a list of numbers
	{ kill -KILL $(pgrep -P "$NODE_PID") "$NODE_PID" && wait "$NODE_PID"; } 2>/dev/null
	NODE_PID=
}

# exporter_begin FOLDER COMMAND...: in the background; returns when it captures at t0. As a child or not: a daemon
# is known by its capturing socket.
exporter_begin()
{
	local dir=$1

	shift
	"$@" >"$dir/exporter" 2>&1 </dev/null &
	EXPORTER_PID=$!
	wait_for 20 exporter_captures
}

exporter_captures()
{
	local index

	index=$(ip -o link show t0) && index=${index%%:*} &&
	awk -v index_="$index" '$5 == index_ && $6 == 1 { found = 1 } END { exit !found }' /proc/net/packet
}

exporter_is_gone()
{
	! exporter_captures && ! kill -0 "$1" 2>/dev/null
}

# exporter_end: however it ends.
exporter_end()
{
	local pid=$EXPORTER_PID

	EXPORTER_PID=
	kill -TERM "$pid" && wait_for 60 exporter_is_gone "$pid" || return
	wait "$pid" 2>/dev/null
	true
}

# exporter_has_sent FOLDER COMPARE-OPTIONS: as many packets as the traffic had stand in the flows that the node
# has. An exporter that is ended may leave unread what its capture still holds; so does
# one that no packets reach. $EXPORTER_NUDGE, if set, is a command that makes it send what it has.
exporter_has_sent()
{
	# shellcheck disable=SC2086 # a command and its arguments
	${EXPORTER_NUDGE:-true} >/dev/null
	"$FLOWBRAID" cat -q -F json "$1/log" >"$1/flows" 2>/dev/null &&
	python3 "$HERE/compare.py" --packets "$1/sent" "$1/flows"
}

# exported NAME COMPARE-OPTIONS COMMAND...: the exporter watches the traffic of packets.py, a node hears it; what
# `flowbraid cat` shows equals what was sent. The test points begin with NAME. Leaves the log in $T/NAME/log.
exported()
{
	local name=$1 compare=$2 dir=$T/${1//[ ,]/-} trickle

	shift 2
	mkdir -p "$dir"
	if ! node_begin "$dir"; then
		fail "$name: the node starts" || diag "$(tail -n 5 "$dir/messages")"
		return
	fi
	if ! exporter_begin "$dir" "$@"; then
		fail "$name: the exporter starts" || diag "$(tail -n 5 "$dir/exporter")"
		node_end
		return
	fi
	# shellcheck disable=SC2086 # options
	python3 "$HERE/packets.py" t1 ${PACKETS:-} >"$dir/sent" || fail "$name: packets are sent"
	python3 "$HERE/packets.py" t1 --trickle &
	trickle=$!
	wait_for 60 exporter_has_sent "$dir" || diag "$name: packets are missing after a minute"
	kill "$trickle"
	exporter_end || fail "$name: the exporter ends" || diag "$(tail -n 5 "$dir/exporter")"
	node_end || fail "$name: the node ends" || diag "$(tail -n 5 "$dir/messages")"
	run "$FLOWBRAID" cat -F json "$dir/log"
	cp "$T/out" "$dir/flows"
	is "$status$err" 0 "$name: cat decodes everything" || diag "$(tail -n 3 "$dir/messages")"
	# shellcheck disable=SC2086 # options
	run python3 "$HERE/compare.py" $compare "$dir/sent" "$dir/flows"
	is "$status" 0 "$name: packets and octets of each 5-tuple are those that were sent" || diag "$out$err"
	[ "$status" -ne 0 ] || diag "$name: $out"
}
