#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Flows as `flowbraid cat -F json` prints them against the traffic that packets.py says it has sent: packets and
# octets of each 5-tuple, summed over flow records. Prints the first differences, and exits 1 when there are any.
#
#   compare.py [--version V] [--icmp-source-port | --any-icmp-type] [--packets] SENT FLOWS
import argparse
import json
import sys


def first(flow, *names):
    for name in names:
        if name in flow:
            return flow[name]
    return None


def sum_up(lines, o):
    sums, records = {}, 0
    for line in lines:
        flow = json.loads(line)
        if flow.get("options"):
            continue
        if o.version is not None and str(flow["version"]) != o.version:
            sys.exit(f"version {flow['version']}, expected {o.version}: {line}")
        source = first(flow, "sourceIPv4Address", "sourceIPv6Address")
        destination = first(flow, "destinationIPv4Address", "destinationIPv6Address")
        ports = [flow.get("sourceTransportPort", 0), flow.get("destinationTransportPort", 0)]
        if "192.0.2.1" in (source, destination):  # the trickle
            continue
        records += 1
        proto = flow["protocolIdentifier"]
        if proto in (1, 58):
            icmp = first(flow, "icmpTypeCodeIPv4", "icmpTypeCodeIPv6")
            if icmp is not None:
                ports = [0, icmp]
            elif o.icmp_source_port:
                ports = [0, ports[0] << 8 | ports[1]]
            if o.any_icmp_type:
                ports = [0, 0]
        for prefix, key in (
            ("", (proto, source, ports[0], destination, ports[1])),
            ("reverse", (proto, destination, ports[1], source, ports[0])),
        ):
            names = ("packetDeltaCount", "octetDeltaCount")
            if prefix:
                names = tuple(prefix + name[0].upper() + name[1:] for name in names)
            if names[0] not in flow:
                continue
            total = sums.setdefault(key, [0, 0])
            total[0] += flow[names[0]]
            total[1] += flow[names[1]]
    return {k: v for k, v in sums.items() if v[0]}, records


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--version")
    options.add_argument("--icmp-source-port", action="store_true", help="the source port is the ICMP type, the other one its code")
    options.add_argument("--any-icmp-type", action="store_true", help="ICMP types do not tell flows apart")
    options.add_argument("--packets", action="store_true", help="ask only whether as many packets came as were sent")
    options.add_argument("sent")
    options.add_argument("flows")
    o = options.parse_args()

    sent = {}
    for line in open(o.sent):
        proto, src, sport, dst, dport, packets, octets = line.split()
        key = (int(proto), src, int(sport), dst, int(dport))
        if o.any_icmp_type and key[0] in (1, 58):
            key = (key[0], src, 0, dst, 0)
        total = sent.setdefault(key, [0, 0])
        total[0] += int(packets)
        total[1] += int(octets)
    got, records = sum_up(open(o.flows), o)
    if o.packets:
        sys.exit(sum(v[0] for v in got.values()) < sum(v[0] for v in sent.values()))
    wrong = [
        (key, sent.get(key), got.get(key)) for key in sorted(sent.keys() | got.keys()) if sent.get(key) != got.get(key)
    ]
    for key, want, have in wrong[:10]:
        print(f"{' '.join(map(str, key))}: packets and octets sent {want}, in flows {have}")
    if len(wrong) > 10:
        print(f"and {len(wrong) - 10} more")
    if not sent:
        sys.exit("nothing was sent")
    print(f"{len(sent)} 5-tuples, {sum(v[0] for v in sent.values())} packets, "
          f"{sum(v[1] for v in sent.values())} octets; {records} flow records")
    sys.exit(1 if wrong else 0)


main()
