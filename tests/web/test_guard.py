"""What is refused before any page is asked, told by hostile requests in wire form."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from digest.web.guard import (
    HEADERS,
    LARGEST_BODY,
    LARGEST_UPLOAD,
    LONGEST_QUERY,
    Guard,
    host_name,
)

SITE = "https://digest.example"
OWN = ("host", "digest.example")


async def echo(request: Request):
    return PlainTextResponse(str(len(await request.body())))


async def breaks(_request):
    raise RuntimeError("a fault of ours")


ROUTES = [
    Route("/fault", breaks, methods=["GET"]),
    Route("/{path:path}", echo, methods=["GET", "POST"]),
]


def ask(*headers, method="GET", path="/page", body=(), url=SITE, hosts=(), query=b"", app=None):
    """Status and header fields of the answer to a request made of exactly these parts."""
    guarded = Guard(app or Starlette(routes=ROUTES), url=url, hosts=hosts)
    chunks = list(body) or [b""]
    sent = []

    async def receive():
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("192.0.2.1", 1),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    asyncio.run(guarded(scope, receive, send))
    start = sent[0]
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


# --- what every answer carries ----------------------------------------------------------------


def assert_guarded(headers):
    for name, value in HEADERS.items():
        assert headers[name] == value, name


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (200, {}),
        (404, {"app": Starlette()}),
        (500, {"path": "/fault"}),
        (421, {"headers": [("host", "other.example")]}),
        (413, {"method": "POST", "headers": [OWN, ("content-length", "1000000")]}),
    ],
)
def test_every_answer_is_guarded_refusals_and_faults_too(status, request_):
    headers = request_.pop("headers", [OWN])
    found, answered = ask(*headers, **request_)
    assert found == status
    assert_guarded(answered)
    assert answered["strict-transport-security"] == "max-age=31536000"


def test_scripts_and_styles_come_from_ourselves_alone():
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_https_is_only_promised_where_it_is_spoken():
    _, headers = ask(("host", "digest.example"), url="http://digest.example")
    assert "strict-transport-security" not in headers


def test_a_header_that_a_page_sets_itself_is_left_to_it():
    async def own(_request):
        return PlainTextResponse("", headers={"Referrer-Policy": "no-referrer"})

    _, headers = ask(OWN, app=Starlette(routes=[Route("/page", own)]))
    assert headers["referrer-policy"] == "no-referrer"


def test_a_fault_without_an_error_page_is_still_an_answer(caplog):
    async def broken(_scope, _receive, _send):
        raise RuntimeError("a fault in the error page")

    status, headers = ask(OWN, app=broken)
    assert status == 500
    assert_guarded(headers)
    assert "error page" in caplog.text


# --- which site -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["digest.example", "DIGEST.example", "digest.example:443", "digest.example."]
)
def test_the_site_is_known_by_its_name(host):
    assert ask(("host", host))[0] == 200


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ([("host", "evil.example")], 421),
        ([("host", "digest.example.evil.example")], 421),
        ([("host", "127.0.0.1:8000")], 421),
        ([("host", "digest.example@evil.example")], 400),
        ([("host", "digest.example/evil")], 400),
        ([("host", "digest.example evil")], 400),
        ([("host", "digest.example:port")], 400),
        ([("host", "")], 400),
        ([], 400),
        ([OWN, OWN], 400),
        ([OWN, ("host", "evil.example")], 400),
    ],
)
def test_a_request_for_another_site_is_refused(given, status):
    assert ask(*given)[0] == status


def test_other_names_can_be_given():
    hosts = ("papers.lab.example", "localhost:8000", "[::1]")
    for host in ("papers.lab.example", "localhost", "[::1]:8000", "digest.example"):
        assert ask(("host", host), hosts=hosts)[0] == 200
    assert ask(("host", "evil.example"), hosts=hosts)[0] == 421
    assert ask(("host", "digest.example"), url="", hosts=hosts)[0] == 421


def test_any_name_is_answered_while_none_is_set():
    assert ask(("host", "whatever.example"), url="")[0] == 200
    assert ask(url="")[0] == 200


def test_health_is_told_to_whoever_probes_by_address():
    assert ask(("host", "10.1.2.3:8000"), path="/health")[0] == 200
    assert ask(("host", "10.1.2.3:8000"), path="/health/other")[0] == 421


@pytest.mark.parametrize(
    ("host", "name"),
    [("A.example:1", "a.example"), ("[2001:db8::1]:80", "2001:db8::1"), ("a b", ""), ("[", "")],
)
def test_the_name_in_a_host_header(host, name):
    assert host_name(host) == name


# --- how large --------------------------------------------------------------------------------


def test_a_body_is_taken_up_to_a_size_promised_or_not():
    just = b"x" * LARGEST_BODY
    assert ask(OWN, ("content-length", str(len(just))), method="POST", body=[just])[0] == 200
    assert ask(OWN, method="POST", body=[just[:1000], just[1000:]])[0] == 200


def test_a_body_that_comes_in_chunks_is_cut_off_when_it_grows_too_large():
    chunks = [b"x" * 1024] * (LARGEST_BODY // 1024 + 1)
    status, headers = ask(OWN, ("transfer-encoding", "chunked"), method="POST", body=chunks)
    assert status == 413
    assert headers["connection"] == "close"


def test_a_body_larger_than_it_promised_is_cut_off_too():
    chunks = [b"x" * LARGEST_BODY, b"x"]
    assert ask(OWN, ("content-length", "10"), method="POST", body=chunks)[0] == 413


@pytest.mark.parametrize("path", ["/subscribe", "/subscribe/preview", "/me/s_1.2026-06-10.mac"])
def test_pages_with_uploads_take_more(path):
    chunks = [b"x" * LARGEST_BODY] * (LARGEST_UPLOAD // LARGEST_BODY)
    assert ask(OWN, method="POST", path=path, body=chunks)[0] == 200
    assert ask(OWN, method="POST", path=path, body=[*chunks, b"x"])[0] == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", " ", "ten", "٣", "1, 1", "9" * 5000])
def test_a_length_that_makes_no_sense_is_refused(length):
    value = length.encode().decode("latin-1")
    assert ask(OWN, ("content-length", value), method="POST")[0] in (400, 413)


def test_header_fields_are_bounded_in_number_and_size():
    assert ask(OWN, *[("x-a", "b")] * 90)[0] == 200
    assert ask(OWN, *[("x-a", "b")] * 101)[0] == 431
    assert ask(OWN, ("cookie", "x" * 17_000))[0] == 431
    assert ask(OWN, query=b"q=" + b"x" * LONGEST_QUERY)[0] == 414


def test_a_refusal_ends_the_connection_since_the_body_was_not_read():
    _, headers = ask(OWN, ("content-length", "99999999"), method="POST")
    assert headers["connection"] == "close"


# --- from where -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [
        [],
        [("sec-fetch-site", "same-origin")],
        [("sec-fetch-site", "none")],
        [("sec-fetch-site", "same-origin"), ("origin", "null")],
        [("origin", "https://digest.example")],
        [("origin", "HTTPS://digest.example")],
        [("origin", "http://digest.example")],
    ],
)
def test_a_form_of_our_own_pages_or_of_no_browser_is_taken(told):
    assert ask(OWN, *told, method="POST")[0] == 200


@pytest.mark.parametrize(
    "told",
    [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("sec-fetch-site", "cross-site"), ("origin", "https://digest.example")],
        [("origin", "https://evil.example")],
        [("origin", "https://digest.example.evil.example")],
        [("origin", "https://digest.example:8443")],
        [("origin", "null")],
        [("origin", "nonsense")],
    ],
)
def test_a_form_of_another_site_is_refused(told):
    assert ask(OWN, *told, method="POST")[0] == 403


def test_one_click_unsubscribing_comes_from_anywhere():
    told = [("sec-fetch-site", "cross-site"), ("origin", "https://mail.example")]
    assert ask(OWN, *told, method="POST", path="/u/s_1..mac")[0] == 200
    for path in ("/unsubscribe", "/u/", "/u/s_1..mac/back"):
        assert ask(OWN, *told, method="POST", path=path)[0] == 403


def test_looking_is_free_from_everywhere():
    assert ask(OWN, ("sec-fetch-site", "cross-site"))[0] == 200


def test_nothing_but_http_is_spoken():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(Starlette())({"type": "websocket", "path": "/"}, None, send))
    assert sent == [{"type": "websocket.close", "code": 1000}]
