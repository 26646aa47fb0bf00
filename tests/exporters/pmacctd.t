#!/bin/bash
# SPDX-License-Identifier: ISC
#
# pmacctd, its plugin nfprobe with NetFlow v5, v9 and IPFIX and its plugin sfprobe with sFlow: the flows are the traffic.
NEED="pmacctd jq"
. "$(dirname "$0")/exporters.bash"

check "an interface" interface_make || { done_testing; }

# pmacctd_exported NAME COMPARE-OPTIONS KEY...: as configured by the keys.
pmacctd_exported()
{
	local name=$1 compare=$2

	shift 2
	printf '%s\n' "daemonize: false" "pcap_interface: t0" "pmacctd_force_frag_handling: false" \
	    "aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags" \
	    "plugin_buffer_size: 10240" "plugin_pipe_size: 10240000" "$@" >"$T/pmacctd.conf"
	exported "$name" "$compare" pmacctd -f "$T/pmacctd.conf"
}

timeouts="nfprobe_timeouts: tcp=1:tcp.rst=1:tcp.fin=1:udp=1:icmp=1:general=1:maxlife=60:expint=1"
PACKETS=-4
pmacctd_exported "v5" "--version 5" "plugins: nfprobe" "nfprobe_receiver: 127.0.0.1:$PORT" "nfprobe_version: 5" "$timeouts"
PACKETS=
pmacctd_exported "v9" "--version 9" "plugins: nfprobe" "nfprobe_receiver: 127.0.0.1:$PORT" "nfprobe_version: 9" "$timeouts"
pmacctd_exported "IPFIX" "--version 10" "plugins: nfprobe" "nfprobe_receiver: 127.0.0.1:$PORT" "nfprobe_version: 10" "$timeouts"
# Every packet is a sample of its own. The interface's counters come between them, every 20 s or so.
pmacctd_exported "sFlow" "--version sflow5" "plugins: sfprobe" "sfprobe_receiver: 127.0.0.1:$PORT" \
    "sfprobe_agentip: 127.0.0.1" "sampling_rate: 1"
run jq -s 'map(select(.options | not)) | map(.selectorIdTotalPktsObserved) == [range(1; length + 1)]
    and all(.samplingInterval == 1 and .ignoredPacketTotalCount == 0)' "$T/sFlow/flows"
is "$out" true "sFlow: every packet is sampled, none twice" || diag "$err"
run jq -s 'map(select(.options | not)) | all(.layer2OctetDeltaCount == .octetDeltaCount + 18 and .sflowStrippedOctets == 4)' "$T/sFlow/flows"
is "$out" true "sFlow: a frame is its packet, Ethernet's header, and a checksum that is stripped" || diag "$err"
done_testing
