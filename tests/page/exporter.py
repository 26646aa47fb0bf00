#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Exports NetFlow v5 (one flow a datagram) from three addresses to each of some nodes, and loses of it what it is told to:

    exporter.py A-SECOND PORT...

Reads commands: `lose NODE N` keeps each Nth datagram from that node (0, 1, ...; N 0: none); `hole COUNT` keeps the next COUNT datagrams
of each address from all nodes.
"""

import os
import select
import socket
import struct
import sys
import time

SOURCES = ["127.0.1.1", "127.0.1.2", "127.0.1.3"]


def datagram(number, began, now):
    up = int((now - began) * 1000) & 0xFFFFFFFF
    header = struct.pack(">HHIIIIBBH", 5, 1, up, int(now), int(now % 1 * 1e9), number, 0, 0, 0)
    flow = struct.pack(">4s4s4sHHIIIIHHBBBBHHBBH", b"\xc0\0\2\1", b"\xc0\0\2\2", b"\0\0\0\0", 1, 2, 3, 180, up, up, 1234, 53,
                       0, 0, 17, 0, 0, 0, 24, 24, 0)
    return header + flow


rate = float(sys.argv[1])
nodes = [("127.0.0.1", int(p)) for p in sys.argv[2:]]
every = [0] * len(nodes)
hole = 0
sockets = []
for source in SOURCES:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, 40000))
    sockets.append(s)
began = time.time() - 1000
number = 0
commands = sys.stdin.fileno()
pending = b""
while True:
    now = time.time()
    for s in sockets:
        body = datagram(number, began, now)
        for i, node in enumerate(nodes):
            if hole == 0 and not (every[i] and number % every[i] == 0):
                try:
                    s.sendto(body, node)
                except ConnectionRefusedError:
                    pass  # the node is down, and the kernel tells of the datagram before
    hole = max(0, hole - 1)
    number += 1
    if select.select([commands], [], [], 1 / rate)[0]:
        read = os.read(commands, 4096)
        if not read:
            break
        pending += read
        while b"\n" in pending:
            line, pending = pending.split(b"\n", 1)
            word, *numbers = line.split()
            if word == b"lose":
                every[int(numbers[0])] = int(numbers[1])
            elif word == b"hole":
                hole = int(numbers[0])
