#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Compares flows as flowbraid cat -F json prints them with what tshark -T json decoded from the same capture:
#
#	compare.py CAPTURE-NAME TSHARK.json <FLOWS.json
#
# Field names are those of tshark 4.0.
#
# Every flow in order, and every field in both directions: what only one of the two has is a difference, unless
# a table below names it with its reason. Prints the differences; exits 1 when there are some.

import datetime
import ipaddress
import json
import os
import struct
import sys

WRAP_MS = 1 << 32
ELEMENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/flow/elements.tsv")


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


def ntp(bits):
    """NTP's form of a time as nanoseconds; what is before 1970 is of the era that begins in 2036."""
    seconds = (bits >> 32) - 2208988800
    return (seconds + (1 << 32 if seconds < 0 else 0)) * 10**9 + (bits & 0xffffffff) * 10**9 // 2**32


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
    "sys_init_time": ("systemInitTimeMilliseconds", instant),
    "toplabeladdr": ("mplsTopLabelIPv4Address", same),
    "toplabeladdr_v6": ("mplsTopLabelIPv6Address", same),
    "toplabeltype": ("mplsTopLabelType", number),
    "mpls_top_label_prefix_length": ("mplsTopLabelPrefixLength", number),
    "mpls_vpn_rd": ("mplsVpnRouteDistinguisher", plain_hex),
    "ttl_min": ("minimumTTL", number),
    "ttl_max": ("maximumTTL", number),
    "ip_ttl": ("ipTTL", number),
    "length_min": ("minimumIpTotalLength", number),
    "length_max": ("maximumIpTotalLength", number),
    "ipv6_next_hdr": ("nextHeaderIPv6", number),
    "peer_srcas": ("bgpPrevAdjacentAsNumber", number),
    "peer_dstas": ("bgpNextAdjacentAsNumber", number),
    "is_multicast": ("isMulticast", number),
    "multicast_replication_factor": ("multicastReplicationFactor", number),
    "template_id": ("templateId", number),
    "flow_end_reason": ("flowEndReason", number),
    "bgpnexthop": ("bgpNextHopIPv4Address", same),
    "bgpnexthopv6": ("bgpNextHopIPv6Address", same),
    "nexthopv6": ("ipNextHopIPv6Address", same),
    "srcmaskv6": ("sourceIPv6PrefixLength", number),
    "dstmaskv6": ("destinationIPv6PrefixLength", number),
    "ipv6_exthdr": ("ipv6ExtensionHeaders", number),
    "ipv6flowlabel": ("flowLabelIPv6", number),
    "icmp_type_code_ipv6": ("icmpTypeCodeIPv6", number),
    "dot1q_customer_vlan_id": ("dot1qCustomerVlanId", number),
    "post_vlanid": ("postVlanId", number),
    "selector_id": ("selectorId", number),
    "selector_name": ("selectorName", same),
    "selector_algorithm": ("selectorAlgorithm", number),
    "sampler_name": ("samplerName", same),
    "sampling_packet_interval": ("samplingPacketInterval", number),
    "sampling_packet_space": ("samplingPacketSpace", number),
    "sampling_size": ("samplingSize", number),
    "sampling_population": ("samplingPopulation", number),
    "delta_octets_squared": ("octetDeltaSumOfSquares", number),
    "vrfname": ("VRFname", same),
    "if_name": ("interfaceName", same),
    "od_id": ("observationDomainId", number),
    "mp_id": ("meteringProcessId", number),
    "permanent_packets": ("packetTotalCount", number),
    "flow_exporter": ("exportingProcessId", number),
    "exporter_addr": ("exporterIPv4Address", same),
    "exporter_addr_v6": ("exporterIPv6Address", same),
    "export_protocol_version": ("exportProtocolVersion", number),
    "exporter_protocol": ("exportTransportProtocol", number),
    "observation_point_id": ("observationPointId", number),
    "pie.netscaler.transaction-id": ("transactionId", number),
    "pie.netscaler.connection-id": ("netscalerConnectionId", number),
    "pie.netscaler.flow-flags": ("flowFlags", number),
    "pie.netscaler.round-trip-time": ("roundTripTime", number),
    "pie.netscaler.appname-app-id": ("appNameAppId", number),
    "pie.netscaler.app-unit-name-appid": ("appUnitNameAppId", number),
    "pie.netscaler.http-res-forw-fb": ("httpResForwFB", lambda text: ntp(int(text))),
    "pie.netscaler.http-res-forw-lb": ("httpResForwLB", lambda text: ntp(int(text))),
    "pie.netscaler.connection-chain-id": ("connectionChainID", plain_hex),
    "pie.netscaler.connection-chain-hop-count": ("connectionChainHopCount", number),
    "pie.netscaler.aaa-username": ("aaaUsername", same),
    "pie.netscaler.http-req-url": ("httpReqUrl", same),
    "pie.netscaler.http-req-cookie": ("httpReqCookie", same),
    "pie.netscaler.http-req-referer": ("httpReqReferer", same),
    "pie.netscaler.http-req-method": ("httpReqMethod", same),
    "pie.netscaler.http-req-host": ("httpReqHost", same),
    "pie.netscaler.http-req-useragent": ("httpReqUserAgent", same),
    "pie.netscaler.http-contenttype": ("netscalerHttpContentType", same),
    "pie.netscaler.http-req-authorization": ("httpReqAuthorization", same),
    "pie.netscaler.http-req-via": ("httpReqVia", same),
    "pie.netscaler.http-reqx-forwardedfor": ("httpReqXForwardedFor", same),
    "pie.netscaler.http-domain-name": ("httpDomainName", same),
    "pie.ixia.l7-application-id": ("3054/110", number),
    "pie.ixia.l7-application-name": ("3054/111", same),
    "pie.ixia.source-ip-latitude": ("3054/126", same),
    "pie.ixia.source-ip-longitude": ("3054/127", same),
    "pie.ixia.destination-ip-latitude": ("3054/146", same),
    "pie.ixia.destination-ip-longitude": ("3054/147", same),
    "pie.ixia.os-device-id": ("3054/160", number),
    "pie.ixia.os-device-name": ("3054/161", same),
    "pie.ixia.browser-id": ("3054/162", number),
    "pie.ixia.browser-name": ("3054/163", same),
    "pie.ixia.reverse-octet-delta-count": ("3054/176", number),
    "pie.ixia.reverse-packet-delta-count": ("3054/177", number),
    "pie.ixia.src-as-name": ("3054/186", same),
    "pie.ixia.dest-as-name": ("3054/187", same),
    "pie.ixia.transact-latency-us": ("3054/188", number),
    "pie.ixia.threat-ipv4": ("3054/193", lambda text: int(ipaddress.ip_address(text))),
}


def big_endian(octets):
    return int.from_bytes(octets, "big")


def short_float(octets):
    return f"{struct.unpack('>f', octets)[0]:.6g}"


# Elements that no registry of ours names, so that their octets are shown; tshark knows what they are.
RAW = dict.fromkeys(["3054/110", "3054/160", "3054/162", "3054/176", "3054/177", "3054/188", "3054/193"], big_endian)
RAW |= dict.fromkeys(["3054/126", "3054/127", "3054/146", "3054/147"], short_float)
RAW |= dict.fromkeys(["3054/111", "3054/161", "3054/163", "3054/186", "3054/187"], bytes.decode)

# tshark names these alike whatever the element's unit
ABSOLUTE = {
    "abstimestart": ["flowStartMilliseconds", "flowStartSeconds", "flowStartMicroseconds", "flowStartNanoseconds"],
    "abstimeend": ["flowEndMilliseconds", "flowEndSeconds", "flowEndMicroseconds", "flowEndNanoseconds"],
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
    "tcpflags.zero": "the bits of tcpflags again",
    "tcpflags.ns": "the bits of tcpflags again",
    "tcpflags.cwr": "the bits of tcpflags again",
    "tcpflags.ece": "the bits of tcpflags again",
    "string_len_short": "the length of the value before it",
    "string_len_long": "the length of the value before it",
    "pie.ixia": "a heading",
    "pie.netscaler": "a heading",
    "pie.vmware": "a heading",
}

# What we have and tshark has not, with the reason.
OURS_ONLY = {
    "samplingInterval": "told by options records, which tshark does not carry over to flows",
    "received": "the time of the capture is not in what tshark says of the datagram",
    "exporter": "taken from the IP header, which is made up in these captures",
    "exporterPort": "taken from the UDP header, likewise",
    "index": "checked by the order of flows",
    "samplingInterval": "told by an options record, not by the flow",
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
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for item in value:
                yield from leaves(item or {})
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
        elif name.startswith(("FlowSet ", "Set ")):
            flows += [flow for key, flow in tree.items() if key.startswith("Flow ")]
    return header, [without_no_time(gather(flow)) for flow in flows]


def gather(flow):
    """The fields of a flow; of those with a tree each, all."""
    fields = {}
    for key, value in leaves(flow):
        if key.startswith("mpls_") and key in fields and not isinstance(value, list):
            fields[key] = (fields[key] if isinstance(fields[key], list) else [fields[key]]) + [value]
        else:
            fields[key] = value
    return fields


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
    elif "od_id" in header:
        values["domain"] = int(header["od_id"])
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
        elif relative in theirs and "sysuptime" not in header:  # IPFIX
            if "sys_init_time" in theirs:
                values[ours] = instant(theirs["sys_init_time"]) + milliseconds(theirs[relative]) * 10**6
        elif relative in theirs:
            values[ours] = from_uptime(header, milliseconds(theirs[relative])) // 10**6 * 10**6
    return values


UNKNOWN_FROM = 492  # IANA's elements that tshark 4.0 does not know


def enterprise_keys():
    with open(ELEMENTS, encoding="utf-8") as file:
        rows = [line.split("\t") for line in file if line[0].isdigit()]
    return {row[2] for row in rows if (row[0] != "0" or int(row[1]) >= UNKNOWN_FROM) and row[2] != "-"}


ENTERPRISE = enterprise_keys()


def is_private(key):
    """An enterprise's element, or one that IANA has given a number and tshark does not know."""
    return key in ENTERPRISE or ("/" in key and key not in OURS_ONLY)


def reverse_of(key):
    return "reverse" + key[0].upper() + key[1:]


def octets_of(value, length):
    """Our value as the octets it was made of, as far as its text says them."""
    if isinstance(value, int):
        return value.to_bytes(length, "big", signed=value < 0).hex()
    try:
        return ipaddress.ip_address(value).packed.hex()
    except ValueError:
        return value.encode().hex().ljust(2 * length, "0") if len(value) <= length else plain_hex(value)


def take_private(theirs, ours, values, where, differences):
    """IPFIX elements whose octets tshark shows without a name: in the template's order."""
    octets = theirs.pop("enterprise_private_entry", [])
    octets = octets if isinstance(octets, list) else [octets]
    named = {FIELDS[field][0] for field in theirs if field in FIELDS}
    named |= {reverse_of(FIELDS[field][0]) for field in theirs if field in FIELDS and isinstance(theirs[field], list)}
    keys = [key for key in ours if is_private(key) and key not in named and ours[key] not in (None, "")]
    if len(keys) != len(octets):
        differences.add(where, f"private elements {keys}, tshark has {octets}")
    for key, text in zip(keys, octets):
        length = len(plain_hex(text)) // 2
        if octets_of(ours[key], length) != plain_hex(text):
            differences.add(where, f"{key}: got {ours[key]!r}, tshark has {text}")
        values[key] = ours[key]


def take_split(theirs, ours, values):
    """What tshark takes apart."""
    labels = [theirs.pop(part, []) for part in ("mpls_label", "mpls_exp", "mpls_bos")]
    keys = [key for key in ours if key.startswith(("mplsLabelStackSection", "mplsTopLabelStackSection"))]
    for key, label, exp, bos in zip(keys, *(part if isinstance(part, list) else [part] for part in labels)):
        values[key] = f"{int(label) << 4 | int(exp) << 1 | int(bos):06x}"
    if "forwarding_status" in theirs:
        codes = [theirs.pop(field) for field in list(theirs) if field.startswith("forwarding_status_")]
        values["forwardingStatus"] = int(theirs.pop("forwarding_status")) << 6 | int(codes[0])
    if "icmp_ipv6_type" in theirs:
        values["icmpTypeCodeIPv6"] = int(theirs.pop("icmp_ipv6_type")) << 8 | int(theirs.pop("icmp_ipv6_code"))
    if "flowDurationMilliseconds" in ours and "timedelta" in theirs:
        delta = theirs["timedelta"]
        values["flowDurationMilliseconds"] = milliseconds(delta[0] if isinstance(delta, list) else delta)


def take_repeated(theirs, ours, values):
    """An element that stands twice, or once and then reversed (RFC 5103), has one name in tshark."""
    for field in [field for field in theirs if field in FIELDS and isinstance(theirs[field], list)]:
        key, make = FIELDS[field]
        found = [make(text) for text in theirs.pop(field)]
        reverse = reverse_of(key)
        if reverse in ours and len(found) == 2:
            values[key], values[reverse] = found
        else:
            values[key] = found


def expected_values(header, theirs, ours, where, differences):
    values = header_values(header) | derived(header, theirs)
    theirs = dict(theirs)
    if values["version"] == 10:
        take_private(theirs, ours, values, where, differences)
    take_split(theirs, ours, values)
    for field, keys in ALIKE.items():
        present = [key for key in keys if key in ours]
        if isinstance(theirs.get(field), list) and len(present) > 1:
            values |= zip(present, map(int, theirs.pop(field)))
    take_repeated(theirs, ours, values)
    if "appl_id.selector_id" in theirs:
        engine = int(theirs.pop("appl_id.classification_engine_id"))
        values["applicationId"] = f"{engine:02x}" + plain_hex(theirs.pop("appl_id.selector_id"))
    unknown = theirs.pop("unknown_field_type", [])
    unnamed = [key for key in ours if "/" in key and key not in OURS_ONLY and key not in values]
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
    ours = {key: RAW[key](bytes.fromhex(value)) if key in RAW else value for key, value in ours.items()}
    values = expected_values(header, theirs, ours, where, differences)
    for key, want in values.items():
        got = ours.get(key)
        if isinstance(want, int) and isinstance(got, str) and key != "scopeSystem":
            fraction = got.partition(".")[2]
            got = instant(got)
            if len(fraction) == 7 and abs(got - want) <= 500:  # of microseconds, which we round to
                continue
        if got != want:
            differences.add(where, f"{key}: got {ours.get(key)!r}, tshark has {want!r}")
    for key in ours.keys() - values.keys() - OURS_ONLY.keys():
        if ours[key] is None or ours[key] == "":  # a field of no length; tshark leaves it out
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
