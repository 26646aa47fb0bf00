#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# An exporter whose numbers are known: NetFlow v9 datagrams, one template each, with sequence numbers from FIRST on.
#
#	numbered.py GROUP PORT BOOT FIRST COUNT RATE
import socket
import struct
import sys
import time

group, port, boot, first, count, rate = sys.argv[1], *map(int, sys.argv[2:])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 40001))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("192.0.2.1"))
begun = time.monotonic()
for i in range(count):
    time.sleep(max(0, begun + i / rate - time.monotonic()))
    now = time.time()
    s.sendto(struct.pack(">HHIIII", 9, 1, int(now - boot) * 1000, int(now), first + i, 7)
             + struct.pack(">HHHHHH", 0, 12, 256, 1, 8, 4), (group, port))
