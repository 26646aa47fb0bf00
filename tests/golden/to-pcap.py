#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# An IPFIX file (RFC 5655) is messages one behind the other: puts each into a datagram of a capture, from 192.0.2.1.
#
#	to-pcap.py FILE.ipfix CAPTURE.pcap
import struct
import sys


def messages(data):
    at = 0
    while at < len(data):
        version, length, seconds = struct.unpack("!HHI", data[at:at + 8])
        if version != 10 or length < 16 or at + length > len(data):
            sys.exit(f"no message at {at}: version {version}, length {length}")
        yield seconds, data[at:at + length]
        at += length


def main():
    data = open(sys.argv[1], "rb").read()
    with open(sys.argv[2], "wb") as out:
        out.write(struct.pack("!IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))  # raw IP
        for seconds, message in messages(data):
            udp = struct.pack("!HHHH", 4739, 4739, 8 + len(message), 0) + message
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes((192, 0, 2, 1)),
                             bytes((127, 0, 0, 1))) + udp
            out.write(struct.pack("!IIII", seconds, 0, len(ip), len(ip)) + ip)


main()
