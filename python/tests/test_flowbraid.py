# SPDX-License-Identifier: ISC
"""The module against what `flowbraid cat -F json` prints. tests/api/python.t makes the inputs and names them:

FLOWBRAID_COMMAND   the command
FLOWBRAID_PATHS     logs and archives, by colon
FLOWBRAID_ARCHIVE   an archive of nodes a, b and c
FLOWBRAID_DAMAGED   a log with a damaged record
FLOWBRAID_CORPUS_LOGS  logs of real devices' exports; may be empty
"""

from __future__ import annotations

import datetime
import gc
import ipaddress
import json
import math
import os
import pickle
import subprocess
import threading
import unittest
from typing import Any, Dict, Iterator, List, Tuple

import flowbraid

COMMAND = os.environ["FLOWBRAID_COMMAND"]
PATHS = os.environ["FLOWBRAID_PATHS"].split(":")
ARCHIVE = os.environ["FLOWBRAID_ARCHIVE"]
DAMAGED = os.environ["FLOWBRAID_DAMAGED"]
CORPUS = [path for path in os.environ.get("FLOWBRAID_CORPUS_LOGS", "").split(":") if path]

# What JSON has besides the record's fields.
BESIDE = {
    "exporter", "exporterPort", "version", "agent", "domain", "sequence", "exportTime", "received", "index",
    "options", "lateTemplate", "flowStart", "flowEnd", "witnesses", "tags", "samplingInterval", "samplingAlgorithm",
}  # fmt: skip
DIGITS = {7: 0, 8: 3, 9: 6, 10: 9}


def cat(*arguments: str) -> List[Dict[str, Any]]:
    done = subprocess.run([COMMAND, "cat", "-F", "json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in done.stdout.splitlines()]


def time_text(ns: int, digits: int) -> str:
    whole = str(flowbraid.Time.from_ns(ns))[:-1]
    return (whole[: -9 + digits] if digits else whole[:-10]) + "Z"


def as_json(name: str, value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, list) and not (value and isinstance(value[0], dict)):
        return [as_json(name, one) for one in value]
    if isinstance(value, flowbraid.Time):
        known = flowbraid.element(name)
        return time_text(value.ns, DIGITS[known.type] if known is not None else 9)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return ipaddress.ip_address(str(value))
    return value


def parsed(value: Any) -> Any:
    """JSON's addresses as addresses: ::ffff:0:0/96 has two forms."""
    if isinstance(value, list):
        return [parsed(one) for one in value]
    if isinstance(value, str):
        try:
            return ipaddress.ip_address(value)
        except ValueError:
            return value
    return value


class Values(unittest.TestCase):
    maxDiff = 2000

    def compare(self, path: str, options: bool = True) -> int:
        want = cat(path)
        kept = []
        with flowbraid.open(path, options=options) as reader:
            for flow in reader:
                kept.append((flow, flow.json()))
        self.assertEqual(len(kept), len(want), path)
        for (flow, text), told in zip(kept, want):  # the reader is closed: flows are copies
            self.assertEqual(json.loads(text), told)
            got = {name: as_json(name, value) for name, value in flow.items()}
            fields = {name: value for name, value in told.items() if name not in BESIDE or name in got}
            for name, value in fields.items():
                if isinstance(value, str) and isinstance(flow[name], float):
                    self.assertIsNone(got[name], f"{path}: {name}")  # JSON has octets in place of infinity
                elif isinstance(flow[name], (list, dict)) and not isinstance(value, list):
                    self.assertEqual(flow[name], value, f"{path}: {name}")
                else:
                    self.assertEqual(parsed(got[name]) if isinstance(got[name], str) else got[name],
                                     parsed(value) if not isinstance(flow[name], list) or not isinstance(flow[name][0], dict) else value,
                                     f"{path}: {name}")  # fmt: skip
            self.assertEqual(list(got), [name for name in told if name in got], path)
            datagram = flow.datagram
            self.assertEqual(
                (str(datagram.exporter), datagram.port, datagram.domain, flow.index, str(datagram.received)),
                (told["exporter"], told["exporterPort"], told["domain"], told["index"], told["received"]),
            )
            self.assertEqual(flow.options, told.get("options", False))
            self.assertEqual(flow.late, told.get("lateTemplate", False))
            self.assertEqual(list(flow.tags), told.get("tags", []))
            self.assertEqual(datagram.sequence if datagram.sequence is not None else 0, told["sequence"])
            for key, moment in (("flowStart", flow.start), ("flowEnd", flow.end)):
                if key in told:
                    assert moment is not None
                    digits = len(told[key].partition(".")[2]) - 1 if "." in told[key] else 0
                    self.assertEqual(time_text(moment.ns, digits), told[key])
                else:
                    self.assertIsNone(moment)
            self.assertEqual(list(datagram.witnesses or ()), told.get("witnesses", []))
        return len(kept)

    def test_logs_and_archives(self) -> None:
        for path in PATHS:
            self.assertGreater(self.compare(path), 100)

    def test_real_devices(self) -> None:
        if not CORPUS:
            self.skipTest("no corpus of real exports (FLOWBRAID_CORPUS)")
        self.assertGreater(sum(self.compare(path) for path in CORPUS), 100)

    def test_shortcuts(self) -> None:
        with flowbraid.open(ARCHIVE) as reader:
            for flow in reader:
                self.assertEqual(flow.octets, flow["octetDeltaCount"])
                self.assertEqual(flow.packets, flow["packetDeltaCount"])
                self.assertEqual((flow.src, flow.dst), (flow["sourceIPv4Address"], flow["destinationIPv4Address"]))
                self.assertEqual(flow.src_port, flow["sourceTransportPort"])
                self.assertEqual(flow.dst_port, flow["destinationTransportPort"])
                self.assertNotIn("nonsense", flow)
                self.assertIsNone(flow.get("nonsense"))
                with self.assertRaises(KeyError):
                    flow["nonsense"]


class Reading(unittest.TestCase):
    def test_expression(self) -> None:
        want = len(cat(ARCHIVE, "--", "dst port 53"))
        self.assertGreater(want, 0)
        with flowbraid.open(ARCHIVE, expression="dst port 53") as reader:
            ports = [flow.dst_port for flow in reader]
        self.assertEqual(ports, [53] * want)

    def test_expression_that_is_none(self) -> None:
        with self.assertRaisesRegex(flowbraid.ExpressionError, "column 5: expected") as caught:
            flowbraid.open(ARCHIVE, expression="dst prt 53")
        self.assertEqual(caught.exception.column, 5)

    def test_span(self) -> None:
        since, until = "2023-11-14 22:13:19", "2023-11-14T22:13:21Z"
        want = len(cat("--from", since, "--to", until, ARCHIVE))
        self.assertGreater(want, 0)
        zone = datetime.timezone.utc
        spans: List[Tuple[flowbraid.TimeLike, flowbraid.TimeLike]] = [
            (since, until),
            (1699999999 * 10**9, 1700000001 * 10**9),
            (datetime.datetime(2023, 11, 14, 22, 13, 19), datetime.datetime(2023, 11, 14, 22, 13, 21, tzinfo=zone)),
            ("2023-11-14T23:13:19+01:00", flowbraid.Time.from_ns(1700000001 * 10**9)),
        ]
        for span in spans:
            with flowbraid.open(ARCHIVE, since=span[0], until=span[1]) as reader:
                self.assertEqual(sum(1 for _ in reader), want, str(span))
        with self.assertRaisesRegex(ValueError, "expected YYYY"):
            flowbraid.open(ARCHIVE, since="yesterday")

    def test_several_paths(self) -> None:
        with flowbraid.open(*PATHS) as reader:
            self.assertEqual(sum(1 for _ in reader), sum(len(cat(path)) for path in PATHS))

    def test_datagrams(self) -> None:
        with flowbraid.open(ARCHIVE) as reader:
            datagrams = [(datagram, [flow.index for flow in datagram.flows()]) for datagram in reader.datagrams()]
        self.assertEqual(sum(len(flows) for _, flows in datagrams), len(cat(ARCHIVE)))
        versions = {(datagram.payload or b"")[:2]: datagram.protocol for datagram, _ in datagrams}
        self.assertEqual(versions, {b"\0\5": flowbraid.Protocol.V5, b"\0\11": flowbraid.Protocol.V9})

    def test_damage(self) -> None:
        told: List[str] = []
        with flowbraid.open(DAMAGED, on_finding=told.append) as reader:
            self.assertEqual(sum(1 for _ in reader), len(cat(DAMAGED)))
            self.assertEqual(reader.findings, len(told))
        self.assertRegex(told[0], r": offset \d+: ")

    def test_exception_in_on_finding(self) -> None:
        def refuse(text: str) -> None:
            raise RuntimeError(text)

        with self.assertRaisesRegex(RuntimeError, "offset"):
            with flowbraid.open(DAMAGED, on_finding=refuse) as reader:
                for _ in reader:
                    pass

    def test_what_is_no_path(self) -> None:
        with self.assertRaisesRegex(flowbraid.Error, "nowhere: No such file or directory"):
            flowbraid.open("nowhere")
        with self.assertRaisesRegex(ValueError, "no path"):
            flowbraid.open()

    def test_closed(self) -> None:
        reader = flowbraid.open(ARCHIVE)
        flows = iter(reader)
        kept = next(flows)
        value, text = kept["octetDeltaCount"], kept.json()
        other = next(flows)
        with self.assertRaisesRegex(flowbraid.Error, "gone on"):
            kept.json()
        self.assertTrue(text.startswith("{") and other.json().startswith("{"))
        reader.close()
        reader.close()
        self.assertEqual(kept["octetDeltaCount"], value)
        with self.assertRaisesRegex(ValueError, "closed"):
            next(flows)
        with self.assertRaisesRegex(flowbraid.Error, "gone on"):
            other.datagram.payload
        del reader, flows
        gc.collect()
        self.assertEqual(kept.datagram.port, kept.datagram.port)

    def test_threads(self) -> None:
        want = {path: len(cat(path)) for path in PATHS}
        got: List[bool] = []

        def read(path: str) -> None:
            with flowbraid.open(path) as reader:
                got.append(sum(1 for _ in reader) == want[path])

        threads = [threading.Thread(target=read, args=(path,)) for path in PATHS * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(got, [True] * len(threads))


class Times(unittest.TestCase):
    def numbers(self) -> Iterator[int]:
        yield from (0, -1, 1, 999_999_999, 1_700_000_000_123_456_789, -(1 << 63), (1 << 63) - 1)

    def test_nanoseconds_are_kept(self) -> None:
        for ns in self.numbers():
            moment = flowbraid.Time.from_ns(ns)
            self.assertEqual((moment.ns, moment.nanosecond), (ns, ns % 10**9))
            self.assertEqual(pickle.loads(pickle.dumps(moment)), moment)
            self.assertEqual(pickle.loads(pickle.dumps(moment)).ns, ns)
        self.assertEqual(str(flowbraid.Time.from_ns(1_700_000_000_123_456_789)), "2023-11-14T22:13:20.123456789Z")

    def test_it_is_a_datetime(self) -> None:
        moment = flowbraid.Time.from_ns(1_700_000_000_123_456_789)
        plain = datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=datetime.timezone.utc)
        self.assertIsInstance(moment, datetime.datetime)
        self.assertEqual(moment, plain)
        self.assertEqual(hash(moment), hash(plain))
        self.assertEqual(moment - plain, datetime.timedelta(0))
        self.assertEqual((moment + datetime.timedelta(seconds=1)).second, 21)
        self.assertLess(moment, flowbraid.Time.from_ns(moment.ns + 1))
        self.assertNotEqual(moment, flowbraid.Time.from_ns(moment.ns + 1))
        self.assertGreaterEqual(flowbraid.Time.from_ns(moment.ns + 1), moment)


class Elements(unittest.TestCase):
    def test_known(self) -> None:
        known = flowbraid.element("octetDeltaCount")
        assert known is not None
        self.assertEqual((known.pen, known.id, known.unit, known.semantics), (0, 1, "octets", "deltaCounter"))
        self.assertEqual(flowbraid.element((0, 1)), known)
        self.assertIsNone(flowbraid.element("nonsense"))
        self.assertIsNone(flowbraid.element((4294967295, 1)))

    def test_version(self) -> None:
        self.assertRegex(flowbraid.library_version(), r"^\d+\.\d+\.\d+$")


if __name__ == "__main__":
    unittest.main()
