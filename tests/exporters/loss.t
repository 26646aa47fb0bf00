#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What is missing of real exporters, to the number. A relay between exporter and node drops, doubles and swaps datagrams and
# knows what they held; the node's /gaps and, afterwards, `gaps` of its log and of an archive must say so. First nothing is
# lost, and nothing must be missing; then the exporter is restarted, which is a reset and no loss, and loses.
NEED="softflowd softflowctl pmacctd fprobe curl jq"
. "$(dirname "$0")/exporters.bash"

check "an interface" interface_make || { done_testing; }
mkdir -p /run/softflowd/chroot
RELAY=2056 # where exporters send to
FROM=2057  # what a node takes for the exporter's port
STATUS=9476
NODE_KEYS="status = { address = \"127.0.0.1\"; port = $STATUS; };"
PLAN="d10 d11 d12 c15 s18 d25 c28 s31 d35 d37"
AT_LEAST=50 # datagrams of each life

gaps()
{
	curl -s -m 10 "http://127.0.0.1:$STATUS/gaps"
}

# heard N, at_least N: datagrams that the node tells of.
heard()
{
	[ "$(gaps | jq "[.streams[] | select(.exporterPort == $FROM) | .datagrams] | add // 0")" -eq "$1" ]
}
at_least()
{
	# shellcheck disable=SC2086 # a command and its arguments
	${EXPORTER_NUDGE:-true} >/dev/null
	[ "$(gaps | jq "[.streams[] | select(.exporterPort == $FROM) | .datagrams] | add // 0")" -ge "$1" ]
}

# life NAME FOLDER TRUTH PLAN COMMAND...: the exporter's, from its start to its end, through the relay.
life()
{
	local name=$1 dir=$2 truth=$3 plan=$4 relay trickle

	shift 4
	# shellcheck disable=SC2086 # a list
	python3 "$HERE/relay.py" $RELAY $FROM $PORT $plan >"$truth" &
	relay=$!
	exporter_begin "$dir" "$@" || fail "$name: the exporter starts" || diag "$(tail -n 5 "$dir/exporter")"
	python3 "$HERE/packets.py" t1 --trickle 0.001 &
	trickle=$!
	wait_for 60 at_least $((relayed + AT_LEAST)) || fail "$name: $AT_LEAST datagrams in a minute" || diag "$(gaps)"
	kill "$trickle"
	exporter_end || fail "$name: the exporter ends" || diag "$(tail -n 5 "$dir/exporter")"
	kill "$relay"
	wait "$relay" || fail "$name: the relay understands all datagrams"
	relayed=$((relayed + $(jq .relayed "$truth")))
	wait_for 20 heard $relayed || fail "$name: all that was relayed is heard" || diag "$(gaps)"
}

# told: of the one stream that the node tells of.
told()
{
	gaps | jq -c "[.streams[] | select(.exporterPort == $FROM) | [.version, .discipline, .unit, .missing + .open, .duplicates,
		.reordered, .resets, .strays]]"
}

# accounted NAME VERSION DISCIPLINE UNIT LOST COMMAND...: LOST is what the relay's truth has to add up.
accounted()
{
	local name=$1 version=$2 discipline=$3 unit=$4 lost=$5 dir=$T/${1//[ ,]/-} is missing copies

	shift 5
	mkdir -p "$dir"
	relayed=0
	if ! node_begin "$dir"; then
		fail "$name: the node starts" || diag "$(tail -n 5 "$dir/messages")"
		return
	fi
	is="$version,\"$discipline\",\"$unit\""
	life "$name" "$dir" "$dir/clean" "" "$@"
	copies=$(jq .copies "$dir/clean")
	is "$(told)" "[[$is,0,$copies,0,0,0]]" "$name: nothing is missing when nothing is lost" || diag "$(gaps)"
	life "$name" "$dir" "$dir/lossy" "$PLAN" "$@"
	missing=$(jq "$lost" "$dir/lossy")
	copies=$((copies + $(jq .copies "$dir/lossy")))
	is "$(jq -c '[.lost, .doubled, .swapped]' "$dir/lossy")" "[6,2,2]" \
	    "$name: it was restarted; six are lost, two doubled, two swapped"
	is "$(told)" "[[$is,$missing,$copies,2,1,0]]" "$name: $missing $unit are missing, one restart" || diag "$(gaps)"
	node_end || fail "$name: the node ends" || diag "$(tail -n 5 "$dir/messages")"
	run "$FLOWBRAID" gaps -q --json "$dir/log"
	is "$(jq -c "[.streams[] | [.version, .discipline, .unit, .epoch, .missing, .strays]]" "$T/out")" \
	    "[[$is,0,0,0],[$is,1,$missing,0]]" "$name: and so says gaps, of two lives" || diag "$err"
	cp "$T/out" "$dir/ledger"
	"$FLOWBRAID" merge -q -o "$dir/archive" "$dir/log"
	run "$FLOWBRAID" gaps -q --json "$dir/archive"
	check "$name: and of an archive" cmp -s "$dir/ledger" "$T/out"
}

# softflowd_accounted NAME VERSION...
softflowd_accounted()
{
	local name=$1 version=$2

	shift 2
	EXPORTER_NUDGE="softflowctl -c $T/ctl expire-all"
	accounted "$name" "$version" "$@" softflowd -d -i t0 -v "$version" -n "127.0.0.1:$RELAY" -B 16777216 -p "$T/pid" \
	    -c "$T/ctl" -m 65536
	EXPORTER_NUDGE=
}

# pmacctd_accounted NAME VERSION...
pmacctd_accounted()
{
	local name=$1 version=$2

	shift 2
	printf '%s\n' "daemonize: false" "pcap_interface: t0" "pmacctd_force_frag_handling: false" \
	    "aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags" \
	    "plugin_buffer_size: 10240" "plugin_pipe_size: 10240000" "plugins: nfprobe" "nfprobe_receiver: 127.0.0.1:$RELAY" \
	    "nfprobe_version: $version" \
	    "nfprobe_timeouts: tcp=1:tcp.rst=1:tcp.fin=1:udp=1:icmp=1:general=1:maxlife=60:expint=1" >"$T/pmacctd.conf"
	accounted "$name" "$version" "$@" pmacctd -f "$T/pmacctd.conf"
}

softflowd_accounted "softflowd, v5" 5 before flows .lost_flows
softflowd_accounted "softflowd, v9" 9 datagrams datagrams .lost
# It counts flows alone. The 16th message stands before one that bears an options record, too.
PLAN="d10 d11 d16 c15 s18 d25 c28 s31 d35 d37"
softflowd_accounted "softflowd, IPFIX" 10 after-options records .lost_flows
pmacctd_accounted "pmacctd, IPFIX" 10 before records .lost_flows
# Its uptime goes back to where it was each second; the clock and the sequence tell that it is one life all the same.
for version in 5 7; do
	accounted "fprobe, v$version" $version before flows .lost_flows fprobe -q 20000 -l 2 -i t0 -n $version -s 1 -g 1 -d 1 \
	    -e 2 -B 16384 "127.0.0.1:$RELAY"
done
done_testing
