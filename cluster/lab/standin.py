#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# A stand-in for the exporter where namespaces are not permitted: NetFlow v5 and v9 of made-up flows, to a
# multicast group on the loopback interface. Prints how many datagrams it has sent.
#
#   standin.py GROUP PORT RATE SECONDS        RATE datagrams a second
import random
import signal
import socket
import struct
import sys
import time

FIELDS = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (22, 4), (21, 4)]


def v5(uptime, now, flows_before):
    flows = b"".join(
        struct.pack(">4s4s4sHHIIIIHHBBBBHHBBH", bytes([198, 51, 100, random.randrange(1, 255)]),
                    bytes([203, 0, 113, random.randrange(1, 255)]), bytes(4), 1, 2, random.randrange(1, 100),
                    random.randrange(40, 100000), uptime - 1000, uptime - 10, random.randrange(1024, 65536), 443, 0,
                    0x1B, 6, 0, 0, 0, 24, 24, 0) for _ in range(30))
    return struct.pack(">HHIIIIBBH", 5, 30, uptime, now, 0, flows_before & 0xFFFFFFFF, 0, 0, 0) + flows


def v9(uptime, now, number):
    sets, count = b"", 20
    if number % 20 == 0:
        template = b"".join(struct.pack(">HH", *field) for field in FIELDS)
        sets += struct.pack(">HHHH", 0, 8 + len(template), 256, len(FIELDS)) + template
        count += 1
    data = b"".join(
        struct.pack(">4s4sHHBIIII", bytes([198, 51, 100, random.randrange(1, 255)]),
                    bytes([203, 0, 113, random.randrange(1, 255)]), random.randrange(1024, 65536), 53, 17,
                    random.randrange(1, 100), random.randrange(40, 100000), uptime - 1000, uptime - 10)
        for _ in range(20))
    data += bytes(-len(data) % 4)
    sets += struct.pack(">HH", 256, 4 + len(data)) + data
    return struct.pack(">HHIIII", 9, count, uptime, now, number & 0xFFFFFFFF, 7) + sets


def main():
    group, port, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sockets = []
    for _ in range(2):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        s.bind(("127.0.0.1", 0))
        sockets.append(s)
    begin, sent = time.monotonic(), 0
    while time.monotonic() - begin < seconds:
        due = int((time.monotonic() - begin) * rate)
        while sent < due:
            uptime, now = 5000 + int((time.monotonic() - begin) * 1000), int(time.time())
            if sent % 2 == 0:
                sockets[0].sendto(v5(uptime, now, sent // 2 * 30), (group, port))
            else:
                sockets[1].sendto(v9(uptime, now, sent // 2), (group, port))
            sent += 1
        print(sent, flush=True)
        time.sleep(0.02)


main()
