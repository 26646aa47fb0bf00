#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Sends the UDP payloads of captures to ports on 127.0.0.1, in their order, each source from a port of its own, so
# that what came from several exporters stays several streams. Ethernet, Linux cooked and raw IP captures, IPv4 and
# IPv6; fragments are left out. Prints how many it has sent. With -l sends none, but prints a line for each: source,
# its port, and the payload.
#
#   replay.py [-p PORT]... CAPTURE...
#   replay.py -l CAPTURE...
import argparse
import ipaddress
import socket
import struct
import sys
import time


def frames(path):
    """Link type and bytes of each frame of a pcap file."""
    data = open(path, "rb").read()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}
    if data[:4] not in order:
        sys.exit(f"{path}: no pcap file")
    end = order[data[:4]]
    link = struct.unpack(end + "I", data[20:24])[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(end + "I", data[at + 8:at + 12])[0]
        yield link, data[at + 16:at + 16 + length]
        at += 16 + length


def ip_of(link, frame):
    if link in (12, 101, 14):
        return frame
    at = {1: 12, 113: 14, 276: 0}.get(link)
    if at is None:
        return b""
    kind = frame[at:at + 2]
    at = 20 if link == 276 else at + 2
    while kind in (b"\x81\x00", b"\x88\xa8"):
        kind = frame[at + 2:at + 4]
        at += 4
    return frame[at:] if kind in (b"\x08\x00", b"\x86\xdd") else b""


def udp_of(ip):
    """Source and payload, or None."""
    if len(ip) >= 28 and ip[0] >> 4 == 4 and ip[9] == 17 and struct.unpack("!H", ip[6:8])[0] & 0x3FFF == 0:
        source, udp = ip[12:16], ip[(ip[0] & 15) * 4:struct.unpack("!H", ip[2:4])[0]]
    elif len(ip) >= 48 and ip[0] >> 4 == 6 and ip[6] == 17:
        source, udp = ip[8:24], ip[40:40 + struct.unpack("!H", ip[4:6])[0]]
    else:
        return None
    length = struct.unpack("!H", udp[4:6])[0]
    return (source, udp[:2]), udp[8:length]


def show(captures):
    for capture in captures:
        for link, frame in frames(capture):
            found = udp_of(ip_of(link, frame))
            if found is not None:
                (address, port), payload = found
                print(ipaddress.ip_address(address), int.from_bytes(port, "big"), payload.hex())


def main():
    options = argparse.ArgumentParser()
    options.add_argument("-l", dest="list", action="store_true")
    options.add_argument("-p", dest="ports", type=int, action="append")
    options.add_argument("captures", nargs="+")
    o = options.parse_args()
    if o.list:
        show(o.captures)
        return
    sockets, sent = {}, 0
    for capture in o.captures:
        for link, frame in frames(capture):
            found = udp_of(ip_of(link, frame))
            if found is None:
                continue
            source, payload = found
            if source not in sockets:
                sockets[source] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for port in o.ports or [2055]:
                sockets[source].sendto(payload, ("127.0.0.1", port))
            sent += 1
            if sent % 16 == 0:
                time.sleep(0.002)  # the pace: nfcapd's socket buffer is small
    print(sent)


main()
