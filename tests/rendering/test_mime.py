"""Header fields that nothing can be smuggled into."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.errors import InvalidInput
from digest.rendering import mime
from digest.rendering.pieces import encode
from digest.text import clean


def wire(field: bytes) -> bytes:
    """A header of this field alone."""
    return field + b"\r\n"


def words(line: bytes) -> str:
    value = line.partition(b": ")[2].strip().replace(b"\r\n ", b" ").decode()
    return str(make_header(decode_header(value)))


@given(st.text())
@example("a\r\nBcc: eve@example.com")
@example("=?utf-8?B?aGk=?=")
@example("x" * 200)
@example("plain words " * 20)
@example("ÅÄÖ " * 60)
def test_a_subject_is_one_field_and_says_what_was_meant(text):
    line = wire(mime.unstructured("Subject", text))

    parsed = message_from_bytes(line, policy=policy.compat32)
    assert parsed.keys() == ["Subject"]
    assert line.isascii()
    assert all(len(each) <= 76 for each in line.split(b"\r\n"))
    assert words(line) == clean(text)


@given(st.text())
@example('Ada "the" \\ Countess')
@example("Digest, Daily")
@example("eve@example.com>, <ada")
def test_a_display_name_never_changes_the_address(name):
    line = wire(mime.mailbox("From", "digest@example.org", name))

    parsed = message_from_bytes(line, policy=policy.default)["From"]
    assert [each.addr_spec for each in parsed.addresses] == ["digest@example.org"]
    assert line.isascii()
    assert all(len(each) <= 76 for each in line.split(b"\r\n"))


@pytest.mark.parametrize(
    "name", ["Paper Digest", 'The "Daily" Digest', "arXiv.org", "Digest, Daily", "Übersicht"]
)
def test_ordinary_display_names_arrive_as_they_are(name):
    parsed = message_from_bytes(
        wire(mime.mailbox("From", "digest@example.org", name)), policy=policy.default
    )

    assert parsed["From"].addresses[0].display_name == name


@given(st.text())
@example("ada@example.org\r\nBcc: eve@example.org")
@example("ada@example.org, eve@example.org")
@example("<ada@example.org>")
def test_an_address_is_one_address_or_refused(text):
    try:
        spec = mime.mail_address(text)
    except InvalidInput as error:
        said = error.message
    else:
        said = ""
        assert spec.count("@") == 1
        assert not set(spec) & set(' \t\r\n\0<>,;:"()[]')

    assert "@" not in said


def test_a_domain_goes_as_the_dns_knows_it_and_a_local_part_as_it_is():
    assert mime.mail_address("ada@bücher.example") == "ada@xn--bcher-kva.example"
    assert mime.mail_address("ada@straße.example") == "ada@xn--strae-oqa.example"
    assert mime.mail_address("jürgen@example.org") == "jürgen@example.org"


@given(st.text())
def test_a_structured_field_stays_on_one_line(text):
    field = mime.verbatim("Message-ID", text)

    assert field.isascii()
    assert field.endswith(b"\r\n")
    assert not any(byte < 32 or byte == 127 for byte in field[:-2])


def test_the_boundary_cannot_stand_in_a_body_and_depends_on_the_key_alone():
    def built(key: str) -> bytes:
        written = mime.alternative([], text=[encode("a\n--=_\n")], html=[encode("<p>b\n")], key=key)
        return written.content

    message = message_from_bytes(built("one"), policy=policy.default)

    assert message.get_boundary().startswith("=_")
    assert [part.get_content() for part in message.iter_parts()] == [
        "a\r\n--=_\r\n",
        "<p>b\r\n",
    ]
    assert built("one") == built("one")
    assert built("one") != built("two")


@settings(max_examples=40)
@given(name=st.text(max_size=80), kind=st.text(max_size=80), data=st.binary(max_size=200))
def test_a_file_beside_the_text_arrives_as_it_was(name, kind, data):
    written = mime.alternative(
        [], text=[encode("a\n")], html=[encode("<p>b\n")], key="k", attachment=(name, kind, data)
    )
    content, head = written.content, len(written.content) - written.ready

    message = message_from_bytes(content, policy=policy.default)
    (file,) = message.iter_attachments()
    assert not message.defects
    assert message.get_body(("plain",)).get_content() == "a\r\n"
    assert message.get_body(("html",)).get_content() == "<p>b\r\n"
    assert file.get_payload(decode=True) == data
    assert content[:head].endswith(b"\r\n\r\n")
    assert all(
        len(line) <= 76 and b"\n" not in line and line[:1] != b"."
        for line in content.split(b"\r\n")
    )
    assert content.isascii()
