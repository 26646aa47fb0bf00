#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The three captures on which tshark reports errors, checked by hand: the octets, read with RFC 3954 section 5 and
# RFC 7011 sections 3.3 and 6.1, give what stands in the table below.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands jq
. "$SRCDIR/tests/golden/golden.sh"

# capture FLOWS SETS-WITHOUT-TEMPLATE
capture()
{
	name=$1
	if ! decode "$CORPUS/devices/$name.pcap"; then
		fail "$name: decoded"
		diag "$(cat "$T/messages")"
		return
	fi
	is "$(wc -l <"$T/flows")" "$2" "$name: $2 flows"
	unknown=$(sed -n 's/^flowbraid: \([0-9]*\) sets have no template.*/\1/p' "$T/messages")
	is "${unknown:-0}" "$3" "$name: $3 sets without template"
}

# flow INDEX OBJECT: all that the flow has, besides the made-up addresses and times of the capture.
flow()
{
	is "$(jq -cS "select(.index == $1) | del(.exporter, .exporterPort, .received)" "$T/flows")" \
	    "$(printf '%s' "$2" | jq -cS .)" "$name: flow $1"
}

# tshark stops at ipv4RouterSc (43), an ipv4Address by Cisco's list, which H3C sends in two bytes: it is shown as
# it stands. Each of the 16 records has a set of its own, 0x0cd1 of 84 bytes; the first begins
#	packets 00000000 000002b9, octets 00000000 000fac0f, start ebed4183, end ebee9f32, in 00000a66, out 00000636,
#	from 0a16a61e, to 0a16a315, next hop 0a15198e
# and ends, behind masks 18 18, direction and status 00 00, with
#	43: 0000, 35: 00, 0: 00, 34: 00000000, 93: ffffffff, 92: 00000000.
# Uptime ebeea075 at 5b029070, 09:25:04: it began 89842 ms before that, and ended 323 ms before.
capture v9_h3c 16 0
flow 0 '{"version":9,"domain":2816,"sequence":60342277,"exportTime":"2018-05-21T09:25:04Z","index":0,
    "packetDeltaCount":697,"octetDeltaCount":1027087,"flowStartSysUpTime":3958194563,"flowEndSysUpTime":3958284082,
    "ingressInterface":2662,"egressInterface":1590,"sourceIPv4Address":"10.22.166.30",
    "destinationIPv4Address":"10.22.163.21","ipNextHopIPv4Address":"10.21.25.142","bgpSourceAsNumber":0,
    "bgpDestinationAsNumber":0,"sourceTransportPort":0,"destinationTransportPort":0,"ipVersion":4,
    "tcpControlBits":0,"protocolIdentifier":6,"ipClassOfService":0,"sourceIPv4PrefixLength":24,
    "destinationIPv4PrefixLength":24,"flowDirection":0,"forwardingStatus":0,"ipv4RouterSc":"0000",
    "samplingAlgorithm":0,"0/0":"00","samplingInterval":0,"dstTrafficIndex":4294967295,"srcTrafficIndex":0,
    "flowStart":"2018-05-21T09:23:34.158Z","flowEnd":"2018-05-21T09:25:03.677Z"}'
is "$(jq -s 'map(select(.forwardingStatus == 0 and .ipv4RouterSc == "0000" and .ingressInterface == 2662 and
    .sourceIPv4PrefixLength == 24 and .dstTrafficIndex == 4294967295)) | length' "$T/flows")" 16 \
    "v9_h3c: what all 16 records share"

# tshark reports the sets of templates 259 and 262, which the capture does not hold. Those of 260 stand behind their
# template, which is in the midst of the datagram. The first record:
#	from 257a01e2, to c197c6a6, next hop c197c011, ports 6be6 8cb9, flags 02, interfaces 0007 four times,
#	packets 00000003, octets 0000009c, start 4cd88980, end 4cd8aca4, protocol 06, TOS 00, TCP options f0000000,
#	MACs (80 is the destination's) 001b21bc24dd 90e2ba2309fc, EtherType 0800.
# Uptime 4cd8e740 at 5a89135d, 05:47:09: it began 24000 ms before that, and ended 15004 ms before.
capture v9_iptnetflow 12 6
flow 0 '{"version":9,"domain":0,"sequence":344481,"exportTime":"2018-02-18T05:47:09Z","index":0,
    "sourceIPv4Address":"37.122.1.226","destinationIPv4Address":"193.151.198.166",
    "ipNextHopIPv4Address":"193.151.192.17","sourceTransportPort":27622,"destinationTransportPort":36025,
    "tcpControlBits":2,"ingressInterface":7,"egressInterface":7,"ingressPhysicalInterface":7,
    "egressPhysicalInterface":7,"packetDeltaCount":3,"octetDeltaCount":156,"flowStartSysUpTime":1289259392,
    "flowEndSysUpTime":1289268388,"protocolIdentifier":6,"ipClassOfService":0,"tcpOptions":4026531840,
    "destinationMacAddress":"00:1b:21:bc:24:dd","sourceMacAddress":"90:e2:ba:23:09:fc","ethernetType":2048,
    "flowStart":"2018-02-18T05:46:45.000Z","flowEnd":"2018-02-18T05:46:53.996Z"}'

# tshark reports the set of template 280, which the capture does not hold. The only record of the set of 257:
#	0a02c90a, 00000003, flow 00000000 00dca6f6, transaction 3faa241d, connection 00dca6f5, version 04, protocol 06,
#	padding 0000, from 0a000001, to c0a80001, ports 01bb c76d, packets 2, octets 05f5, flags 18, flow flags 45002000,
#	start and end dbd0336f 00068584, round trip 00000053, out 00000006, in 80000003, application 0e510000,
#	chain 00e0ed1c9ca80300efb4255884850600 of 01, and 0000, 0000, 00000000 that only Citrix can name.
# dbd0336f seconds from 1900 are 1478866159 from 1970; 00068584/2^32 of a second are 99.51 us.
for name in ipfix_netscaler ipfix_netscaler_late_tpl; do
	capture $name 3 1
	flow 1 '{"version":10,"domain":0,"sequence":383101,"exportTime":"2016-11-11T12:09:19Z","index":1,
    "observationPointId":167954698,"exportingProcessId":3,"flowId":14460662,"transactionId":1068114973,
    "netscalerConnectionId":14460661,"ipVersion":4,"protocolIdentifier":6,"sourceIPv4Address":"10.0.0.1",
    "destinationIPv4Address":"192.168.0.1","sourceTransportPort":443,"destinationTransportPort":51053,
    "packetDeltaCount":2,"octetDeltaCount":1525,"tcpControlBits":24,"flowFlags":1157636096,
    "flowStartMicroseconds":"2016-11-11T12:09:19.000100Z","flowEndMicroseconds":"2016-11-11T12:09:19.000100Z",
    "roundTripTime":83,"egressInterface":6,"ingressInterface":2147483651,"appNameAppId":240189440,
    "connectionChainID":"00e0ed1c9ca80300efb4255884850600","connectionChainHopCount":1,"5951/329":"0000",
    "5951/331":"0000","5951/332":"00000000","flowStart":"2016-11-11T12:09:19.000100Z",
    "flowEnd":"2016-11-11T12:09:19.000100Z"}'
done
done_testing
