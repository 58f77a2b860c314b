"""What may go over the wire, and how it is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.wire import LONGEST_LINE, prepare, stuffed
from digest.errors import DeliveryRefused
from digest.model import Message

HEAD = b"Subject: x\r\n\r\n"


def letter(content=HEAD + b"hi\r\n", sender="bounce@example.org", recipient="ada@example.net"):
    return Message(digest_id="s_1.2026-06-10", sender=sender, recipient=recipient, content=content)


def unstuffed(data: bytes) -> bytes:
    """What RFC 5321 §4.5.2 has the receiver do."""
    *lines, rest = data.split(b"\r\n")
    assert rest == b"", "the final dot begins a line"
    return b"\r\n".join([*(line.removeprefix(b".") for line in lines), b""])


@given(st.lists(st.binary(max_size=20).map(lambda b: b.translate(None, b"\r\n\0")), min_size=1))
def test_the_receiver_gets_back_exactly_the_bytes_that_were_given(lines):
    content = b"\r\n".join([*lines, b""])

    prepared = prepare(letter(content))

    assert unstuffed(prepared.data) == content
    assert prepared.size == len(content)


@given(st.lists(st.sampled_from([b".", b"..", b"a", b"\r\n", b""])).map(b"".join))
def test_no_stuffed_content_can_end_the_message_early(content):
    assert b"\r\n.\r\n" not in b"\r\n" + stuffed(content)


@given(st.binary(max_size=40))
def test_any_bytes_are_either_sendable_or_refused(content):
    try:
        data = prepare(letter(content)).data
    except DeliveryRefused:
        return
    assert unstuffed(data).removesuffix(b"\r\n") == content.removesuffix(b"\r\n")
    assert not set(b"\r\n\0") & set(data.replace(b"\r\n", b""))


@given(st.lists(st.integers(0, 1100), min_size=1, max_size=12))
def test_exactly_the_lines_over_the_limit_are_refused(lengths):
    content = b"\r\n".join([*(b"x" * each for each in lengths), b""])

    if max(lengths) > LONGEST_LINE:
        with pytest.raises(DeliveryRefused, match="longer than 998"):
            prepare(letter(content))
    else:
        assert prepare(letter(content)).size == len(content)


@given(
    st.lists(st.binary(max_size=20).map(lambda b: b.translate(None, b"\r\n\0"))),
    st.lists(
        st.text(alphabet="ab .=-", max_size=9).filter(lambda each: each[:1] != "."), min_size=1
    ),
)
def test_what_is_ready_goes_out_as_if_it_had_been_looked_at(head, body):
    first = b"".join(line + b"\r\n" for line in [b"Subject: x", *head])
    known = "".join(f"{line}\r\n" for line in body).encode()
    message = letter(first + known)

    assert prepare(replace(message, ready=len(known))) == prepare(message)


@pytest.mark.parametrize("head", [b"a\nb\r\n", b"a\0\r\n", b"x" * 999 + b"\r\n"])
def test_what_is_not_known_to_be_ready_is_looked_at_however_much_else_is(head):
    with pytest.raises(DeliveryRefused, match=r"5\.6\.0"):
        prepare(replace(letter(head + b"hi\r\n" * 9), ready=4 * 9))


@pytest.mark.parametrize("ready", [1, 3, 9, 10_000])
def test_a_count_that_does_not_begin_a_line_is_not_believed(ready):
    message = letter(HEAD + b"hi\r\n.there\r\n")

    assert prepare(replace(message, ready=ready)) == prepare(message)


def test_a_missing_final_line_end_is_supplied():
    assert prepare(letter(HEAD + b"hi")).data.endswith(b"hi\r\n")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@example.net",
        "ada@",
        "ada@example.net\r\nDATA",
        "ada@example.net\n",
        "a da@example.net",
        "<ada@example.net>",
        "ada@example.net> SIZE=1",
        '"a>b"@example.net',
        "ada@exa mple.net",
        "ada@bob@example.net",
        "ada\x00@example.net",
        "ada@\u2028.net",
        "\ud800@example.net",
        "a" * 65 + "@example.net",
        "ada@" + "e" * 251 + ".net",
    ],
)
def test_an_address_that_could_say_more_than_an_address_is_refused(address):
    with pytest.raises(DeliveryRefused) as caught:
        prepare(letter(recipient=address))

    assert caught.value.reply.startswith("5.1.3")
    assert caught.value.code == 0
    assert caught.value.subject == "s_1.2026-06-10"
    assert "example" not in str(caught.value)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_address_ever_breaks_out_of_its_angle_brackets(local, domain):
    try:
        prepared = prepare(letter(recipient=f"{local}@{domain}"))
    except DeliveryRefused:
        return
    assert not set("<>\r\n \0") & set(prepared.recipient)


@pytest.mark.parametrize(
    ("address", "said", "utf8"),
    [
        ("ada@example.net", "ada@example.net", False),
        ("ada+tag.x@sub.example.net", "ada+tag.x@sub.example.net", False),
        ("ada@straße.example", "ada@xn--strae-oqa.example", False),
        ("grüße@example.net", "grüße@example.net", True),
        ("ada@[127.0.0.1]", "ada@[127.0.0.1]", False),
        ("root@localhost", "root@localhost", False),
    ],
)
def test_domains_are_said_in_ascii_and_local_parts_as_they_are(address, said, utf8):
    prepared = prepare(letter(recipient=address))

    assert (prepared.recipient, prepared.utf8) == (said, utf8)


def test_the_null_sender_is_a_sender():
    assert prepare(letter(sender="")).sender == ""
