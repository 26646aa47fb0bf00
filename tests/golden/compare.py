#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Compares flows as flowbraid cat -F json prints them with what tshark -T json decoded from the same capture:
#
#	compare.py CAPTURE-NAME TSHARK.json <FLOWS.json
#
# Every flow in order, and every field in both directions: what only one of the two has is a difference, unless
# a table below names it with its reason. Prints the differences; exits 1 when there are some.

import datetime
import json
import sys

WRAP_MS = 1 << 32


def number(text):
    return int(text, 0)


def same(text):
    return text


def plain_hex(text):
    return text.replace(":", "")


def hex_number(text):
    return int(plain_hex(text) or "0", 16)


def milliseconds(text):
    return round(float(text) * 1000)


def instant(text):
    """tshark's or our text of a time as nanoseconds."""
    if text.endswith(" UTC"):
        moment, fraction = text[:-4].split(".")
        parsed = datetime.datetime.strptime(moment, "%b %d, %Y %H:%M:%S")
    else:
        moment, _, fraction = text.rstrip("Z").partition(".")
        parsed = datetime.datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S")
    seconds = int(parsed.replace(tzinfo=datetime.timezone.utc).timestamp())
    return seconds * 10**9 + int((fraction + "0" * 9)[:9])


# tshark's field -> our key and what makes our value of its text
FIELDS = {
    "srcaddr": ("sourceIPv4Address", same),
    "dstaddr": ("destinationIPv4Address", same),
    "nexthop": ("ipNextHopIPv4Address", same),
    "srcaddrv6": ("sourceIPv6Address", same),
    "dstaddrv6": ("destinationIPv6Address", same),
    "srcprefix": ("sourceIPv4Prefix", same),
    "srcport": ("sourceTransportPort", number),
    "dstport": ("destinationTransportPort", number),
    "protocol": ("protocolIdentifier", number),
    "tcpflags": ("tcpControlBits", number),
    "tos": ("ipClassOfService", number),
    "inputint": ("ingressInterface", number),
    "outputint": ("egressInterface", number),
    "ingress_physical_interface": ("ingressPhysicalInterface", number),
    "egress_physical_interface": ("egressPhysicalInterface", number),
    "ingress_vrfid": ("ingressVRFID", number),
    "egress_vrfid": ("egressVRFID", number),
    "srcas": ("bgpSourceAsNumber", number),
    "dstas": ("bgpDestinationAsNumber", number),
    "srcmask": ("sourceIPv4PrefixLength", number),
    "dstmask": ("destinationIPv4PrefixLength", number),
    "packets": ("packetDeltaCount", number),
    "octets": ("octetDeltaCount", number),
    "post_packets": ("postPacketDeltaCount", number),
    "post_octets": ("postOctetDeltaCount", number),
    "permanent_octets": ("octetTotalCount", number),
    "initiator_octets": ("initiatorOctets", number),
    "responder_octets": ("responderOctets", number),
    "octetsexp": ("exportedOctetTotalCount", number),
    "packetsexp": ("exportedMessageTotalCount", number),
    "flowsexp": ("exportedFlowRecordTotalCount", number),
    "flow_active_timeout": ("flowActiveTimeout", number),
    "flow_inactive_timeout": ("flowIdleTimeout", number),
    "sampling_interval": ("samplingInterval", number),
    "sampling_algorithm": ("samplingAlgorithm", number),
    "sampler_id": ("samplerId", number),
    "engine_id": ("engineId", number),
    "direction": ("flowDirection", number),
    "ip_version": ("ipVersion", number),
    "ip_dscp": ("ipDiffServCodePoint", number),
    "post_ip_diff_serv_code_point": ("postIpDiffServCodePoint", number),
    "vlanid": ("vlanId", number),
    "dot1q_vlan_id": ("dot1qVlanId", number),
    "layer2_segment_id": ("layer2SegmentId", number),
    "ethernet_type": ("ethernetType", number),
    "frag_ident": ("fragmentIdentification", number),
    "tcp_option_map": ("tcpOptions", hex_number),
    "srcmac": ("sourceMacAddress", same),
    "dstmac": ("destinationMacAddress", same),
    "sta_mac_address": ("staMacAddress", same),
    "wtp_mac_address": ("wtpMacAddress", same),
    "sta_ipv4_address": ("staIPv4Address", same),
    "wlan_ssid": ("wlanSSID", same),
    "if_descr": ("interfaceDescription", same),
    "appl_name": ("applicationName", same),
    "appl_desc": ("applicationDescription", same),
    "flow_id": ("flowId", number),
    "icmp_type_code_ipv4": ("icmpTypeCodeIPv4", number),
    "icmp_ipv4_type": ("icmpTypeIPv4", number),
    "icmp_ipv4_code": ("icmpCodeIPv4", number),
    "firewall_event": ("firewallEvent", number),
    "fw_ext_event": ("firewallExtendedEvent", number),
    "ingress_acl_id": ("ingressAclId", plain_hex),
    "egress_acl_id": ("egressAclId", plain_hex),
    "aaa_username": ("asaUsername", same),
    "post_natsource_ipv4_address": ("postNATSourceIPv4Address", same),
    "post_natdestination_ipv4_address": ("postNATDestinationIPv4Address", same),
    "post_naptsource_transport_port": ("postNAPTSourceTransportPort", number),
    "post_naptdestination_transport_port": ("postNAPTDestinationTransportPort", number),
    "private_enterprise_number": ("privateEnterpriseNumber", number),
    "scope_system": ("scopeSystem", hex_number),
    "timestart": ("flowStartSysUpTime", milliseconds),
    "timeend": ("flowEndSysUpTime", milliseconds),
    "observation_time_milliseconds": ("observationTimeMilliseconds", instant),
}

# tshark names these alike whatever the element's unit
ABSOLUTE = {
    "abstimestart": ["flowStartMilliseconds", "flowStartSeconds"],
    "abstimeend": ["flowEndMilliseconds", "flowEndSeconds"],
}

# An uptime of 0 is shown by tshark as this absolute time.
NO_TIME = "Jan  1, 1970 00:00:00.000000000 UTC"

# tshark has one name for elements that are different ones.
ALIKE = {
    "srcport": ["sourceTransportPort", "tcpSourcePort", "udpSourcePort"],
    "dstport": ["destinationTransportPort", "tcpDestinationPort", "udpDestinationPort"],
}

# Cisco's ASA before 8.4 has numbers of its own for what later are IANA's; tshark names both alike.
OLD_ASA = {
    "postNATSourceIPv4Address": "xlateSourceIPv4Address",
    "postNATDestinationIPv4Address": "xlateDestinationIPv4Address",
    "postNAPTSourceTransportPort": "xlateSourceTransportPort",
    "postNAPTDestinationTransportPort": "xlateDestinationTransportPort",
    "firewallEvent": "asaFirewallEvent",
}

# What tshark has and we have not, with the reason.
THEIRS_ONLY = {
    "padding": "bytes without a meaning",
    "timedelta": "a difference, computed from what is compared",
    "tcpflags.fin": "the bits of tcpflags again",
    "tcpflags.syn": "the bits of tcpflags again",
    "tcpflags.rst": "the bits of tcpflags again",
    "tcpflags.psh": "the bits of tcpflags again",
    "tcpflags.ack": "the bits of tcpflags again",
    "tcpflags.urg": "the bits of tcpflags again",
    "tcpflags.reserved": "the bits of tcpflags again",
}

# What we have and tshark has not, with the reason.
OURS_ONLY = {
    "samplingInterval": "told by options records, which tshark does not carry over to flows",
    "received": "the time of the capture is not in what tshark says of the datagram",
    "exporter": "taken from the IP header, which is made up in these captures",
    "exporterPort": "taken from the UDP header, likewise",
    "index": "checked by the order of flows",
    "options": "checked by the template's kind, not by the flow",
    "lateTemplate": "says how the flow was decoded; these captures have datagrams out of order",
    "0/0": "element 0 is reserved (exporters pad with it); tshark leaves it out",
}

# Captures where tshark is wrong, and what is checked instead: the number of our flows, and which of tshark's
# datagrams (from 0) are left out.
SPECIAL = {
    "v9_h3c": (16, [1], "tshark gives up at an ipv4Address of two bytes in the first of 16 flows"),
    "v9_invalid01": (3, [0], "tshark takes the header's count for one of sets, and stops after two"),
}


class Differences:
    def __init__(self):
        self.count = 0

    def add(self, where, text):
        self.count += 1
        if self.count <= 50:
            print(f"{where}: {text}")


def leaves(tree):
    """The fields of a flow, whatever they are nested in, without tshark's prefix."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield key.removeprefix("cflow."), value


def tshark_flows(packet):
    """The header of a datagram, and its flows in order."""
    cflow = packet["_source"]["layers"]["cflow"]
    header = dict(leaves({k: v for k, v in cflow.items() if k.startswith("cflow.")}))
    flows = []
    for name, tree in cflow.items():
        if name.startswith("pdu "):
            flows.append(tree)
        elif name.startswith("FlowSet "):
            flows += [flow for key, flow in tree.items() if key.startswith("Flow ")]
    return header, [without_no_time(dict(leaves(flow))) for flow in flows]


def without_no_time(theirs):
    names = {"abstimestart": "timestart", "abstimeend": "timeend"}
    return {names[k] if k in names and v == NO_TIME else k: "0" if k in names and v == NO_TIME else v
            for k, v in theirs.items()}


def header_values(header):
    values = {
        "version": int(header["version"]),
        "sequence": int(header["sequence"]),
        "exportTime": instant(header["timestamp"]),
    }
    if "source_id" in header:
        values["domain"] = int(header["source_id"])
    else:
        values["domain"] = int(header["engine_type"]) << 8 | int(header["engine_id"])
        if int(header["samplingmode"]) != 0 or int(header["samplerate"]) != 0:
            values["samplingInterval"] = int(header["samplerate"])
            values["samplingAlgorithm"] = int(header["samplingmode"])
    return values


def from_uptime(header, uptime_ms):
    ago = (milliseconds(header["sysuptime"]) - uptime_ms) % WRAP_MS
    if ago > WRAP_MS - 3600000:
        ago -= WRAP_MS
    return instant(header["timestamp"]) - ago * 10**6


def derived(header, theirs):
    """flowStart and flowEnd, computed anew from tshark's numbers."""
    values = {}
    for ours, relative, absolute in (("flowStart", "timestart", "abstimestart"), ("flowEnd", "timeend", "abstimeend")):
        if absolute in theirs:
            values[ours] = instant(theirs[absolute])
        elif relative in theirs:
            values[ours] = from_uptime(header, milliseconds(theirs[relative])) // 10**6 * 10**6
    return values


def expected_values(header, theirs, ours, where, differences):
    values = header_values(header) | derived(header, theirs)
    theirs = dict(theirs)
    for field, keys in ALIKE.items():
        if isinstance(theirs.get(field), list):
            values |= zip([key for key in keys if key in ours], map(int, theirs.pop(field)))
    if "appl_id.selector_id" in theirs:
        engine = int(theirs.pop("appl_id.classification_engine_id"))
        values["applicationId"] = f"{engine:02x}" + plain_hex(theirs.pop("appl_id.selector_id"))
    unknown = theirs.pop("unknown_field_type", [])
    unnamed = [key for key in ours if "/" in key and key not in OURS_ONLY]
    for key, value in zip(unnamed, unknown if isinstance(unknown, list) else [unknown]):
        values[key] = plain_hex(value)
    for field, text in theirs.items():
        if field in ABSOLUTE:
            key = next((name for name in ABSOLUTE[field] if name in ours), ABSOLUTE[field][0])
            values[key] = instant(text)
        elif field in FIELDS:
            key, make = FIELDS[field]
            if key not in ours and OLD_ASA.get(key) in ours:
                key = OLD_ASA[key]
            values[key] = make(text)
        elif field not in THEIRS_ONLY:
            differences.add(where, f"tshark's field {field} is in no table")
    return values


def compare_flow(header, theirs, ours, where, differences):
    values = expected_values(header, theirs, ours, where, differences)
    for key, want in values.items():
        got = ours.get(key)
        if isinstance(want, int) and isinstance(got, str) and key != "scopeSystem":
            got = instant(got)
        if got != want:
            differences.add(where, f"{key}: got {ours.get(key)!r}, tshark has {want!r}")
    for key in ours.keys() - values.keys() - OURS_ONLY.keys():
        if ours[key] is None:  # a field of no length; tshark leaves it out
            continue
        differences.add(where, f"{key}: {ours[key]!r}, which tshark has not")


def main():
    name, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        packets = json.load(file)
    ours = [json.loads(line) for line in sys.stdin]
    total, left_out, _ = SPECIAL.get(name, (None, [], ""))
    differences = Differences()
    theirs = []
    for at, packet in enumerate(packets):
        header, flows = tshark_flows(packet)
        theirs += [] if at in left_out else [(header, flow) for flow in flows]
    if len(ours) != (len(theirs) if total is None else total):
        differences.add(name, f"{len(ours)} flows, tshark has {len(theirs)}")
    for at, (mine, (header, flow)) in enumerate(zip(ours, theirs)):
        compare_flow(header, flow, mine, f"{name}: flow {at}", differences)
    print(f"{len(ours)} flows, {len(theirs)} compared, {differences.count} differences")
    sys.exit(1 if differences.count else 0)


main()
