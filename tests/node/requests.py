#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Senseless HTTP requests, from a seed: grammar bent in each place, cut, doubled, pipelined, mixed with random bytes.

    requests.py PORT SEED COUNT plain|tls [USER:PASSWORD]

Whatever is answered must be HTTP. Exits 1 and names the request that was answered otherwise.
"""
import base64
import os
import random
import socket
import ssl
import sys

port, seed, count, way = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
password = sys.argv[5] if len(sys.argv) > 5 else None
r = random.Random(seed)


def junk(most):
    return bytes(r.randrange(256) for _ in range(r.randrange(most)))


def pick(*of):
    return r.choice(of)


def request():
    method = pick(b"GET", b"GET", b"HEAD", b"POST", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"", b"G" * 300, junk(8))
    target = pick(b"/status", b"/metrics", b"/", b"*", b"//", b"/../..", b"/%00", b"/%", b"http://x/status", b"http://",
                  b"http://[::1", b"/status?" + b"a=b&" * r.randrange(2000), b"/" + b"x" * r.randrange(9000), b"?%zz=%",
                  b"/\xff\xfe", junk(40))
    version = pick(b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/999999999999.1", b"", junk(6))
    end = pick(b"\r\n", b"\r\n", b"\n", b"\r", b"")
    lines = [method + pick(b" ", b" ", b"  ", b"\t", b"") + target + pick(b" ", b"") + version]
    for _ in range(r.randrange(8)):
        lines.append(pick(b"Host: x", b"Host:", b": x", b" folded", b"Content-Length: 5", b"Content-Length: -1",
                          b"Content-Length: 99999999999999999999", b"Transfer-Encoding: chunked", b"Connection: keep-alive",
                          b"Connection: upgrade", b"Expect: 100-continue", b"X: " + b"y" * r.randrange(9000), b"Range: bytes=0-",
                          b"Authorization: Basic", b"Authorization: Basic " + base64.b64encode(junk(400)),
                          b"Authorization: Basic " + junk(90), junk(60)))
    if password is not None and r.random() < 0.7:
        lines.append(b"Authorization: Basic " + base64.b64encode(password.encode()))
    out = end.join(lines) + end + end + pick(b"", b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\n", junk(3000))
    if r.random() < 0.2:
        out *= r.randrange(1, 200)
    if r.random() < 0.2:
        out = out[: r.randrange(len(out) + 1)]
    if r.random() < 0.1 and out:
        at = r.randrange(len(out))
        out = out[:at] + junk(20) + out[at:]
    return out


def connect():
    s = socket.create_connection(("127.0.0.1", port), 10)
    s.settimeout(0.2)
    if way == "plain":
        return s
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    s.settimeout(10)
    t = context.wrap_socket(s)
    t.settimeout(0.2)
    return t


for number in range(count):
    asked = request()
    got = b""
    try:
        with connect() as s:
            s.sendall(asked)
            while len(got) < 100 and (more := s.recv(4096)):
                got += more
    except OSError:
        pass
    if got and not got.startswith(b"HTTP/"):
        print(f"request {number} of seed {seed}: {asked[:200]!r}: answered {got[:100]!r}")
        os._exit(1)
