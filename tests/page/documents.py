# SPDX-License-Identifier: ISC
"""Documents as `flowbraid monitor` serves them, of clusters in known states: what the page has to show.

The same state and the same second give the same document.
"""

import datetime
import math
import random

BUCKETS = 360
STEP = 30
DOWN, KERNEL, DISK = 1, 2, 4  # bits of `trouble`

STATES = ("whole", "down", "losing", "skewed", "blind", "young", "first", "empty", "nodeless", "many", "more", "hostile", "wide")
SCRIPT = "<script>document.title='owned'</script>"
IMAGE = "\"><img src=x onerror=\"document.title='owned'\">"


def iso(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def exporters(count):
    known = [
        ("192.0.2.1", 10, 256, "records"), ("192.0.2.2", 10, 256, "records"), ("192.0.2.17", 9, 0, "datagrams"),
        ("198.51.100.5", 5, 0, "flows"), ("198.51.100.6", 5, 0, "flows"),
        ("2001:db8:4f2c:a001:9e3b:62ff:fe10:7a54", 10, 4294967295, "records"),
        ("203.0.113.9", "sflow5", 0, "datagrams"), ("203.0.113.10", "sflow5", 0, "datagrams"),
        ("192.0.2.33", 9, 1, "datagrams"), ("192.0.2.34", 9, 1, "datagrams"),
        ("198.51.100.70", 10, 7, "records"), ("2001:db8::7", 10, 0, "records"),
    ]
    out = []
    for i in range(count):
        if i < len(known):
            address, version, domain, unit = known[i]
        else:
            address, version, domain, unit = f"10.{i // 250}.{i % 250}.1", 9, i % 3, "datagrams"
        out.append({"address": address, "port": 49152 + (i * 7919) % 16000, "version": version, "domain": domain,
                    "unit": unit, "rate": 20 + (i * 7919 % 997) * 1.7})
    return out


def hours(t):
    return 1 + 0.18 * math.sin(t / 2400.0) + 0.06 * math.sin(t / 410.0)


class Cluster:
    """One that is whole; the functions below take something away from it."""

    def __init__(self, now, names=("col-a", "col-b", "col-c"), count=12):
        self.now = now
        noise = random.Random(int(now))
        self.doc = {
            "cluster": "edge", "time": iso(now), "health": "whole", "reasons": [], "windowSeconds": BUCKETS * STEP,
            "stepSeconds": STEP, "nodes": [], "streams": [], "streamsTotal": count, "gaps": [],
            "timeline": {"start": iso(self.start), "stepSeconds": STEP, "all": [0] * BUCKETS, "nodes": []},
        }
        streams = exporters(count)
        for s in streams:
            rate = s["rate"] * noise.uniform(0.97, 1.03)
            self.doc["streams"].append({
                "id": f"{s['address']}/{s['port']}/{s['version']}/{s['domain']}", "exporter": s["address"],
                "exporterPort": s["port"], "version": s["version"], "domain": s["domain"],
                "agent": "203.0.113.1" if s["version"] == "sflow5" else None, "unit": s["unit"], "rate": rate,
                "hearing": len(names), "of": len(names), "residual": 0, "residualPercent": 0,
                "lastHeard": iso(now - 0.2),
                "nodes": [{"state": "hears", "rate": rate, "missing": 0, "lossPercent": 0, "samples": {
                    "heard": 9000 + i, "missing": 0, "dropped": 0, "samplingRate": 512, "effectiveRate": 512.4,
                } if s["version"] == "sflow5" else None} for i, _ in enumerate(names)],
            })
        total = sum(s["rate"] for s in self.doc["streams"])
        for i, name in enumerate(names):
            self.doc["nodes"].append({
                "name": name, "url": f"https://{name}.example.net:8055/", "state": "up", "why": None, "version": "0.1.0",
                "answeredSecondsAgo": noise.uniform(0.1, 0.9), "skewSeconds": 0.0004 * (i + 1), "behind": False,
                "failing": False, "rate": total, "streams": count, "missing": 0, "lossPercent": 0,
            })
            self.doc["timeline"]["nodes"].append({
                "name": name, "heard": [self.sent(b, total) for b in range(BUCKETS)], "missing": [0] * BUCKETS,
                "trouble": [0] * BUCKETS,
            })

    @property
    def start(self):
        return (self.now // STEP - BUCKETS + 1) * STEP

    def sent(self, bucket, rate):
        """Traffic has its hours, and a little noise that stays the same for a bucket."""
        t = self.start + bucket * STEP
        seconds = min(STEP, self.now - t)
        noise = random.Random(int(t)).uniform(0.985, 1.015)
        return int(max(0, seconds) * rate * noise * hours(t) / hours(self.now))

    def health(self, health, *reasons):
        self.doc["health"] = health
        self.doc["reasons"] = list(reasons)

    def lose(self, node, stream, missing, percent, all_=False):
        s = self.doc["streams"][stream]
        s["nodes"][node]["missing"] += missing
        s["nodes"][node]["lossPercent"] = percent
        s["nodes"][node]["rate"] = s["rate"] * (1 - percent / 100)

    def lose_everywhere(self, stream, missing, percent):
        s = self.doc["streams"][stream]
        s["residual"], s["residualPercent"] = missing, percent
        for n, _ in enumerate(s["nodes"]):
            self.lose(n, stream, missing, percent)

    def past(self, node, first, last, fraction, trouble=0, everybody=False):
        """Buckets first..last, counted backwards from now, in which a part of what was sent is missing."""
        line = self.doc["timeline"]
        for b in range(BUCKETS - first, BUCKETS - last):
            for i, n in enumerate(line["nodes"]):
                if i == node or everybody:
                    lost = int(n["heard"][b] * fraction)
                    n["heard"][b] -= lost
                    n["missing"][b] += lost
                    n["trouble"][b] |= trouble
            if everybody:
                line["all"][b] += lost

    def gap(self, stream, missing, ago, seconds, nodes, cause):
        s = self.doc["streams"][stream]
        self.doc["gaps"].append({
            "id": s["id"], "exporter": s["exporter"], "exporterPort": s["exporterPort"], "version": s["version"],
            "domain": s["domain"], "unit": s["unit"], "missing": missing, "from": iso(self.now - ago),
            "to": iso(self.now - ago + seconds), "nodes": nodes, "cause": cause,
        })

    def add_up(self):
        for i, n in enumerate(self.doc["nodes"]):
            line = self.doc["timeline"]["nodes"][i]
            n["missing"], heard = (sum(v for v in line[key] if v is not None) for key in ("missing", "heard"))
            n["lossPercent"] = 100 * n["missing"] / (heard + n["missing"]) if heard + n["missing"] else 0
        self.doc["gaps"].sort(key=lambda g: g["from"], reverse=True)
        del self.doc["gaps"][100:]
        self.doc["streams"].sort(key=lambda s: (-s["residual"], -sum(n["missing"] for n in s["nodes"]), -s["rate"]))
        return self.doc


def whole(now):
    return Cluster(now)


def down(now):
    c = Cluster(now)
    c.doc["nodes"][1].update(state="down", why="connect to col-b.example.net port 8055: Connection refused", rate=0,
                             streams=0, answeredSecondsAgo=251)
    c.past(1, 9, 0, 1, DOWN)
    for i, s in enumerate(c.doc["streams"]):
        s["hearing"] = 2
        missing = int(s["rate"] * 251)
        s["nodes"][1].update(state="down", rate=0, missing=missing, lossPercent=2.4)
        c.gap(i, missing, 251, 250, ["col-b"], "node down")
    c.past(2, 150, 146, 0.012, KERNEL)
    c.gap(3, 214, 4480, 71, ["col-c"], "kernel")
    c.gap(4, 97, 4471, 64, ["col-c"], "kernel")
    c.lose(2, 3, 214, 0.031)
    c.lose(2, 4, 97, 0.016)
    c.health("thinner", "node col-b does not answer: connection refused",
             "12 of 12 exporters are heard by 2 of 3 nodes")
    return c


def losing(now):
    c = Cluster(now)
    c.past(0, 40, 0, 0.05)
    for i in range(12):
        c.lose(0, i, int(c.doc["streams"][i]["rate"] * 60), 5.02 + 0.1 * (i % 5))
        c.gap(i, 5 + i * 3, 20 + 61 * i, 14, ["col-a"], "network")
    c.past(0, 5, 1, 0.00096, everybody=True)
    c.past(0, 200, 193, 0.6, DOWN)
    c.past(2, 90, 86, 0.08, DISK)
    c.gap(2, 1711, 2650, 118, ["col-c"], "disk")
    c.lose_everywhere(5, 1284, 0.31)
    c.lose_everywhere(3, 6, 0.002)
    c.gap(5, 1284, 96, 81, "all", "network or exporter")
    c.gap(3, 6, 44, 2, "all", "network or exporter")
    s = c.doc["streams"][8]
    s["hearing"] = 2
    s["nodes"][2].update(state="stalled", rate=0, missing=402, lossPercent=0.4)
    s = c.doc["streams"][9]
    s["hearing"] = 1
    s["nodes"][2].update(state="silent", rate=0, missing=0, lossPercent=0)
    s["nodes"][0].update(state="silent", rate=0, missing=0, lossPercent=0)
    c.health("losing", "2 exporters: 1,290 missing on all nodes in the last 5 minutes",
             "node col-a misses 5 % of all exporters", "192.0.2.34 is heard by 1 of 3 nodes")
    return c


def skewed(now):
    c = Cluster(now)
    c.doc["nodes"][0].update(skewSeconds=-63.2)
    c.doc["nodes"][1].update(behind=True, answeredSecondsAgo=0.4)
    c.doc["nodes"][2].update(failing=True, why="disk full")
    sflow = next(s for s in c.doc["streams"] if s["version"] == "sflow5")
    sflow["nodes"][1]["samples"].update(heard=9999, missing=7, dropped=12, effectiveRate=2048)
    c.health("thinner", "node col-a: its clock is 63 s behind", "node col-b lags", "node col-c: disk full")
    return c


def blind(now):
    c = Cluster(now)
    for n in c.doc["nodes"]:
        n.update(state="down", why="no answer in 2 s", rate=0, streams=0, answeredSecondsAgo=94)
    for s in c.doc["streams"]:
        s.update(hearing=0, rate=0)
        for n in s["nodes"]:
            n.update(state="down", rate=0)
    for node in range(3):
        c.past(node, 4, 0, 1, DOWN)
    c.health("blind", "no node answers")
    return c


def first(now):
    """The monitor has just been started."""
    c = Cluster(now, count=0)
    c.doc["cluster"] = ""
    for n in c.doc["nodes"]:
        n.update(name=n["url"], state="never", why="", version="", answeredSecondsAgo=None, skewSeconds=0)
    c.health("blind", "no node has answered yet")
    return c


def young(now):
    """It has watched for little more than a minute, and has not understood one exporter's numbers yet."""
    c = Cluster(now)
    line = c.doc["timeline"]
    for row in [line["all"]] + [n[key] for n in line["nodes"] for key in ("heard", "missing", "trouble")]:
        row[:-3] = [None] * (BUCKETS - 3)
    c.doc["streams"][2]["accounted"] = False
    c.doc.update(residual=0, leftOut=7)
    return c


def empty(now):
    return Cluster(now, count=0)


def nodeless(now):
    c = Cluster(now, names=(), count=0)
    c.health("blind", "there is no node to ask")
    return c


def many(now):
    """A thousand exporters, all of which change each second; some lose."""
    c = Cluster(now, count=1000)
    draw = random.Random(7)
    for _ in range(150):
        i = draw.randrange(1000)
        missing = draw.randrange(1, 4000)
        c.lose(draw.randrange(3), i, missing, missing / 500)
        c.gap(i, missing, draw.uniform(5, 9000), draw.uniform(0.1, 60), [f"col-{draw.choice('abc')}"], "network")
    c.past(1, 100, 60, 0.002)
    c.health("thinner", "143 exporters miss something on one node")
    return c


def more(now):
    """More exporters than the monitor tells of by events."""
    return Cluster(now, count=1300)


def hostile(now):
    c = losing(now)
    d = c.doc
    d["cluster"] = SCRIPT
    d["reasons"] = [SCRIPT + " x" * 100, IMAGE, "a" * 300]
    d["nodes"][0].update(name=SCRIPT, why=IMAGE, version=IMAGE, url="javascript:alert(1)")
    d["nodes"][1].update(state="down", why="y" * 400)
    d["streams"][0].update(exporter=IMAGE, id=SCRIPT, unit=SCRIPT, version=SCRIPT)
    d["gaps"][0].update(exporter=SCRIPT, cause=IMAGE, nodes=[SCRIPT, "z" * 200], unit=IMAGE)
    d["timeline"]["nodes"][0]["name"] = SCRIPT
    return c


def wide(now):
    c = Cluster(now, names=[f"collector-{i:02}" for i in range(12)], count=30)
    c.lose(7, 4, 31, 0.7)
    c.health("thinner", "192.0.2.2 misses something on collector-07")
    return c


def document(state, now, limit=200):
    doc = globals()[state](now).add_up()
    del doc["streams"][limit:]
    return doc
