#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Bad HTTP clients, until they are killed.

    clients.py PORT KIND COUNT

KIND: silent (say nothing), slow (a request that never ends, a byte at a time), deaf (ask for more and more, and read
nothing), churn (connect again whenever they are cut off). Prints "ready" when all have tried to connect, and to send
for some time.
"""
import resource
import select
import socket
import sys

port, kind, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))


def connect():
    s = socket.socket()
    s.setblocking(False)
    if kind == "deaf":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.connect_ex(("127.0.0.1", port))
    return s


WORDS = {"silent": b"", "churn": b"", "slow": b"x", "deaf": b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1000}
all_of_them = [connect() for _ in range(count)]
began = set()
turn = 0
while True:
    if turn == 30:
        print("ready", flush=True)
    turn += 1
    for i, s in enumerate(all_of_them):
        try:
            if kind == "slow" and s not in began:
                s.send(b"GET /metrics HTTP/1.1\r\nX-")
                began.add(s)
            elif WORDS[kind]:
                s.send(WORDS[kind])
            if kind == "churn" and s.recv(1) == b"":
                raise ConnectionResetError
        except BlockingIOError:
            pass
        except OSError:
            if kind in ("churn", "slow"):
                began.discard(s)
                s.close()
                all_of_them[i] = connect()
    select.select([], [], [], 0.02)
