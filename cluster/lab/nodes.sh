# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Nodes: a flowbraidd each, on the host of the same name. Messages go to DIRECTORY/NODE.messages, the log to
# DIRECTORY/NODE, the configuration to DIRECTORY/NODE.conf.

declare -A NODE_PID=()

# node_start DIRECTORY NODE: returns when it listens. LAB_STATUS is the port on which it tells of itself; by default it does not.
node_start()
{
	local dir=$1 node=$2 interface=eth0

	[ -z "${LAB_LOOPBACK:-}" ] || interface=lo
	mkdir -p "$dir/$node"
	cat >"$dir/$node.conf" <<-END
	cluster = "demo";
	node = "$node";
	listen = ( { address = "$LAB_GROUP"; port = $LAB_PORT; interface = "$interface"; } );
	log = { directory = "$dir/$node"; rotate = "10s"; };
	END
	if [ -n "${LAB_STATUS:-}" ]; then
		echo "status = { address = \"$(node_address "$node")\"; port = $LAB_STATUS; public = true; };" >>"$dir/$node.conf"
	fi
	lab_begin "$node" "$BUILDDIR/flowbraidd" -d -f "$dir/$node.conf" 2>>"$dir/$node.messages"
	NODE_PID[$node]=$LAB_PID
	if ! lab_wait_for 10 node_listens "$node"; then
		echo "node $node does not listen; it said:" >&2
		tail -n 5 "$dir/$node.messages" >&2
		return 1
	fi
}

# node_address NODE: of its eth0.
node_address()
{
	lab_exec "$1" ip -4 -o address show dev eth0 | sed 's/.* inet \([0-9.]*\).*/\1/'
}

# node_listens NODE: the kernel's tables say whether it has bound the port and joined the group. On loopback, where
# nodes share them, each that runs must have.
node_listens()
{
	local pid=${NODE_PID[$1]} expected=1 port joined sockets

	[ -z "${LAB_LOOPBACK:-}" ] || expected=${#NODE_PID[@]}
	port=$(printf '%04X' "$LAB_PORT")
	# shellcheck disable=SC2046
	joined=$(printf '%02X' $(tr . '\n' <<<"$LAB_GROUP" | tac))
	sockets=$(grep -c "^ *[0-9]*: [0-9A-F]*:$port " "/proc/$pid/net/udp" 2>/dev/null)
	joined=$(awk -v group="$joined" '$1 == group { print $2 }' "/proc/$pid/net/igmp" 2>/dev/null)
	[ "${sockets:-0}" -ge "$expected" ] && [ "${joined:-0}" -ge "$expected" ]
}

# node_kill NODE: all of its processes by -9, as a crash of the host would; the parent stands still meanwhile, and makes
# no new ones. Returns when none is left that could still write.
node_kill()
{
	local parent=${NODE_PID[$1]} children

	kill -STOP "$parent"
	children=$(pgrep -P "$parent")
	# shellcheck disable=SC2086 # a list of numbers
	kill -KILL $children "$parent"
	wait "$parent" 2>/dev/null
	# shellcheck disable=SC2086
	lab_wait_for 10 node_ended $children
	unset "NODE_PID[$1]"
}

# node_ended PID...: no process of these runs.
node_ended()
{
	local pid

	for pid; do
		! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" || return 1
	done
}

# node_stop NODE: in good order; false unless it ends with 0.
node_stop()
{
	local status=0

	kill -TERM "${NODE_PID[$1]}"
	wait "${NODE_PID[$1]}" || status=$?
	unset "NODE_PID[$1]"
	return "$status"
}
