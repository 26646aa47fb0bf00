#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Side by side with nfdump: nfcapd, or sfcapd, and a node get the same datagrams, those of captures of real devices, replayed on
# loopback; the flows are the same ones, with the same values of all fields that both know. What differs, and why,
# stands in the table of nfdump.py; a difference that it does not have is a failure, and so is one that is gone.
NEED="nfcapd sfcapd nfdump"
. "$(dirname "$0")/exporters.bash"
need_corpus

# collector_is_idle: it has taken everything from its socket, and lost nothing.
collector_is_idle()
{
	awk '$2 ~ /:0808$/ { split($5, queue, ":"); found = queue[2] == "00000000" && $NF == 0 } END { exit !found }' /proc/net/udp
}

# side_by_side COLLECTOR NAME CAPTURE...
side_by_side()
{
	local collector=$1 name=$2 dir=$T/$2 pid

	shift 2
	mkdir -p "$dir/theirs"
	node_begin "$dir" || { fail "$name: the node starts"; return; }
	"$collector" -b 127.0.0.1 -p 2056 -w "$dir/theirs" -t 3600 -B 4000000 >"$dir/theirs.messages" 2>&1 </dev/null &
	pid=$!
	wait_for 20 grep -qs '^Startup' "$dir/theirs.messages" || { fail "$name: $collector starts"; node_end; return; }
	python3 "$HERE/replay.py" -p "$PORT" -p 2056 "$@" >"$dir/sent" || fail "$name: replayed"
	wait_for 20 collector_is_idle || fail "$name: $collector takes everything"
	kill -TERM $pid
	wait $pid
	node_end || fail "$name: the node ends"
	"$FLOWBRAID" cat -q -F json "$dir/log" >"$dir/flows" 2>"$dir/cat.messages"
	TZ=UTC nfdump -R "$dir/theirs" -o json >"$dir/nfdump" 2>"$dir/nfdump.messages"
	run python3 "$HERE/nfdump.py" "$name" "$dir/flows" "$dir/nfdump"
	is "$status" 0 "$name: $(tail -n 1 "$T/out")" || diag "$out$err"
}

for capture in "$CORPUS"/devices/*.pcap; do
	side_by_side nfcapd "$(basename "$capture" .pcap)" "$capture"
done
for folder in "$CORPUS"/cisco/*/; do
	captures=$(find "$folder" -name '*.pcap' | sort)
	# shellcheck disable=SC2086 # names without blanks
	side_by_side nfcapd "$(basename "$folder")" $captures
done
for capture in "$CORPUS"/sflow/*.pcap; do
	side_by_side sfcapd "$(basename "$capture" .pcap)" "$capture"
done
done_testing
