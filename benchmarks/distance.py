"""What a message takes to a mail server that is far away, beside smtplib's own `sendmail`.

    apt install postfix
    python benchmarks/distance.py [--milliseconds 20] [--rounds 5] [--connections 1]

Both hand 44 KB messages to Postfix's `smtp-sink` through a relay that holds every byte back for half a
round trip, each way, on connections that stay open.
"""

from __future__ import annotations

import argparse
import asyncio
import smtplib
import threading
import time
from datetime import UTC, datetime
from functools import partial
from statistics import median

from delivery import free_port, sink

from digest.delivery import MailServer, SmtpTransport
from digest.model import Message

MANY = 100
SENDER, RECIPIENT = "digest@digest.example", "reader@example.org"
CONTENT = b"Subject: Edition\r\n\r\n" + (b"x" * 74 + b"\r\n") * 580


async def held_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, by: float) -> None:
    """Pass on what comes, in order, each piece so many seconds later."""
    later = asyncio.get_running_loop().call_later
    while piece := await reader.read(1 << 20):
        later(by, writer.write, piece)
    later(by, writer.close)


async def relay(front: int, back: int, by: float, ready: threading.Event) -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", back)
        await asyncio.gather(held_back(reader, far_writer, by), held_back(far_reader, writer, by))

    server = await asyncio.start_server(meet, "127.0.0.1", front)
    ready.set()
    await server.serve_forever()


def by_digest(port: int, connections: int) -> float:
    """Seconds a message by our transport."""
    messages = [
        Message(digest_id=str(n), sender=SENDER, recipient=RECIPIENT, content=CONTENT)
        for n in range(MANY)
    ]
    server = MailServer(host="127.0.0.1", port=port, hello="us.example")
    transport = SmtpTransport(server, connections=connections)
    began = time.perf_counter()
    done = list(transport.send(messages, datetime.now(UTC)))
    taken = (time.perf_counter() - began) / MANY
    transport.close()
    assert all(each.code == 250 for each in done), done
    return taken


def by_smtplib(port: int) -> float:
    """Seconds a message by `sendmail`, on one connection."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="us.example") as client:
        began = time.perf_counter()
        for _ in range(MANY):
            client.sendmail(SENDER, RECIPIENT, CONTENT)
        return (time.perf_counter() - began) / MANY


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--milliseconds", type=float, default=20)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--connections", type=int, default=1, help="ours; smtplib has one")
    given = options.parse_args()
    front, back, ready = free_port(), free_port(), threading.Event()
    server = sink(back)
    far = relay(front, back, given.milliseconds / 2000, ready)
    threading.Thread(target=partial(asyncio.run, far), daemon=True).start()
    ready.wait()
    try:
        rounds = [
            (by_digest(front, given.connections), by_smtplib(front)) for _ in range(given.rounds)
        ]
    finally:
        server.terminate()
        server.wait()
    ours, theirs = (median(each) * 1000 for each in zip(*rounds, strict=True))
    ratio = median(b / a for a, b in rounds)
    print(f"round trips of {given.milliseconds:g} ms: digest {ours:.0f} ms a message, smtplib")
    print(f"{theirs:.0f} ms: {ratio:.1f} times as fast")


if __name__ == "__main__":
    main()
