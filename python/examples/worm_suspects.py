#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Who speaks to many hosts on one port, with little to each: worms and scanners. After flowd's wormsuspects.pl."""

from __future__ import annotations

import argparse
import signal
import sys
from collections import defaultdict
from typing import DefaultDict, Set, Tuple

import flowbraid


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-t", "--targets", type=int, default=100, help="so many hosts make a suspect (100)")
    parser.add_argument("-p", "--packets", type=int, default=3, help="flows with no more packets than that count (3)")
    parser.add_argument("-e", "--expression", help="only flows that match; flowbraid-filter(7)")
    parser.add_argument("path", nargs="+", help="log folder, segment or archive")
    given = parser.parse_args()
    targets: DefaultDict[Tuple[object, object, object], Set[int]] = defaultdict(set)
    flows: DefaultDict[Tuple[object, object, object], int] = defaultdict(int)
    with flowbraid.open(*given.path, expression=given.expression) as reader:
        for flow in reader:
            src, dst, packets = flow.src, flow.dst, flow.packets
            if src is None or dst is None or packets is None or packets > given.packets:
                continue
            key = (src, flow.protocol, flow.dst_port)
            targets[key].add(int(dst))
            flows[key] += 1
    suspects = [(len(hosts), key) for key, hosts in targets.items() if len(hosts) >= given.targets]
    for count, suspect in sorted(suspects, key=lambda one: (-one[0], str(one[1]))):
        who, protocol, port = suspect
        print(f"{who} protocol {protocol} port {'-' if port is None else port}: {count} hosts, {flows[suspect]} flows")
    return 1 if suspects else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a closed pipe ends it quietly
    try:
        sys.exit(main())
    except (flowbraid.Error, ValueError) as why:
        sys.exit(f"{sys.argv[0]}: {why}")
