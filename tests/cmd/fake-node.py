#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Something that answers as a node does, for tests of flowbraid monitor: /gaps?since= (always all) and /status of streams that go on by ten datagrams a second,
# begun a minute before midnight, UTC, of some day, so that all such nodes tell of the same ones.
#
#	fake-node.py PORT NAME [OPTION]...
import argparse
import base64
import datetime
import http.server
import json
import ssl
import time

options = argparse.ArgumentParser()
options.add_argument("port", type=int)
options.add_argument("name")
options.add_argument("--cluster", default="test")
options.add_argument("--streams", type=int, default=2)
options.add_argument("--miss", default="", help="FROM-TO,...: seconds before --at in which nothing was heard of the first stream")
options.add_argument("--at", type=int, default=int(time.time()))
options.add_argument("--loss", type=int, default=0, help="each so manieth datagram of all streams is missing")
options.add_argument("--mode", default="", help="slow, endless, garbage, error, half, wrong")
options.add_argument("--user", default="", help="USER:PASSWORD that is asked for")
options.add_argument("--certificate")
options.add_argument("--key")
options.add_argument("--client-ca")
o = options.parse_args()

BASE = int(time.time()) // 86400 * 86400 - 60
STARTED = time.time()
RATE = 10


def text(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def ns(t):
    return int(t * 1000) * 1000000


def position(t):
    return int((t - BASE) * RATE)


def ranges(i, first, end):
    if o.loss:
        return [(p, p + 1) for p in range(first - first % o.loss + o.loss, end - 1, o.loss)][-1000:]
    if i > 0 or not o.miss:
        return []
    spans = (s.split("-") for s in o.miss.split(","))
    return [(position(o.at - int(a)), position(o.at - int(b))) for a, b in spans]


def missing(i, first, end):
    out, at = [], first
    for a, b in ranges(i, first, end):
        out += [a - at, b - a]
        at = b
    return out


def gaps():
    now = float(int(time.time()))
    end = position(now)
    first = max(position(STARTED - 600), 0)
    head = {"cluster": o.cluster, "node": o.name, "time": text(now), "started": text(STARTED - 600), "token": "1-1", "since": None}
    streams = [{
        "id": i, "exporter": f"10.{i // 65536}.{i // 256 % 256}.{i % 256}", "exporterPort": 40000, "version": 9, "domain": i, "lane": 0, "unit": "datagrams",
        "discipline": "datagrams", "learnt": True, "epoch": 1, "boot": ns(BASE), "firstHeard": ns(STARTED - 600), "lastHeard": ns(now), "first": first, "next": end,
        "datagrams": end - first, "heard": end - first, "missing": missing(i, first, end),
    } for i in range(o.streams)]
    return "".join(json.dumps(line) + "\n" for line in [head] + streams + [{"gone": [], "end": True}])


def status():
    n = o.streams * (position(int(time.time())) - position(STARTED - 600))
    return {"cluster": o.cluster, "node": o.name, "version": "9.9", "lanes": [{"datagrams": n, "failing": 0, "refusing": 0, "listeners": []}]}


class Handler(http.server.BaseHTTPRequestHandler):
    made = {}

    def log_message(self, *args):
        pass

    def answer(self, code, body, length=None):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def document(self):
        second = int(time.time())
        if self.made.get(self.path, (0,))[0] != second:
            Handler.made[self.path] = (second, (gaps() if self.path.startswith("/gaps") else json.dumps(status())).encode())
        return self.made[self.path][1]

    def do_GET(self):
        if o.user and self.headers.get("Authorization") != "Basic " + base64.b64encode(o.user.encode()).decode():
            self.answer(401, b"")
        elif o.mode == "slow":
            time.sleep(30)
        elif o.mode == "endless":
            self.answer(200, b"[" * 65536, 1 << 40)
            try:
                while True:
                    self.wfile.write(b"[" * 65536)
            except OSError:
                pass
        elif o.mode == "garbage":
            self.wfile.write(b"\0\xff" * 100)
        elif o.mode == "error":
            self.answer(500, b"no")
        elif o.mode == "half":
            self.answer(200, self.document()[:50], 5000)
        elif o.mode == "wrong":
            self.answer(200, b'{"cluster": 5}\n')
        elif self.path.startswith("/gaps?since=") or self.path == "/status":
            self.answer(200, self.document())
        else:
            self.answer(404, b"")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", o.port), Handler)
if o.certificate:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(o.certificate, o.key)
    if o.client_ca:
        tls.load_verify_locations(o.client_ca)
        tls.verify_mode = ssl.CERT_REQUIRED
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
