#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Traffic of which every packet is known: conversations over TCP, UDP and ICMP, interleaved, put as frames onto an
# interface. Prints what was sent, a line for each direction of each conversation: protocol, source, its port,
# destination, its port, packets, octets (of IP packets whole). ICMP has its type and code as destination port, as
# exporters have it.
#
#   packets.py INTERFACE [-4]        -4: no IPv6
#   packets.py INTERFACE --trickle [SECONDS]   until it is ended, a flow of one packet every 10 ms or as said, UDP from
#                                    192.0.2.1, which compare.py leaves out: some exporters look at their buffers only
#                                    when packets come, and send only what fills a datagram
import ipaddress
import random
import socket
import struct
import sys
import time

ETHER = bytes.fromhex("020000000002020000000001")  # addresses of nobody, so the kernel takes no part
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(proto, src, dst, ports, size, flags=0, seq=0):
    """An IP packet with size octets of data."""
    data = bytes(size)
    if proto == TCP:
        body = struct.pack("!HHIIBBHHH", *ports, seq, 1, 5 << 4, flags, 8192, 0, 0) + data
    elif proto == UDP:
        body = struct.pack("!HHHH", *ports, 8 + size, 0) + data
    else:
        body = struct.pack("!HHHH", ports[1], 0, 77, seq) + data
    pseudo = src.packed + dst.packed + struct.pack("!II", len(body), proto)
    if proto == ICMP:
        pseudo = b""
    at = {TCP: 16, UDP: 6}.get(proto, 2)
    body = body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2:]
    if src.version == 6:
        return ETHER + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(body), proto, 64) + src.packed + dst.packed + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), seq & 0xFFFF, 0x4000, 64, proto, 0) + src.packed + dst.packed
    return ETHER + b"\x08\x00" + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def conversation(r, i, version, proto):
    """Its packets in order, each with the key of its flow."""
    base = ("198.51.100.0", "203.0.113.0") if version == 4 else ("2001:db8:1::", "2001:db8:2::")
    here = ipaddress.ip_address(base[0]) + 1 + i % 50
    there = ipaddress.ip_address(base[1]) + 1 + i % 7
    if proto in (ICMP, ICMP6):
        # An identifier is no part of a flow's key: an address pair of its own.
        here = ipaddress.ip_address(base[0]) + 200 + i % 50
        request, reply = ((0, 0x0800), (0, 0x0000)) if proto == ICMP else ((0, 128 << 8), (0, 129 << 8))
    else:
        request = (10000 + i, r.choice((22, 53, 80, 443, 8080, 65535)))
        reply = request[::-1]
    way = {True: (here, there, request), False: (there, here, reply)}
    steps = []
    if proto == TCP:
        steps += [(True, 0, SYN), (False, 0, SYN | ACK), (True, 0, ACK)]
    # One in ten is long, one in three goes one way only.
    count = r.randint(200, 900) if i % 10 == 9 else r.randint(1, 12)
    one_way = proto != TCP and i % 3 == 0
    for _ in range(count):
        steps.append((one_way or r.random() < 0.6 or not steps, r.choice((0, 1, 31, 100, 512, 1400)), PSH | ACK))
    if proto == TCP and i % 4:
        steps += [(True, 0, FIN | ACK), (False, 0, FIN | ACK), (True, 0, ACK)] if i % 4 > 1 else [(False, 0, RST | ACK)]
    for n, (forth, size, flags) in enumerate(steps):
        src, dst, ports = way[forth]
        yield (proto, str(src), ports[0], str(dst), ports[1]), packet(proto, src, dst, ports, size, flags, n)


def main():
    r = random.Random(1)
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    out.bind((sys.argv[1], 0))
    if "--trickle" in sys.argv[2:]:
        nobody = [ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("192.0.2.2")]
        for port in range(1024, 65535):
            out.send(packet(UDP, *nobody, (port, 9), 10))
            time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 0.01)
        return
    kinds = [(4, TCP), (4, UDP), (4, TCP), (4, UDP), (4, ICMP)]
    if "-4" not in sys.argv[2:]:
        kinds += [(6, TCP), (6, UDP), (6, ICMP6)]
    alive = [conversation(r, i, *kinds[i % len(kinds)]) for i in range(200)]
    sent = {}
    n = 0
    while alive:
        at = r.randrange(len(alive))
        step = next(alive[at], None)
        if step is None:
            del alive[at]
            continue
        key, frame = step
        out.send(frame)
        total = sent.setdefault(key, [0, 0])
        total[0] += 1
        total[1] += len(frame) - 14
        n += 1
        if n % 16 == 0:
            time.sleep(0.001)  # the pace: an exporter's capture buffer is small
    for key, total in sorted(sent.items()):
        print(*key, *total)


main()
