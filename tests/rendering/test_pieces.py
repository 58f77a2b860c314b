"""Quoted-printable that can be joined anywhere."""

from __future__ import annotations

import html
from binascii import a2b_qp

from hypothesis import example, given
from hypothesis import strategies as st

from digest.rendering.pieces import Pieces, encode, encode_address, hole

texts = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("=. \n%F“”…")))


@given(st.lists(texts, max_size=6))
@example(["x" * 75, "y"])
@example(["...", ".", "From here", " From"])
@example(["trailing space ", " \n"])
@example(["tabs\t\tand\t", "carriage\rreturns\r\n", "\r"])
def test_pieces_decode_to_the_join_of_their_texts_however_they_meet(pieces):
    wire = b"".join(encode(each) for each in pieces)

    assert a2b_qp(wire).decode() == "".join(pieces).replace("\r", "").replace("\n", "\r\n")
    assert wire.isascii()


@given(st.lists(texts, max_size=4))
@example(["." * 200])
@example(["é" * 90])
@example(["x" * 75 + " \n", "x" * 76 + "\t\ny", "x" * 76])
def test_no_line_is_long_or_begins_with_what_mail_systems_change(pieces):
    wire = b"".join(encode(each) for each in pieces)

    for line in wire.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))


paths = st.text(alphabet=st.sampled_from("abz09-_.=/%é F<\"'"), max_size=100)


@given(paths, paths)
@example("https://digest.example/d", ".hidden")
@example("From ", "a" * 90)
def test_an_address_is_encoded_like_any_text_wherever_it_is_cut(before, own):
    in_html, in_text = encode_address(f"{before}/{own}")

    assert html.unescape(a2b_qp(in_html).decode()) == f"{before}/{own}"
    assert a2b_qp(in_text).decode() == f"{before}/{own}"
    for line in (in_html + in_text).split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))


def test_a_lone_surrogate_does_not_stop_the_mail():
    assert encode("a\ud800b") == b"a?b=\r\n"


def test_holes_are_filled_where_their_marks_were_and_percent_signs_survive():
    pieces = Pieces.of(f"100 % of {hole('name')}, {hole('name')} and %(name)s\n")

    wire = pieces.fill({"name": encode("Ada")})

    assert a2b_qp(wire) == b"100 % of Ada, Ada and %(name)s\r\n"


def test_holes_are_filled_in_order_as_they_are_by_name():
    values = {"why": encode("As you like it."), "number": encode("7")}

    for text in (
        "no holes",
        f"only {hole('why')}",
        f"{hole('number')}: {hole('why')} {hole('number')}",
    ):
        pieces = Pieces.of(text)
        ordered = pieces.ordered("number", "label", "why").filled(
            (values["number"], b"", values["why"])
        )

        assert ordered == pieces.filled(values)
