#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What stands at the other end of forwards and feeds.

sink ADDRESS PORT FILE [GROUP INTERFACE]   receives UDP; a line "address port hex" a datagram in FILE
reader PATH FILE COUNT                     COUNT readers of a feed, each with a file FILE.N, until it ends
stall PATH FILE                            a reader that reads nothing before SIGUSR1, then all that comes
leave PATH BYTES                           a reader that goes after so many bytes

Each prints "ready" when it is.
"""
import os
import selectors
import signal
import socket
import struct
import sys


def sink(address, port, path, group=None, interface=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    s.bind((address, int(port)))
    if group is not None and family == socket.AF_INET6:
        index = socket.if_nametoindex(interface)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(family, group) + struct.pack("=i", index))
    elif group is not None:
        index = socket.if_nametoindex(interface)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + struct.pack("=4si", b"\0" * 4, index))
    print("ready", flush=True)
    with open(path, "w") as out:
        while True:
            data, peer = s.recvfrom(65536)
            out.write(f"{peer[0]} {peer[1]} {data.hex()}\n")
            out.flush()


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(path)
    return s


def reader(path, file, count):
    selector = selectors.DefaultSelector()
    for i in range(int(count)):
        selector.register(connect(path), selectors.EVENT_READ, open(f"{file}.{i}", "wb", buffering=0))
    print("ready", flush=True)
    while selector.get_map():
        for key, _ in selector.select():
            data = key.fileobj.recv(1 << 18)
            if data:
                key.data.write(data)
            else:
                selector.unregister(key.fileobj)
                key.data.close()


def stall(path, file):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    s = connect(path)
    print("ready", flush=True)
    signal.sigwait([signal.SIGUSR1])
    with open(file, "wb", buffering=0) as out:
        while data := s.recv(1 << 18):
            out.write(data)


def leave(path, count):
    s = connect(path)
    print("ready", flush=True)
    left = int(count)
    while left > 0:
        data = s.recv(min(left, 1000))
        if not data:
            sys.exit("the feed ended first")
        left -= len(data)
    os._exit(0)


globals()[sys.argv[1]](*sys.argv[2:])
