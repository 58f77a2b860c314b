"""What a person typed, and what their mail program put around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.inbound.quoting import LONGEST_LINE, is_blank, typed, unflowed

QUOTED = "> A digest\n> 1. A paper\n"


@pytest.mark.parametrize(
    "heading",
    [
        "On Tue, 9 Jun 2026 at 07:00, Digest <digest@papers.example> wrote:",
        "On Tue, 9 Jun 2026 at 07:00, Digest <reply+a.b.c@papers.example>\nwrote:",
        "Am 09.06.2026 um 07:00 schrieb Digest <digest@papers.example>:",
        "Le mar. 9 juin 2026 à 07:00, Digest <digest@papers.example> a\nécrit :",
        "El mar, 9 jun 2026 a las 7:00, Digest (<digest@papers.example>) escribió:",
        "Il giorno mar 9 giu 2026 alle ore 07:00 Digest ha scritto:",
        "Op di 9 jun. 2026 om 07:00 schreef Digest <digest@papers.example>:",
        "2026年6月9日(火) 7:00 Digest <digest@papers.example>:",
    ],
)
def test_what_is_quoted_under_a_heading_is_not_typed(heading):
    assert typed(f"more 2\n\n{heading}\n{QUOTED}") == ("more 2",)


def test_a_heading_right_under_what_was_typed_takes_nothing_of_it_away():
    assert typed(f"on friday\nOn Tue, 9 Jun 2026, Digest wrote:\n{QUOTED}") == ("on friday",)
    assert typed(f"more 2\nOn Tue, 9 Jun 2026, Digest wrote:\n{QUOTED}") == ("more 2",)


def test_what_is_typed_beneath_a_quote_counts():
    text = f"On Tuesday Digest wrote:\n{QUOTED}\nless 3\n"
    assert typed(text) == ("less 3",)


def test_without_marks_everything_under_the_heading_is_quoted():
    assert typed("more 1\n\nOn Tuesday the Digest wrote:\n\nunsubscribe here\n") == ("more 1",)


@pytest.mark.parametrize(
    "separator",
    [
        "-----Original Message-----",
        "-------- Forwarded Message --------",
        "-----Ursprüngliche Nachricht-----",
        "________________________________",
        "From: Digest <digest@papers.example>\nSent: Tuesday, 9 June 2026 07:00\nTo: Ada",
        "Von: Digest\nGesendet: Dienstag, 9. Juni 2026\nAn: Ada\nBetreff: Neues",
        "*From:* Digest\n*Date:* Tuesday\n*To:* Ada",
    ],
)
def test_an_original_message_beneath_is_not_typed(separator):
    assert typed(f"pause 2 weeks\n\n{separator}\nSubject: x\n\nunsubscribe") == ("pause 2 weeks",)


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAda\nstop",
        "--\nAda",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Get Outlook for Android",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Outlook für iOS<https://aka.ms/o0ukef> beziehen",
        "Obtener Outlook para iOS<https://aka.ms/o0ukef>",
        "Verstuurd vanaf mijn iPhone",
        "Odesláno z iPhonu",
        "发自我的iPhone",
        "iPhoneから送信",
        "나의 iPhone에서 보냄",
        "iPhone'umdan gönderildi",
        "DISCLAIMER: This e-mail may be privileged.\nIf it is not for you, delete it.",
        "This message and any files with it are\nconfidential, and intended for Ada alone.",
        "Diese E-Mail kann vertrauliche Informationen enthalten.",
        "Ce courriel est confidentiel.",
    ],
)
def test_signatures_are_not_typed(signature):
    assert typed(f"weekly\n\n{signature}\n") == ("weekly",)


def test_a_line_that_only_begins_like_a_disclaimer_is_typed():
    assert typed("This message is too long.\nlimit 5") == ("This message is too long.", "limit 5")


def test_a_disclaimer_in_a_marked_quote_ends_nothing():
    quote = "> A digest\n> This e-mail is confidential and intended for Ada.\n> More\n"
    assert typed(f"{quote}\nyes\n") == ("yes",)
    assert is_blank(quote)


def test_lines_that_were_broken_to_be_sent_are_whole_again():
    text = "keywords: maps, late \ninteraction, \nfog\n more 2\n\n> A digest \nless 3\n-- \nAda"
    assert unflowed(text).splitlines() == [
        "keywords: maps, late interaction, fog",
        "more 2",
        "",
        "> A digest ",
        "less 3",
        "-- ",
        "Ada",
    ]
    assert unflowed("late inter \naction", deletes_space=True) == "late interaction"


def test_a_long_line_is_whole_and_one_of_no_end_is_marked_as_cut():
    long = "keywords: " + ", ".join(f"method {each}" for each in range(300))
    assert typed(long) == (long,)
    (cut,) = typed("x, " * LONGEST_LINE)
    assert cut.endswith(" …")


def test_a_line_that_only_begins_like_a_header_is_typed():
    assert typed("From: now on, weekly please") == ("From: now on, weekly please",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        f"On Tuesday Digest wrote:\n{QUOTED}",
        f"Sent from my iPhone\n\nOn Tuesday Digest wrote:\n{QUOTED}",
        "-- \nAda\nUniversity of London",
        f"-- \nAda\n\nOn Tuesday Digest wrote:\n{QUOTED}",
    ],
)
def test_quotes_with_marks_and_signatures_leave_a_mail_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize(
    "original",
    [
        "-----Original Message-----\nFrom: Digest\n\nReply to confirm.\n",
        "On Tuesday the Digest wrote:\nReply to confirm.\n",
        "From: Digest\nSent: Tuesday\nTo: Ada\n\nReply to confirm.\n",
        f"-- \nAda\n\nOn Tuesday Digest wrote:\n{QUOTED}",
        "-- \nAda\n\n-----Original Message-----\n",
        "> x\n" * 2_000,
    ],
)
def test_what_may_stand_beneath_an_original_is_not_known_to_be_blank(original):
    assert not is_blank(f"{original}\nNo. I did not ask for this.\n")


@given(st.text(max_size=3_000))
def test_any_text_is_read_and_quoted_lines_never_come_through(text):
    lines = typed(f"{text}\n> unsubscribe\n")
    assert "> unsubscribe" not in lines
    assert all("\n" not in each for each in lines)
