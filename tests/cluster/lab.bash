# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# For tests that need logs of nodes that have listened to a real exporter: the lab of cluster/demo as a test's
# surroundings. Include it first; it takes the test into the lab, or skips it with a reason.

: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${BUILDDIR:=$SRCDIR/build}"
export SRCDIR BUILDDIR
LAB_DIR=$SRCDIR/cluster/lab
. "$LAB_DIR/lab.sh"
. "$LAB_DIR/nodes.sh"
. "$LAB_DIR/exporter.sh"

if [ "${LAB_INSIDE:-}" != yes ]; then
	for need in softflowd tcpdump python3; do
		command -v $need >/dev/null || { echo "1..0 # SKIP $need is not installed"; exit 0; }
	done
	# tcpdump changes its groups, which a user namespace made by somebody else than root forbids.
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP capturing needs root"; exit 0; }
	! why=$(lab_unsupported) || { echo "1..0 # SKIP $why"; exit 0; }
fi
lab_enter "$0" "$@"
. "$SRCDIR/tests/lib.sh"
FLOWBRAID=$BUILDDIR/flowbraid
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

# collect FOLDER PERCENT COUNT [NODE]: nodes a, b and c log COUNT datagrams or a few more to FOLDER/{a,b,c}, links
# losing PERCENT of them, NODE being killed and started again in mid-traffic. Captures of what was sent and of what
# reached each node stand beside, as router.pcap and NODE.pcap; OUTAGE is when NODE may have been down.
collect()
{
	local dir=$1 percent=$2 count=$3 kill=${4:-} host begin
	local -A capture=()

	mkdir -p "$dir"
	lab_network a b c && lab_loss "$percent" a b c || return
	for host in router a b c; do
		lab_capture "$host" "$dir/$host.pcap" || return
		capture[$host]=$LAB_PID
	done
	for host in a b c; do
		node_start "$dir" "$host" || return
	done
	exporter_start "$dir/exporter" && traffic_start 700 90 || return
	if [ -n "$kill" ]; then
		lab_wait_for 60 lab_sent $((count / 3)) || return
		# What a node has heard it writes within 100 ms; a second on a busy machine.
		begin=$(($(date +%s) - 1))
		node_kill "$kill"
		lab_wait_for 60 lab_sent $((count / 2)) || return
		node_start "$dir" "$kill" || return
		OUTAGE=$begin-$(date +%s.%N)
		export OUTAGE
	fi
	lab_wait_for 60 lab_sent "$count" || return
	traffic_stop
	exporter_stop
	for host in router a b c; do
		lab_capture_end "${capture[$host]}" "$dir/$host.pcap" || { diag "the capture at $host is not whole"; return 1; }
	done
	for host in a b c; do
		node_stop "$host" || { diag "node $host: $(tail -n 3 "$dir/$host.messages")"; return 1; }
	done
}

# digests ARCHIVE: names and SHA-256 of its files.
digests()
{
	(cd "$1" && find . -type f -exec sha256sum {} + | sort -k 2)
}

# value FILE KEY...: what stands there in a JSON document.
value()
{
	python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    v = v[int(key) if isinstance(v, list) else key]
print(json.dumps(v, sort_keys=True) if isinstance(v, (dict, list)) else v)' "$@"
}
