#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Bad HTTP clients, until they are killed.

    clients.py PORT KIND COUNT

KIND: silent (say nothing), slow (a request that never ends, a byte at a time), deaf (ask for more and more, and read
nothing), churn (connect again whenever they are cut off); to a server with TLS: hello (half a handshake, then nothing),
garbage (random bytes), cut (a handshake, half a request, and gone), guess (a wrong password each time, and another one).
Prints "ready" when all have tried to connect, and to send for some time.
"""
import base64
import os
import random
import resource
import select
import socket
import ssl
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


def hello():
    """What a client says first."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="x")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def with_tls(request):
    """One whole connection, with what is answered."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s, context.wrap_socket(s) as t:
            t.sendall(request)
            return t.recv(100) if kind == "guess" else b""
    except OSError:
        return b""


if kind in ("cut", "guess"):
    for turn in range(1 << 30):
        if kind == "cut":
            with_tls(b"GET /metrics HT")
        else:
            word = base64.b64encode(b"one:%d" % turn)
            answer = with_tls(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + word + b"\r\n\r\n")
            if b" 429 " in answer:
                print("told to wait", flush=True)
        if turn == count:
            print("ready", flush=True)

HELLO = hello()
WORDS = {"silent": b"", "churn": b"", "slow": b"x", "hello": b"",
         "garbage": b"", "deaf": b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1000}
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
            elif kind == "hello" and s not in began:
                s.send(HELLO[: len(HELLO) // 2])
                began.add(s)
            elif kind == "garbage":
                s.send((HELLO[: random.randrange(len(HELLO))] if random.random() < 0.5 else b"\x16\x03\x01") + os.urandom(500))
            elif WORDS[kind]:
                s.send(WORDS[kind])
            if kind == "churn" and s.recv(1) == b"":
                raise ConnectionResetError
        except BlockingIOError:
            pass
        except OSError:
            if kind in ("churn", "slow", "hello", "garbage"):
                began.discard(s)
                s.close()
                all_of_them[i] = connect()
    select.select([], [], [], 0.02)
