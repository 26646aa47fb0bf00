#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Compares samples as flowbraid cat -F json prints them with tshark's decoding of the same capture:
#
#	tshark -r CAPTURE -T pdml >PDML; compare-sflow.py PDML <FLOWS.json
#
# Every sample in order, every field in both directions: what only one of the two has is a difference, unless a
# table below names it with its reason. Prints the differences, and at the end how much was compared; exits 1 when
# there are differences.

import json
import sys
import xml.etree.ElementTree


def number(text):
    return int(text, 0)


def same(text):
    return text


def shifted(text):
    """Flags as tshark shows them: the lowest bits of a byte whose highest they are."""
    return int(text, 0) << 5


# tshark's field -> our key and what makes our value of its text. A field that comes again (in a tunnel) makes a list.
FIELDS = {
    "sflow_245.sampletype": ("sflowSampleFormat", number),
    "sflow.flow_sample.sequence_number": ("sflowSampleSequence", number),
    "sflow.counters_sample.sequence_number": ("sflowSampleSequence", number),
    "sflow.flow_sample.source_id_class": ("sflowSourceClass", number),
    "sflow.flow_sample.source_id_type": ("sflowSourceClass", number),
    "sflow.counters_sample.source_id_type": ("sflowSourceClass", number),
    "sflow.flow_sample.index": ("sflowSourceIndex", number),
    "sflow.flow_sample.source_id_index": ("sflowSourceIndex", number),
    "sflow.counters_sample.source_id_index": ("sflowSourceIndex", number),
    "sflow.flow_sample.sampling_rate": ("samplingInterval", number),
    "sflow.flow_sample.sample_pool": ("selectorIdTotalPktsObserved", number),
    "sflow.flow_sample.dropped_packets": ("ignoredPacketTotalCount", number),
    "sflow.flow_sample.input_interface": ("ingressInterface", number),
    "sflow.flow_sample.input_interface_value": ("ingressInterface", number),
    "sflow_245.header_protocol": ("sflowHeaderProtocol", number),
    "sflow_245.header.payload_stripped": ("sflowStrippedOctets", number),
    "sflow_245.vlan.in": ("vlanId", number),
    "sflow_245.vlan.out": ("postVlanId", number),
    "sflow_245.pri.in": ("sflowIngressPriority", number),
    "sflow_245.pri.out": ("sflowEgressPriority", number),
    "sflow_245.nexthop.src_mask": ("sourceIPv4PrefixLength", number),
    "sflow_245.nexthop.dst_mask": ("destinationIPv4PrefixLength", number),
    "sflow_245.as": ("sflowRouterAsNumber", number),
    "sflow_245.srcAS": ("bgpSourceAsNumber", number),
    "sflow_245.peerAS": ("bgpPrevAdjacentAsNumber", number),
    "sflow_245.localpref": ("sflowLocalPreference", number),
    "eth.dst": ("destinationMacAddress", same),
    "eth.src": ("sourceMacAddress", same),
    "ip.version": ("ipVersion", number),
    "ipv6.version": ("ipVersion", number),
    "ip.src": ("sourceIPv4Address", same),
    "ip.dst": ("destinationIPv4Address", same),
    "ipv6.src": ("sourceIPv6Address", same),
    "ipv6.dst": ("destinationIPv6Address", same),
    "ip.proto": ("protocolIdentifier", number),
    "ipv6.nxt": ("protocolIdentifier", number),
    "ip.dsfield": ("ipClassOfService", number),
    "ipv6.tclass": ("ipClassOfService", number),
    "ip.ttl": ("ipTTL", number),
    "ipv6.hlim": ("ipTTL", number),
    "ipv6.flow": ("flowLabelIPv6", number),
    "ip.id": ("fragmentIdentification", number),
    "ip.flags": ("fragmentFlags", shifted),
    "ip.frag_offset": ("fragmentOffset", number),
    "tcp.srcport": ("sourceTransportPort", number),
    "udp.srcport": ("sourceTransportPort", number),
    "tcp.dstport": ("destinationTransportPort", number),
    "udp.dstport": ("destinationTransportPort", number),
    "tcp.flags": ("tcpControlBits", number),
    "icmp.type": ("icmpTypeIPv4", number),
    "icmp.code": ("icmpCodeIPv4", number),
    "icmpv6.type": ("icmpTypeIPv6", number),
    "icmpv6.code": ("icmpCodeIPv6", number),
    "vxlan.vni": ("sflowVxlanNetworkIdentifier", number),
    "sflow_245.ifindex": ("ifIndex", number),
    "sflow_245.iftype": ("ifType", number),
    "sflow_245.ifspeed": ("ifSpeed", number),
    "sflow_245.ifdirection": ("ifDirection", number),
    "sflow_245.ifinoct": ("ifInOctets", number),
    "sflow_245.ifinpkt": ("ifInUcastPkts", number),
    "sflow_245.ifinmcast": ("ifInMulticastPkts", number),
    "sflow_245.ifinbcast": ("ifInBroadcastPkts", number),
    "sflow_245.ifindisc": ("ifInDiscards", number),
    "sflow_245.ifinerr": ("ifInErrors", number),
    "sflow_245.ifinunk": ("ifInUnknownProtos", number),
    "sflow_245.ifoutoct": ("ifOutOctets", number),
    "sflow_245.ifoutpkt": ("ifOutUcastPkts", number),
    "sflow_245.ifoutmcast": ("ifOutMulticastPkts", number),
    "sflow_245.ifoutbcast": ("ifOutBroadcastPkts", number),
    "sflow_245.ifoutdisc": ("ifOutDiscards", number),
    "sflow_245.ifouterr": ("ifOutErrors", number),
    "sflow_245.ifpromisc": ("ifPromiscuousMode", number),
}
for stats in ("AlignmentErrors", "FCSErrors", "SingleCollisionFrames", "MultipleCollisionFrames", "SQETestErrors",
              "DeferredTransmissions", "LateCollisions", "ExcessiveCollisions", "InternalMacTransmitErrors",
              "CarrierSenseErrors", "FrameTooLongs", "InternalMacReceiveErrors", "SymbolErrors"):
    FIELDS["sflow_245.dot3Stats" + stats] = ("dot3Stats" + stats, number)

# What we have and tshark has not, with the reason.
OURS_ONLY = {
    "received": "the time of the capture is not in what tshark says of the datagram",
    "index": "checked by the order of samples",
    "packetDeltaCount": "1: a sample is of one packet",
    "icmpTypeCodeIPv4": "type and code again, as NetFlow has them",
    "icmpTypeCodeIPv6": "type and code again, as NetFlow has them",
    "layer2SegmentId": "the VXLAN network identifier again, as IANA has it",
}

# tshark does not know the records of hosts: it reads on at a wrong place behind 2001, and finds what is not there. Of
# such a sample its own words are compared, and ours must have all records but the host's description and adapters.
HOST = 2001
OF_SAMPLES = ("version", "exporter", "exporterPort", "agent", "domain", "sequence", "options")
NOT_DECODED = [2001, 2000]

# What an agent does not know; we leave it out.
UNKNOWN = 0xFFFFFFFF
MAY_BE_UNKNOWN = ("vlanId", "postVlanId", "sflowIngressPriority", "sflowEgressPriority")

TAGS = (0x8100, 0x88A8, 0x9100)


class Sample(dict):
    """tshark's, as we would print it; what comes again becomes a list."""

    def add(self, key, value):
        if key not in self:
            self[key] = value
        elif isinstance(self[key], list):
            self[key].append(value)
        else:
            self[key] = [self[key], value]


def add_packet(sample, nodes):
    """Headers of the sampled packet, one protocol after the other."""
    lengths = []
    tags = []
    for node in nodes:
        names = {field.get("name"): field.get("show") for field in node.iter("field")}
        if "vlan.id" in names:
            tags.append((number(names["vlan.id"]), number(names["vlan.priority"])))
        for name in ("eth.type", "vlan.etype"):
            if name in names and number(names[name]) not in TAGS:
                sample.add("ethernetType", number(names[name]))
        if "ip.len" in names:
            lengths.append(number(names["ip.len"]))
        if "ipv6.plen" in names:
            lengths.append(number(names["ipv6.plen"]) + 40)
        seen = set()  # tshark has some twice, the second hidden: ip.version in IPv6
        for field in node.iter("field"):
            key, make = FIELDS.get(field.get("name"), (None, None))
            if key is not None and key not in seen:
                sample.add(key, make(field.get("show")))
                seen.add(key)
    for (vlan, priority), prefix in zip(tags, ("dot1q", "dot1qCustomer")):
        sample[prefix + "VlanId"] = vlan
        sample[prefix + "Priority"] = priority
    if lengths and "octetDeltaCount" not in sample:
        sample["octetDeltaCount"] = lengths[0]


def add_gateway(sample, record):
    path = [number(f.get("show")) for t in record.iter("field") if t.get("name") == "sflow.as_type"
            for f in t.iter("field") if f.get("name") == "sflow_245.dstAS"]
    communities = [number(f.get("show")) for t in record.iter("field") if t.get("name") == "sflow_245.communityEntries"
                   for f in t.iter("field") if f.get("name") == "sflow_245.dstAS"]
    for value in path:
        sample.add("sflowDestinationAsPath", value)
    for value in communities:
        sample.add("bgpCommunity", value)
    if path:
        sample["bgpNextAdjacentAsNumber"], sample["bgpDestinationAsNumber"] = path[0], path[-1]


def add_record(sample, record):
    names = {field.get("name"): field.get("show") for field in record.findall("field")}
    form = number(names.get("sflow_245.flow_record_format") or names.get("sflow_245.counters_record_format") or "0")
    if "sflow_245.flow_record_format" in names:
        if form in (2, 3, 4):
            return  # the packet again, whose header is there, too
        if form == 1:
            if names["sflow_245.header_protocol"] == "1":
                sample["layer2OctetDeltaCount"] = number(names["sflow_245.header.frame_length"])
            header = next(f for f in record.findall("field") if f.get("name") == "sflow_245.header")
            add_packet(sample, header.findall("proto"))
        if form in (1002, 1003):
            kind = "ip" if form == 1002 else "bgp"
            sample[kind + "NextHopIPv4Address"] = names["sflow_245.nexthop"]
        if form == 1003:
            add_gateway(sample, record)
    elif "sflow_245.ifadmin_status" in names:
        sample["ifStatus"] = number(names["sflow_245.ifadmin_status"]) | number(names["sflow_245.ifoper_status"]) << 1
    for field in record.findall("field"):
        if field.get("name") in FIELDS:
            key, make = FIELDS[field.get("name")]
            sample.add(key, make(field.get("show")))
    sample.formats.append(form)


def add_output(sample, node):
    """The output interface by its format, which tshark has in two forms."""
    names = {field.get("name"): field.get("show") for field in node.iter("field")}
    form = names.get("sflow.flow_sample.output_interface_format", names.get("sflow.flow_sample.output_interface.format"))
    if form is None:
        return
    value = number(names["sflow.flow_sample.output_interface_value"])
    if number(form) == 0:
        sample["egressInterface"] = value
    elif number(form) == 1:
        sample["forwardingStatus"], sample["sflowDropReason"] = 128, value
    else:
        sample["sflowOutputInterfaceCount"] = value


def tshark_samples(packet):
    protos = packet.findall("proto")
    at = [i for i, proto in enumerate(protos) if proto.get("name") == "sflow"]
    if not at:
        return
    sflow = protos[at[0]]
    head = {field.get("name"): field.get("show") for field in sflow.findall("field")}
    ip = {field.get("name"): field.get("show") for proto in protos[:at[0]] for field in proto.iter("field")}
    samples = []
    for node in sflow.findall("field"):
        if node.get("name") != "" or "sample, seq" not in node.get("show"):
            continue
        sample = Sample(
            version="sflow5",
            exporter=ip.get("ip.src", ip.get("ipv6.src")),
            exporterPort=number(ip["udp.srcport"]),
            agent=head.get("sflow_245.agent", head.get("sflow_245.agent.v6")),
            domain=number(head["sflow_245.sub_agent_id"]),
            sequence=number(head["sflow_245.sequence_number"]))
        sample.formats = []
        for field in node.findall("field"):
            if field.get("name") == "" and field.find("field") is not None:
                add_record(sample, field)
            elif field.get("name") in FIELDS:
                key, make = FIELDS[field.get("name")]
                sample[key] = make(field.get("show"))
        add_output(sample, node)
        if sample["sflowSampleFormat"] in (2, 4):
            sample["options"] = True
        samples.append(sample)
    if samples:  # what tshark finds in a tunnel stands behind all
        add_packet(samples[-1], protos[at[0] + 1:])
    yield from samples


def compare_host(theirs, ours):
    theirs = {key: value for key, value in theirs.items() if key in OF_SAMPLES or key.startswith("sflow")}
    for key, value in theirs.items():
        if ours.get(key) != value:
            yield f"{key}: {ours.get(key)} is {value} with tshark"
    if ours.get("sflowUndecodedFormats") != NOT_DECODED:
        yield f"formats {ours.get('sflowUndecodedFormats')} are not decoded"
    if not ours["hostMemoryFree"] < ours["hostMemoryTotal"] or not ours["hostDiskFree"] < ours["hostDiskTotal"] or \
            not 0 <= ours["hostLoadOne"] < 100 or not 0 < ours["hostCpuCount"] < 1000:
        yield "numbers of a host that cannot be"


def compare(theirs, ours):
    if HOST in theirs.formats:
        yield from compare_host(theirs, ours)
        return
    for key, value in theirs.items():
        if key in MAY_BE_UNKNOWN and value == UNKNOWN and key not in ours:
            continue
        if key not in ours:
            yield f"{key} is missing: {value}"
        elif ours[key] != value:
            yield f"{key}: {ours[key]} is {value} with tshark"
    for key, value in ours.items():
        if key not in theirs and key not in OURS_ONLY:
            yield f"{key}: {value} is not with tshark"


def main():
    packets = xml.etree.ElementTree.parse(sys.argv[1]).getroot().findall("packet")
    theirs = [sample for packet in packets for sample in tshark_samples(packet)]
    ours = [flow for flow in map(json.loads, sys.stdin) if flow["version"] == "sflow5"]
    differences = 0
    if len(ours) != len(theirs):
        print(f"{len(ours)} samples are {len(theirs)} with tshark")
        differences += 1
    for i, (their, our) in enumerate(zip(theirs, ours)):
        for text in compare(their, our):
            differences += 1
            if differences <= 50:
                print(f"sample {i}: {text}")
    values = sum(map(len, theirs))
    print(f"{len(theirs)} samples, {values} values, {differences} differences")
    sys.exit(1 if differences else 0)


main()
