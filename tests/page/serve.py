#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Serves the monitor's page with documents of clusters that do not exist:

    serve.py [--port N] [--state STATE] [--every SECONDS] FOLDER...

FOLDER has the page's files (the build's cluster/page/site; or cluster/page and where uPlot stands, to try changes without a
build). Prints its address. GET /state?STATE changes what is shown to all who look; GET /cut?SECONDS closes all streams of
events and refuses new ones for so long; after GET /hold?1 they stay open and say nothing, until GET /hold?0.
"""

import argparse
import http.server
import json
import os
import sys
import threading
import time
import urllib.parse

import documents

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; require-trusted-types-for 'script'"
MOST = 1000  # streams in an event, as in the monitor
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}


class Show:
    """What is shown now. A change wakes all streams of events."""

    def __init__(self, state, every):
        self.state, self.every = state, every
        self.turn = 0
        self.refuse_until = 0
        self.hold = False
        self.changed = threading.Condition()

    def change(self, **what):
        with self.changed:
            self.__dict__.update(what)
            self.turn += 1
            self.changed.notify_all()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def events(self, limit):
        if time.time() < show.refuse_until:
            self.close_connection = True
            self.answer(503, "text/plain", b"not now\n")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        while time.time() >= show.refuse_until:
            turn = show.turn
            text = json.dumps(documents.document(show.state, time.time(), limit), separators=(",", ":"))
            self.wfile.write(f"data: {text}\n\n".encode())
            self.wfile.flush()
            with show.changed:
                show.changed.wait_for(lambda: show.turn != turn, show.every)
                show.changed.wait_for(lambda: not show.hold)
        self.close_connection = True

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        limit = int(query.get("streams", ["200"])[0])
        name = url.path.lstrip("/") or "index.html"
        if name == "events":
            try:
                self.events(min(limit, MOST))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            return
        if name == "cluster":
            text = json.dumps(documents.document(show.state, time.time(), limit))
            self.answer(200, "application/json", text.encode())
            return
        if name == "state" and url.query in documents.STATES:
            show.change(state=url.query)
            self.answer(200, "text/plain", b"")
            return
        if name == "hold":
            show.change(hold=url.query == "1")
            self.answer(200, "text/plain", b"")
            return
        if name == "cut":
            show.change(refuse_until=time.time() + float(url.query))
            self.answer(200, "text/plain", b"")
            return
        for folder in args.folder:
            path = os.path.join(folder, os.path.basename(name))
            if os.path.basename(name) == name and os.path.isfile(path):
                with open(path, "rb") as f:
                    self.answer(200, TYPES.get(os.path.splitext(name)[1], "text/plain"), f.read())
                return
        self.answer(404, "text/plain", b"no such page\n")


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--state", choices=documents.STATES, default="whole")
parser.add_argument("--every", type=float, default=1)
parser.add_argument("folder", nargs="+")
args = parser.parse_args()
show = Show(args.state, args.every)
server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    sys.exit(0)
