#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Many exporters of NetFlow v5, each with its address, port and sequence, whose every datagram is one flow.

    exporters.py ADDRESS PORT FIRST-SOURCE HOSTS PORTS FIRST-SEQUENCE COUNT [A-SECOND [INTERFACE]]

HOSTS addresses from FIRST-SOURCE on, each with PORTS ports from 40000 on; all together send COUNT datagrams each,
in turn. What a socket does not take is sent again.
"""
import ipaddress
import socket
import struct
import sys
import time


def exporter(source, port, to, interface):
    s = socket.socket(socket.AF_INET6 if source.version == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((str(source), port))
    if interface and source.version == 6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(interface))
    elif interface:
        index = struct.pack("@4s4si", bytes(4), bytes(4), socket.if_nametoindex(interface))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, index)
    s.connect(to)
    return s


def send(s, payload):
    while True:
        try:
            s.send(payload)
            return
        except (BlockingIOError, ConnectionRefusedError):
            pass
        except OSError as e:
            if e.errno != 105:  # ENOBUFS
                raise


def main(address, port, source, hosts, ports, first, count, rate="20000", interface=None):
    first_source = ipaddress.ip_address(source)
    sockets = [exporter(first_source + h, 40000 + p, (address, int(port)), interface)
               for h in range(int(hosts)) for p in range(int(ports))]
    begun, sent = time.monotonic(), 0
    for n in range(int(first), int(first) + int(count)):
        head = struct.pack("!HHIIIIBBH", 5, 1, 3600000 + n, 1700000000 + n // 1000, n % 1000 * 1000000, n, 0, 0, 0)
        payload = head + bytes([10, 0, 0, 1] * 12)
        for s in sockets:
            send(s, payload)
            sent += 1
            if sent % 50 == 0:
                time.sleep(max(0, begun + sent / float(rate) - time.monotonic()))


main(*sys.argv[1:])
