# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The namespace lab: hosts, a switch, links and their loss, made of network namespaces.
#
# Everything happens in namespaces of the lab's own: lab_enter starts the calling script again inside new mount,
# process and network namespaces (and a user namespace, unless started by root). Names of hosts live in a
# private /run, so they cannot clash with anything; the machine's own network is not reachable from inside, so
# no packet can leave; and when the script ends, is interrupted or is killed with -9, the kernel ends every
# process of the lab and takes the namespaces back. There is no clean-up that could be forgotten.
#
#   client --- router (exporter) --- server        traffic: 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32
#                   |
#                switch (a bridge in a namespace of its own)       export: 192.0.2.0/24, group 239.10.10.1
#               /   |   \
#              a    b    c                         nodes: 192.0.2.11, .12, .13

LAB_GROUP=239.10.10.1
LAB_PORT=2055
LAB_PREFIX=fb$$

# lab_unsupported: prints why the lab cannot be built here; false when it can.
lab_unsupported()
{
	local tool why

	for tool in unshare nsenter setpriv ip nft; do
		if ! command -v "$tool" >/dev/null; then
			echo "no program $tool"
			return 0
		fi
	done
	if ! why=$("${LAB_UNSHARE[@]}" true 2>&1); then
		echo "namespaces are not permitted: ${why:-unshare failed}"
		return 0
	fi
	# The bridge and the dropping of datagrams need the kernel's help.
	if ! why=$("${LAB_UNSHARE[@]}" sh -c '
		ip link add br0 type bridge && ip link add v0 type veth peer name v1 &&
		printf "table netdev t {\nchain c {\ntype filter hook egress device \"v0\" priority 0; policy accept;\nnumgen random mod 100 < 5 drop\n}\n}\n" | nft -f -
		' 2>&1); then
		echo "the kernel lacks something: ${why%%$'\n'*}"
		return 0
	fi
	return 1
}

# In front of a command: runs it in fresh namespaces that end with it, or with the shell that began it.
LAB_UNSHARE=(setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc)
[ "$(id -u)" = 0 ] || LAB_UNSHARE+=(--user --map-root-user)

# lab_enter SCRIPT [ARGUMENT...]: returns inside the lab; outside, runs SCRIPT inside and exits with its status.
# Inside, TMPDIR is a folder that is removed at the end.
lab_enter()
{
	local child status

	if [ "${LAB_INSIDE:-}" = yes ]; then
		mount --make-rprivate /
		mount -t tmpfs -o mode=755 tmpfs /run
		mkdir -p /run/netns
		ip link set lo up
		return 0
	fi
	LAB_TMP=$(mktemp -d "${TMPDIR:-/tmp}/flowbraid-lab.XXXXXX") || exit
	# unshare itself ignores SIGINT and SIGTERM while its child runs: only SIGKILL, which takes the whole
	# process namespace along, ends it surely.
	LAB_INSIDE=yes TMPDIR=$LAB_TMP "${LAB_UNSHARE[@]}" "$BASH" "$@" </dev/null &
	child=$!
	trap 'lab_leave "$child"; exit 130' INT
	trap 'lab_leave "$child"; exit 143' TERM HUP
	trap 'lab_leave "$child"' EXIT
	wait "$child"
	status=$?
	trap - EXIT
	lab_leave "$child"
	exit "$status"
}

lab_leave()
{
	trap '' INT TERM HUP
	{ kill -KILL "$1" && wait "$1"; } 2>/dev/null
	rm -rf "$LAB_TMP"
}

# lab_exec HOST COMMAND...: runs it on a host. With LAB_LOOPBACK there is one host, this machine.
lab_exec()
{
	local host=$1

	shift
	if [ -n "${LAB_LOOPBACK:-}" ]; then
		"$@"
	else
		nsenter --net="/run/netns/$LAB_PREFIX-$host" "$@"
	fi
}

# lab_begin HOST COMMAND...: the same in the background. Sets LAB_PID, the command's own (lab_exec ... & would
# give that of a subshell).
lab_begin()
{
	local host=$1

	shift
	if [ -n "${LAB_LOOPBACK:-}" ]; then
		setpriv --pdeathsig KILL "$@" &
	else
		nsenter --net="/run/netns/$LAB_PREFIX-$host" "$@" &
	fi
	LAB_PID=$!
}

lab_host()
{
	ip netns add "$LAB_PREFIX-$1" &&
	lab_exec "$1" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 &&
	lab_exec "$1" ip link set lo up
}

# lab_wire HOST INTERFACE HOST INTERFACE: a cable.
lab_wire()
{
	ip link add "$2" netns "$LAB_PREFIX-$1" type veth peer name "$4" netns "$LAB_PREFIX-$3" &&
	lab_exec "$1" ip link set "$2" up &&
	lab_exec "$3" ip link set "$4" up
}

# lab_address HOST INTERFACE ADDRESS/LENGTH...
lab_address()
{
	local host=$1 interface=$2 address

	shift 2
	for address; do
		case $address in
		*:*) lab_exec "$host" ip address add "$address" dev "$interface" nodad || return ;;
		*) lab_exec "$host" ip address add "$address" dev "$interface" || return ;;
		esac
	done
}

# lab_switch: a bridge that floods multicast (snooping would need a querier), counts what the exporter sends, and
# lets through all of it until lab_loss says otherwise.
lab_switch()
{
	lab_host switch &&
	lab_exec switch ip link add br0 type bridge mcast_snooping 0 &&
	lab_exec switch ip link set br0 up
}

# lab_plug HOST ADDRESS/LENGTH: the host's eth0 into the switch.
lab_plug()
{
	lab_host "$1" &&
	lab_wire "$1" eth0 switch "port-$1" &&
	lab_exec switch ip link set "port-$1" master br0 &&
	lab_address "$1" eth0 "$2"
}

# lab_network NODE...: the whole picture above.
lab_network()
{
	local node n=11

	lab_switch &&
	lab_plug router 192.0.2.1/24 &&
	lab_host client && lab_host server &&
	lab_wire client eth0 router in0 && lab_wire server eth0 router in1 &&
	lab_address client eth0 198.51.100.2/24 2001:db8:1::2/64 &&
	lab_address router in0 198.51.100.1/24 2001:db8:1::1/64 &&
	lab_address router in1 203.0.113.1/24 2001:db8:2::1/64 &&
	lab_address server eth0 203.0.113.2/24 2001:db8:2::2/64 &&
	lab_exec client ip route add default via 198.51.100.1 &&
	lab_exec client ip -6 route add default via 2001:db8:1::1 &&
	lab_exec server ip route add default via 203.0.113.1 &&
	lab_exec server ip -6 route add default via 2001:db8:2::1 &&
	lab_exec router sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 &&
	lab_exec router ip route add 239.0.0.0/8 dev eth0 || return
	for node; do
		lab_plug "$node" "192.0.2.$n/24" || return
		n=$((n + 1))
	done
	lab_loss 0 "$@"
}

# lab_loss PERCENT NODE...: from now on each node's link loses that share of the export at random, on the switch's
# side of it, each link by itself. The counters begin at 0.
lab_loss()
{
	local percent=$1 node

	shift
	lab_exec switch nft destroy table netdev lab 2>/dev/null || lab_exec switch nft delete table netdev lab 2>/dev/null
	{
		echo "table netdev lab {"
		echo "	counter sent { }"
		for node; do
			echo "	counter lost-$node { }"
		done
		echo "	chain from-router {"
		echo "		type filter hook ingress device \"port-router\" priority 0; policy accept;"
		echo "		udp dport $LAB_PORT counter name \"sent\""
		echo "	}"
		for node; do
			echo "	chain to-$node {"
			echo "		type filter hook egress device \"port-$node\" priority 0; policy accept;"
			echo "		udp dport $LAB_PORT numgen random mod 100 < $percent counter name \"lost-$node\" drop"
			echo "	}"
		done
		echo "}"
	} | lab_exec switch nft -f -
}

# lab_counter NAME: datagrams since lab_loss; sent, lost-NODE.
lab_counter()
{
	local words

	words=$(lab_exec switch nft list counter netdev lab "$1") || return
	words=${words#*packets }
	echo "${words%% *}"
}

# lab_wait_for SECONDS COMMAND...: until it succeeds; false when it does not in that time.
lab_wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# lab_sent COUNT: has the exporter sent that many since lab_loss?
lab_sent()
{
	local sent

	sent=$(lab_counter sent) && [ "$sent" -ge "$1" ]
}

# lab_capture HOST FILE: a capture of the export at the host's eth0, begun when this returns. Sets LAB_PID.
lab_capture()
{
	lab_begin "$1" tcpdump -i eth0 -n -p -U --immediate-mode -B 16384 -Z root -w "$2" "udp dst port $LAB_PORT" 2>"$2.messages"
	lab_wait_for 10 grep -q '^tcpdump: listening\|^listening' "$2.messages"
}

# lab_capture_end PID FILE: ends it when everything that came is in the file; false when something is not.
lab_capture_end()
{
	lab_wait_for 10 lab_capture_is_whole "$1" "$2" || return
	kill -INT "$1"
	wait "$1"
	grep -q '^0 packets dropped by kernel' "$2.messages"
}

# tcpdump, interrupted, leaves what it has not yet read; on SIGUSR1 it says how far it is.
lab_capture_is_whole()
{
	kill -USR1 "$1" &&
	sed -n 's/^.*: \([0-9]*\) packets captured, \([0-9]*\) packets received.*/\1 \2/p' "$2.messages" | tail -n 1 | {
		read -r captured received && [ "$captured" = "$received" ]
	}
}
