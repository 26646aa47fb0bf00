#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# The flows that `flowbraid cat -F json` prints against those that `nfdump -o json` prints of the same datagrams.
# Flows are paired in their order by addresses, ports and protocol. Prints each kind of difference with its number,
# and exits 1 when they are not exactly those that EXPLAINED has for the capture.
#
#   nfdump.py CAPTURE FLOWS NFDUMP
import difflib
import json
import sys

# capture -> kind of difference -> number of flows, and why.
MICROSECONDS = "nfdump 1.7.1 does not read times in microseconds, and so has the year 1970"
SECONDS = "nfdump 1.7.1 does not read times in seconds, and so has the year 1970"
MASKS = "nfdump 1.7.1 does not keep the prefix lengths of v5; tshark has ours"
SCALED = "nfdump multiplies by the sampling interval, 1000; we show it beside the counters"
FORWARDING = "nfdump 1.7.1 shows 0; tshark has our value"
SWAPPED = "nfdump 1.7.1 takes IPFIX's flowStartSysUpTime for the end and flowEndSysUpTime for the start"
BEYOND = "the exporter tells a time beyond its own uptime: we take it for one before the wrap, nfdump for one to come"
EXPLAINED = {
    "ipfix_netscaler": {"first": (3, MICROSECONDS), "last": (3, MICROSECONDS)},
    "ipfix_netscaler_late_tpl": {
        "flows not in nfdump": (3, "the template comes after the data: nfcapd has thrown them away"),
    },
    "v5_basic": {
        "flows in nfdump alone": (28, "the header says 2 records; nfdump takes what follows for more, tshark does not"),
    },
    "v5_invalid": {
        "flows not in nfdump": (60, "the headers count more records than there are: nfcapd refuses the datagrams, "
                                    "we flag them and decode the whole records that are there"),
    },
    "v5_juniper_mx80": {
        "in_packets": (29, SCALED),
        "in_bytes": (29, SCALED),
        "src_mask": (29, MASKS),
        "dst_mask": (29, MASKS),
    },
    "v9_fortigate521": {"first": (1, BEYOND), "last": (1, BEYOND)},
    "v9_ie150": {"first": (2, SECONDS), "last": (2, SECONDS)},
    "data-discard-interface": {"fwd_status": (1, "sfcapd does not read that the packet was discarded")},
    "data-sflow-ipv4-data": {
        "in_bytes": (1, "beside the frame stands what its IPv4 header says: sfcapd takes that length, the packet's"),
    },
    "sflow_multiple_counter_30_pdus": {
        "flows not in nfdump": (7, "the capture holds NetFlow v5 besides, which sfcapd refuses"),
    },
    "104-IPFIXv10-IPv6-CISCO-sampling_option": {"fwd_status": (3, FORWARDING)},
    "106-IPFIXv10-HUAWEI-vrf_name": {
        "fwd_status": (2, FORWARDING),
        "first": (2, SWAPPED),
        "last": (2, SWAPPED),
    },
    "111-IPFIXv10-NFv9-IPv6-IPv4-mix_sources": {"fwd_status": (13, FORWARDING)},
    "112-IPFIXv10-CISCO-options-map-reassignment": {
        "flows in nfdump alone": (9, "a router exports from two ports, and the capture has the data templates of "
                                     "one alone: nfcapd uses them for both; a template holds for its own session "
                                     "(RFC 7011, section 8)"),
    },
}

# nfdump's name -> ours, first that is there. nfdump prints 0 where an extension's field was not exported.
SAME = {
    "in_packets": ("packetDeltaCount", "packetTotalCount"),
    "in_bytes": ("octetDeltaCount", "octetTotalCount"),
    "out_packets": ("postPacketDeltaCount",),
    "out_bytes": ("postOctetDeltaCount",),
    "src_tos": ("ipClassOfService",),
    "dst_tos": ("postIpClassOfService",),
    "input_snmp": ("ingressInterface",),
    "output_snmp": ("egressInterface",),
    "src_mask": ("sourceIPv4PrefixLength", "sourceIPv6PrefixLength"),
    "dst_mask": ("destinationIPv4PrefixLength", "destinationIPv6PrefixLength"),
    "src_as": ("bgpSourceAsNumber",),
    "dst_as": ("bgpDestinationAsNumber",),
    "src_vlan": ("vlanId",),
    "dst_vlan": ("postVlanId",),
    "direction": ("flowDirection",),
    "fwd_status": ("forwardingStatus",),
    "ip4_next_hop": ("ipNextHopIPv4Address",),
    "ip6_next_hop": ("ipNextHopIPv6Address",),
    "bgp4_next_hop": ("bgpNextHopIPv4Address",),
    "in_src_mac": ("sourceMacAddress",),
    "out_dst_mac": ("postDestinationMacAddress",),
    "in_dst_mac": ("destinationMacAddress",),
    "out_src_mac": ("postSourceMacAddress",),
    "src4_xlt_ip": ("postNATSourceIPv4Address",),
    "dst4_xlt_ip": ("postNATDestinationIPv4Address",),
    "src_xlt_port": ("postNAPTSourceTransportPort",),
    "dst_xlt_port": ("postNAPTDestinationTransportPort",),
    "tcp_flags": ("tcpControlBits",),
    "first": ("flowStart",),
    "last": ("flowEnd",),
}


def get(flow, names, default=None):
    return next((flow[name] for name in names if name in flow), default)


def one_of(f, value):
    """A template may have an element twice; nfdump knows the last one. Of a tunnel it knows the outer packet."""
    if isinstance(value, list):
        return value[0 if f["version"] == "sflow5" else -1]
    return value


def our_value(f, name):
    """What nfdump should have under the name, or None."""
    if f["version"] == "sflow5":
        # sfcapd multiplies by the sampling rate, counts octets of frames, and has the frame's destination
        # under another name.
        if name in ("in_packets", "in_bytes"):
            of = "packetDeltaCount" if name == "in_packets" else "layer2OctetDeltaCount"
            return f[of] * f["samplingInterval"] if of in f else None
        if name in ("in_dst_mac", "out_dst_mac"):
            return one_of(f, f.get("destinationMacAddress")) if name == "out_dst_mac" else None
    return one_of(f, get(f, SAME[name]))


def our_key(f):
    source = get(f, ("sourceIPv4Address", "sourceIPv6Address"), "")
    destination = get(f, ("destinationIPv4Address", "destinationIPv6Address"), "")
    proto = f.get("protocolIdentifier", 0)
    key = (proto, source, destination, f.get("sourceTransportPort", 0), f.get("destinationTransportPort", 0))
    return tuple(one_of(f, v) for v in key)


def their_key(f):
    source = get(f, ("src4_addr", "src6_addr"), "")
    destination = get(f, ("dst4_addr", "dst6_addr"), "")
    return f.get("proto", 0), source, destination, f.get("src_port", 0), f.get("dst_port", 0)


def without_ports(key):
    return key[:3] if key[0] in (1, 58) else key


def equal(name, ours, theirs):
    if name == "tcp_flags":
        bits = sum(1 << i for i, c in enumerate(reversed(theirs)) if c != ".")
        return ours & 0xFF == bits
    if name in ("first", "last"):
        # nfdump has milliseconds and cuts.
        have = ours.rstrip("Z")
        have = have if "." in have else have + ".000"
        return have[:23].ljust(23, "0") == theirs
    return str(ours) == str(theirs)  # it has translated ports as text


def differences(ours, theirs):
    found, example = {}, {}

    def note(kind, what):
        found[kind] = found.get(kind, 0) + 1
        example.setdefault(kind, what)

    a = [without_ports(our_key(f)) for f in ours]
    b = [without_ports(their_key(f)) for f in theirs]
    pairs = []
    for tag, i, i_end, j, j_end in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs += zip(ours[i:i_end], theirs[j:j_end])
            continue
        for f in ours[i:i_end]:
            note("flows not in nfdump", our_key(f))
        for f in theirs[j:j_end]:
            note("flows in nfdump alone", their_key(f))
    compared = 0
    for f, g in pairs:
        for name in SAME:
            mine = our_value(f, name)
            if name not in g or mine is None:
                continue
            compared += 1
            if not equal(name, mine, g[name]):
                note(name, (mine, g[name]))
    return found, example, len(pairs), compared


def main():
    capture = sys.argv[1]
    ours = [f for f in map(json.loads, open(sys.argv[2])) if not f.get("options")]
    text = open(sys.argv[3]).read()
    theirs = json.loads(text[text.index("["):]) if "{" in text else []  # of no flows it makes no JSON
    found, example, flows, values = differences(ours, theirs)
    explained = {kind: entry[0] for kind, entry in EXPLAINED.get(capture, {}).items()}
    for kind in sorted(found.keys() | explained.keys()):
        print(f"{kind}: {found.get(kind, 0)} differ, explained are {explained.get(kind, 0)}; "
              f"first {example.get(kind)}; {EXPLAINED.get(capture, {}).get(kind, (0, 'no reason known'))[1]}")
    print(f"{flows} flows in both, {values} values compared, {sum(found.values())} differences")
    sys.exit(found != explained)


main()
