#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Totals, and the top ten of senders, receivers, ports, protocols and exporters by octets. After flowd's stats.py."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections import defaultdict
from typing import DefaultDict, Dict, List, Optional

import flowbraid


class Tally:
    """Flows, packets and octets of one thing."""

    def __init__(self) -> None:
        self.flows = self.packets = self.octets = 0

    def add(self, packets: int, octets: int) -> None:
        self.flows += 1
        self.packets += packets
        self.octets += octets

    def __str__(self) -> str:
        return f"{self.flows} flows {self.packets} packets {self.octets} octets"


def protocol_names() -> Dict[int, str]:
    return {
        value: name[len("IPPROTO_") :].lower()
        for name, value in vars(socket).items()
        if name.startswith("IPPROTO_") and isinstance(value, int)
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=10, help="how many of each kind (10)")
    parser.add_argument("-e", "--expression", help="only flows that match; flowbraid-filter(7)")
    parser.add_argument("path", nargs="+", help="log folder, segment or archive")
    given = parser.parse_args()

    kinds = ("senders", "receivers", "source ports", "destination ports", "protocols", "exporters")
    tallies: List[DefaultDict[object, Tally]] = [defaultdict(Tally) for _ in kinds]
    total = Tally()
    first: Optional[int] = None
    last: Optional[int] = None
    names = protocol_names()
    with flowbraid.open(*given.path, expression=given.expression) as reader:
        for flow in reader:
            packets, octets, protocol = flow.packets or 0, flow.octets or 0, flow.protocol
            total.add(packets, octets)
            for tally, key in zip(
                tallies,
                (
                    flow.src,
                    flow.dst,
                    flow.src_port,
                    flow.dst_port,
                    None if protocol is None else names.get(protocol, protocol),
                    flow.exporter,
                ),
            ):
                if key is not None:
                    tally[key].add(packets, octets)
            start = flow.start_ns if flow.start_ns is not None else flow.received.ns
            end = flow.end_ns if flow.end_ns is not None else start
            first = start if first is None else min(first, start)
            last = end if last is None else max(last, end)
    print(f"total: {total}")
    if first is not None and last is not None:
        print(f"from {flowbraid.Time.from_ns(first)} to {flowbraid.Time.from_ns(last)}")
        seconds = (last - first) / 1e9
        if seconds > 0:
            print(f"average: {total.octets * 8 / seconds:.0f} bit/s, {total.packets / seconds:.1f} packets/s")
    for kind, tally in zip(kinds, tallies):
        print(f"\n{kind}: {len(tally)}")
        for what, one in sorted(tally.items(), key=lambda item: (-item[1].octets, str(item[0])))[: given.n]:
            share = 100 * one.octets / total.octets if total.octets else 0
            print(f"  {what}: {one} ({share:.1f} %)")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a closed pipe ends it quietly
    try:
        sys.exit(main())
    except (flowbraid.Error, ValueError) as why:
        sys.exit(f"{sys.argv[0]}: {why}")
