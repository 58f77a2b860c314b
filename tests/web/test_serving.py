"""The server on a real socket: slow, greedy and malformed clients, and proxies that are believed."""

import socket
import threading
import time
from contextlib import closing, contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from digest.web.guard import HEADERS, LARGEST_UPLOAD, Guard
from digest.web.limits import network
from digest.web.serving import PatientProtocol, configuration, listen, url_of

SHORT = 0.2
LONG = 5.0


class Hasty(PatientProtocol):
    """The same with deadlines that a test can wait for."""

    request_seconds = SHORT
    exchange_seconds = 2 * SHORT
    most_connections = 5


async def whence(request):
    return PlainTextResponse(network(request))


async def length(request):
    return PlainTextResponse(str(len(await request.body())))


async def flood(_request):
    async def pour():
        for _ in range(10_000):
            yield b"x" * 10_000

    return StreamingResponse(pour())


ROUTES = [
    Route("/whence", whence),
    Route("/length", length, methods=["POST"]),
    Route("/flood", flood),
]


@contextmanager
def serving(config):
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def port():
    config = uvicorn.Config(
        Guard(Starlette(routes=ROUTES)),
        http=Hasty,
        ws="none",
        lifespan="off",
        log_config=None,
        forwarded_allow_ips=["127.0.0.1", "10.0.0.0/8"],
        h11_max_incomplete_event_size=16 * 1024,
    )
    with serving(config) as port:
        yield port


def wire(port, sent, *, wait=5.0):
    """What comes back for these bytes, until the server ends the connection."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=wait)) as connection:
        connection.sendall(sent)
        return drained(connection)


def drained(connection):
    found = b""
    try:
        while chunk := connection.recv(65536):
            found += chunk
    except ConnectionResetError:
        pass
    return found


def get(path, *fields):
    lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def post(*fields, body=b""):
    lines = ["POST /length HTTP/1.1", "Host: x", "Connection: close", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*sizes):
    return b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for size in sizes) + b"0\r\n\r\n"


# --- slow -------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET /whence HTTP/1.1\r\nHost: x\r\nX-A: b"])
def test_a_request_that_does_not_come_is_not_waited_for_for_ever(port, begun):
    before = time.monotonic()
    assert wire(port, begun) == b""
    assert time.monotonic() - before < LONG


@pytest.mark.parametrize(
    ("begun", "drop"),
    [
        (b"GET /whence HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n"),
        (b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"x"),
    ],
    ids=["header fields", "body"],
)
def test_what_drips_in_gains_no_time(port, begun, drop):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as connection:
        before = time.monotonic()
        connection.sendall(begun)
        with pytest.raises(ConnectionError):  # noqa: PT012 - it may break at any of them
            while time.monotonic() - before < LONG:
                connection.sendall(drop)
                time.sleep(SHORT / 10)


def test_who_does_not_read_the_answer_is_cut_off(port):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as connection:
        connection.sendall(get("/flood"))
        time.sleep(4 * SHORT)
        assert len(drained(connection)) < 100_000_000


def test_an_idle_connection_that_was_used_before_may_ask_again(port):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as connection:
        for _ in range(2):
            connection.sendall(b"GET /whence HTTP/1.1\r\nHost: x\r\n\r\n")
            found = b""
            while not found.endswith(b"127.0.0.0/24") and (more := connection.recv(65536)):
                found += more
            assert found.endswith(b"127.0.0.0/24")
            time.sleep(2 * SHORT)


def test_requests_sent_at_once_are_answered_in_turn(port):
    one = b"GET /whence HTTP/1.1\r\nHost: x\r\n\r\n"
    assert wire(port, one + one + get("/whence")).count(b"HTTP/1.1 200") == 3


# --- greedy and malformed ---------------------------------------------------------------------


def test_a_chunked_body_is_cut_off_when_it_grows_too_large(port):
    fields = "Transfer-Encoding: chunked"
    assert b" 200 " in wire(port, post(fields, body=chunked(30_000, 30_000)))
    assert b" 413 " in wire(port, post(fields, body=chunked(*[30_000] * 3)))


def test_a_file_that_is_too_large_is_taken_in_all_the_same_as_proxies_pass_it_on(port):
    file = b"x" * (5 * LARGEST_UPLOAD)
    sent = post(f"Content-Length: {len(file)}", body=file).replace(
        b"/length", b"/subscribe/preview"
    )
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as connection:
        connection.sendall(sent)
        assert b" 413 " in drained(connection)


def test_a_body_without_end_is_cut_off(port):
    endless = b"%x\r\n%s\r\n" % (16_000, b"x" * 16_000)
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as connection:
        connection.sendall(post("Transfer-Encoding: chunked"))
        with pytest.raises(ConnectionError):  # noqa: PT012 - it may break at any of them
            for _ in range(100_000):
                connection.sendall(endless)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /whence HTTP/1.1\r\n\r\n",
        b"GET /whence HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /whence HTTP/1.1\r\nHost: x\r\nX-A: " + b"b" * 70_000 + b"\r\n\r\n",
        b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["nonsense", "no host", "two hosts", "large header", "two lengths", "encoding", "tls"],
)
def test_what_is_no_http_is_answered_guarded_and_ends_the_connection(port, sent):
    answer = wire(port, sent)
    status, _, rest = answer.partition(b"\r\n")
    assert status.split()[1] in (b"400", b"431", b"501"), status
    for name, value in HEADERS.items():
        assert f"{name}: {value}".encode() in rest


def test_one_connection_too_many_is_told_so(port):
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
    try:
        answer = wire(port, get("/whence"))
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 60" in answer
    finally:
        for each in held:
            each.close()


# --- who asks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forwarded", "network"),
    [
        ((), b"127.0.0.0/24"),
        (("X-Forwarded-For: 198.51.100.7",), b"198.51.100.0/24"),
        (("X-Forwarded-For: 203.0.113.9, 198.51.100.7, 10.1.2.3",), b"198.51.100.0/24"),
        (("X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 198.51.100.7"), b"198.51.100.0/24"),
        (("X-Forwarded-For: 2001:db8::1",), b"2001:db8::/56"),
        (("X-Forwarded-For: nonsense",), b"unknown"),
    ],
)
def test_behind_a_proxy_we_know_the_client_is_whom_it_names_last(port, forwarded, network):
    assert wire(port, get("/whence", *forwarded)).endswith(network)


def test_a_stranger_cannot_say_to_be_another():
    config = uvicorn.Config(
        Starlette(routes=ROUTES),
        lifespan="off",
        log_config=None,
        forwarded_allow_ips=["192.0.2.1"],
    )
    with serving(config) as port:
        answer = wire(port, get("/whence", "X-Forwarded-For: 198.51.100.7"))
    assert answer.endswith(b"127.0.0.0/24")


def test_the_application_is_served_as_settings_say(application):
    config = configuration(application)
    assert config.http is PatientProtocol
    assert config.forwarded_allow_ips == list(application.settings.web.proxies)
    assert not config.access_log
    config.log_config = None
    with serving(config) as port:
        answer = wire(port, get("/health"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"\r\nserver:" not in answer.lower()


def test_no_answer_waits_for_an_acknowledgement():
    with closing(listen("127.0.0.1", 0)) as listening:
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")]
)
def test_the_address_it_listens_on_can_be_opened(host, url):
    assert url_of(host, 8000) == url


def test_an_address_that_cannot_be_listened_on_says_so():
    with closing(listen("127.0.0.1", 0)) as taken, pytest.raises(OSError, match=r"in use$"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["203.0.113.7", "no..name", "127.0.0.1:8000", "x" * 70])
def test_a_host_that_is_not_ours_is_named_with_its_setting(host):
    with pytest.raises(OSError, match="cannot be listened on") as caught:
        listen(host, 0)
    assert f"[web] host {host!r}" in caught.value.strerror
