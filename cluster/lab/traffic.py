#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Real traffic for an exporter to report: many short exchanges between a client and a server, over TCP and UDP,
# IPv4 and IPv6, each from a port of its own, so that each is a flow.
#
#   traffic.py server ADDRESS...
#   traffic.py client RATE SECONDS ADDRESS...        RATE exchanges a second, spread over addresses and protocols
import asyncio
import random
import sys

PORT_TCP, PORT_UDP = 8080, 5300


async def serve_tcp(reader, writer):
    try:
        request = await asyncio.wait_for(reader.readline(), 5)
        writer.write(b"x" * int(request))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    except (OSError, ValueError, asyncio.TimeoutError):
        writer.close()


class ServeUdp(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data * 2, addr)


async def server(addresses):
    loop = asyncio.get_running_loop()
    for address in addresses:
        await asyncio.start_server(serve_tcp, address, PORT_TCP, backlog=1024)
        await loop.create_datagram_endpoint(ServeUdp, local_addr=(address, PORT_UDP))
    print("ready", flush=True)
    await asyncio.sleep(600)


async def ask_tcp(address):
    reader, writer = await asyncio.open_connection(address, PORT_TCP)
    writer.write(b"%d\n" % random.randint(100, 4000))
    await reader.read()
    writer.close()
    await writer.wait_closed()


class AskUdp(asyncio.DatagramProtocol):
    def __init__(self, done):
        self.done = done

    def datagram_received(self, data, addr):
        if not self.done.done():
            self.done.set_result(None)


async def ask_udp(address):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(lambda: AskUdp(done), remote_addr=(address, PORT_UDP))
    transport.sendto(b"q" * random.randint(20, 400))
    await done
    transport.close()


async def ask(address, over_tcp):
    try:
        await asyncio.wait_for(ask_tcp(address) if over_tcp else ask_udp(address), 5)
    except (OSError, asyncio.TimeoutError):
        pass


async def client(rate, seconds, addresses):
    loop = asyncio.get_running_loop()
    begin, made, pending = loop.time(), 0, set()
    while loop.time() - begin < seconds:
        due = int((loop.time() - begin) * rate)
        while made < due:
            task = loop.create_task(ask(addresses[made // 2 % len(addresses)], made % 2 == 0))
            pending.add(task)
            task.add_done_callback(pending.discard)
            made += 1
        await asyncio.sleep(0.005)
    if pending:
        await asyncio.wait(pending, timeout=5)


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "server":
        asyncio.run(server(sys.argv[2:]))
    elif len(sys.argv) > 4 and sys.argv[1] == "client":
        asyncio.run(client(float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
    else:
        sys.exit("usage: traffic.py server ADDRESS... | client RATE SECONDS ADDRESS...")


main()
