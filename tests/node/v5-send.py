#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""An exporter whose datagrams come to some nodes only.

    v5-send.py SOURCE[:PORT] FIRST COUNT FLOWS TO-PORT...

Sends COUNT NetFlow v5 datagrams of FLOWS flows each, the first of which has FLOWS * FIRST as its sequence number, from that
address and port to each of the ports of 127.0.0.1.
"""
import socket
import struct
import sys

BOOTED = 1700000000


def datagram(number, flows):
    head = struct.pack("!HHIIIIHH", 5, flows, 1000 * number, BOOTED + number, 0, flows * number, 0, 0)
    return head + bytes(48 * flows)


def main():
    address, port = sys.argv[1].split(":")
    first, count, flows = map(int, sys.argv[2:5])
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, int(port)))
    for number in range(first, first + count):
        payload = datagram(number, flows)
        for to in sys.argv[5:]:
            s.sendto(payload, ("127.0.0.1", int(to)))


main()
