# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The exporter: softflowd on both of the router's live interfaces, each with NetFlow v9 over all traffic and with v5
# over the IPv4 half. Each has a socket, and so a port, of its own: four exporters to a collector.

EXPORTER_PIDS=()
TRAFFIC_PIDS=()

# exporter_start DIRECTORY: begins to export what crosses the router.
exporter_start()
{
	local dir=$1 interface

	mkdir -p "$dir" /run/softflowd/chroot
	for interface in in0 in1; do
		exporter_softflowd "$dir" "$interface" 9 ip or ip6 &&
		exporter_softflowd "$dir" "$interface" 5 ip || return
	done
}

# exporter_softflowd DIRECTORY INTERFACE VERSION FILTER...: flows are reported a second after they end.
exporter_softflowd()
{
	local dir=$1 interface=$2 version=$3 name=$2-v$3

	shift 3
	lab_begin router softflowd -d -i "$interface" -v "$version" -n "$LAB_GROUP:$LAB_PORT" \
	    -p "$dir/$name.pid" -c "$dir/$name.ctl" -m 65536 -t expint=0 -t maxlife=10 \
	    -t general=1 -t tcp=1 -t tcp.rst=1 -t tcp.fin=1 -t udp=1 -t icmp=1 "$@" >"$dir/$name.messages" 2>&1
	EXPORTER_PIDS+=("$LAB_PID")
	lab_wait_for 10 grep -q '^Exporting' "$dir/$name.messages"
}

# exporter_stop: softflowd reports what it still holds, and ends.
exporter_stop()
{
	[ ${#EXPORTER_PIDS[@]} -gt 0 ] || return 0
	kill -TERM "${EXPORTER_PIDS[@]}" 2>/dev/null
	wait "${EXPORTER_PIDS[@]}" 2>/dev/null
	EXPORTER_PIDS=()
}

# traffic_start RATE SECONDS: that many exchanges a second between client and server.
traffic_start()
{
	local messages

	messages=$(mktemp -p /run)
	lab_begin server python3 "$LAB_DIR/traffic.py" server 203.0.113.2 2001:db8:2::2 >"$messages" 2>&1
	TRAFFIC_PIDS+=("$LAB_PID")
	lab_wait_for 10 grep -q ready "$messages" || { cat "$messages" >&2; return 1; }
	lab_begin client python3 "$LAB_DIR/traffic.py" client "$1" "$2" 203.0.113.2 2001:db8:2::2
	TRAFFIC_PIDS+=("$LAB_PID")
}

traffic_stop()
{
	[ ${#TRAFFIC_PIDS[@]} -gt 0 ] || return 0
	kill -TERM "${TRAFFIC_PIDS[@]}" 2>/dev/null
	wait "${TRAFFIC_PIDS[@]}" 2>/dev/null
	TRAFFIC_PIDS=()
}
