"""How much one network may ask for, and how much a form may hold."""

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from digest.web.limits import MOST_FIELDS, Buckets, network, with_form


class Clock:
    def __init__(self):
        self.seconds = 1_000.0

    def __call__(self):
        return self.seconds


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("::1", "::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_network_is_what_one_customer_is_usually_given(address, expected):
    scope = {"type": "http", "client": (address, 1), "headers": []}
    assert network(Request(scope)) == expected


def test_without_an_address_the_network_is_unknown():
    assert network(Request({"type": "http", "client": None, "headers": []})) == "unknown"


def test_a_bucket_refills_evenly_and_says_when_to_come_back():
    clock = Clock()
    buckets = Buckets(60, clock=clock)
    for _ in range(60):
        buckets.take("here")
    with pytest.raises(HTTPException) as refused:
        buckets.take("here")
    assert refused.value.status_code == 429
    assert refused.value.headers == {"retry-after": "60"}
    buckets.take("elsewhere")

    clock.seconds += 60
    buckets.take("here")
    with pytest.raises(HTTPException):
        buckets.take("here")


def test_a_bucket_never_holds_more_than_an_hour_allows():
    clock = Clock()
    buckets = Buckets(2, clock=clock)
    buckets.take("here")
    clock.seconds += 1_000_000
    buckets.take("here", 2)
    with pytest.raises(HTTPException):
        buckets.take("here")


def test_whoever_was_not_seen_for_an_hour_is_forgotten():
    clock = Clock()
    buckets = Buckets(2, clock=clock)
    buckets.take("long ago")
    clock.seconds += 1_800
    buckets.take("lately")
    clock.seconds += 1_800
    buckets.take("now")
    assert buckets.names == ["lately", "now"]


def test_a_bucket_of_nothing_refuses_all():
    with pytest.raises(HTTPException) as refused:
        Buckets(0, clock=Clock()).take("here")
    assert refused.value.headers == {"retry-after": "3600"}


def test_names_beyond_a_number_are_forgotten_so_that_memory_is_bounded():
    clock = Clock()
    buckets = Buckets(1, names=3, clock=clock)
    for name in "abcd":
        buckets.take(name)
    assert buckets.names == ["b", "c", "d"]
    with pytest.raises(HTTPException):
        buckets.take("d")
    buckets.take("a")


# --- forms ------------------------------------------------------------------------------------


def told(request):
    return PlainTextResponse(",".join(f"{name}" for name, _ in request.state.form.multi_items()))


@pytest.fixture
def forms():
    routes = [
        Route("/plain", with_form(told), methods=["GET", "POST"]),
        Route("/upload", with_form(told, buckets=Buckets(600)), methods=["POST"]),
        Route("/rationed", with_form(told, buckets=Buckets(7, clock=Clock())), methods=["POST"]),
    ]
    return TestClient(Starlette(routes=routes))


def test_a_form_is_read_before_the_handler_begins_and_is_empty_on_get(forms):
    assert forms.post("/plain", data={"a": "1", "b": "2"}).text == "a,b"
    assert forms.get("/plain").text == ""
    assert forms.post("/plain").text == ""


def test_a_file_is_taken_where_one_is_expected_and_never_two(forms):
    one, two = ("a", ("a.bib", b"x")), ("b", ("b.bib", b"y"))
    assert forms.post("/upload", files=[one]).text == "a"
    assert forms.post("/upload", files=[one, two]).status_code == 400
    assert forms.post("/plain", files=[one]).status_code == 400


def test_a_file_costs_as_much_as_three_searches_and_a_form_without_one_nothing(forms):
    library, none = {"a": ("a.bib", b"x")}, {"a": ("", b"")}
    assert [forms.post("/rationed", files=none).status_code for _ in range(9)] == [200] * 9
    assert [forms.post("/rationed", data={"b": "2"}).status_code for _ in range(9)] == [200] * 9
    hidden = [("a", library["a"]), ("a", (None, "a field of the same name"))]
    sent = [forms.post("/rationed", files=each) for each in (library, hidden, library)]
    assert [each.status_code for each in sent] == [200, 200, 429]
    assert sent[2].headers["retry-after"] == "1029", "two sevenths of an hour"


def test_a_long_text_is_taken_and_costs_as_much_as_a_file(forms):
    library = {"a": "x" * 1_500_000}
    sent = [forms.post("/rationed", data=library) for _ in range(3)]
    assert [each.status_code for each in sent] == [200, 200, 429]


PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n9\r\n--x--\r\n'


def test_too_many_fields_or_too_large_ones_are_refused(forms):
    many = {f"f{n}": (None, "x") for n in range(MOST_FIELDS + 1)}
    assert forms.post("/plain", files=many).status_code == 400
    assert forms.post("/plain", data=dict.fromkeys(many, "x")).status_code == 400
    assert forms.post("/plain", files={"a": (None, "x" * 2_100_000)}).status_code == 400


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"nonsense"),
        ("multipart/form-data; boundary=x; charset=punycode", PART),
        ("multipart/form-data; boundary=x; charset=undefined", PART),
        ("multipart/form-data; boundary=x", b"--x\r\nno colon here\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno disposition\r\n--x--"),
    ],
)
def test_what_is_no_form_is_refused_rather_than_failed_on(forms, kind, body):
    assert forms.post("/plain", content=body, headers={"content-type": kind}).status_code == 400


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json"])
def test_a_body_that_is_no_form_counts_as_an_empty_one(forms, kind):
    answer = forms.post("/plain", content=b"a=1", headers={"content-type": kind})
    assert (answer.status_code, answer.text) == (200, "")
