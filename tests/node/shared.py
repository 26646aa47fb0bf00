#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""An exporter of NetFlow v9 with two source ids.

    shared.py ADDRESS PORT SOURCE-PORT shared|apart [SECONDS]

Counts both with one counter or each with its own, loses some, and prints how many datagrams were lost between the first and the
last that it sent. SECONDS: pause between two of them.
"""
import socket
import struct
import sys
import time

TO, PORT, FROM, HOW = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
PAUSE = float(sys.argv[5]) if len(sys.argv) > 5 else 0.0002
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", FROM))
sock.connect((TO, PORT))
counters = {7: 1000, 8: 1000}
clock, lost = 0, 0
for i in range(4000):
    domain = 7 if i < 500 or i // 13 % 2 else 8  # alone at first, then in bursts
    key = 7 if HOW == "shared" else domain
    number, counters[key], clock = counters[key], counters[key] + 1, clock + 10
    if i in (100, 101, 700, 1040, 1041, 1042, 1800):
        lost += 1
        continue
    head = struct.pack("!HHIIII", 9, 1, 3600000 + clock, 1700000000 + clock // 1000, number, domain)
    sock.send(head + struct.pack("!HHII", 300, 12, i, number))
    time.sleep(PAUSE)
print(lost)
