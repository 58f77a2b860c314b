"""Letters to one person: what each says, where it may go, and what it must not give away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest import tokens
from digest.delivery import dkim, wire
from digest.errors import ConfigError
from digest.inbound.commands import MOST_BROKEN
from digest.model import Interest, InterestKind, Message, Quiet, Site, Status
from digest.rendering import letters, links
from digest.rendering.lint import lint
from digest.rendering.occasions import LONGEST_UNDO

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
TO_ELSEWHERE = {"address-new": "new@example.net"}
CONTEXT = {
    "address-old": {"email": "new@example.net", "subject": "1781074800"},
    "address-new": {"subject": "1781074800"},
    "answer": {
        "title": "You follow two topics now.",
        "lines": ["Information Retrieval", "Machine Learning"],
        "undo": "To go back, reply with “topics cs.CL”.",
    },
}
NASTY = ("\r\nBcc: eve@example.com", "\n.\r\n", "\0", "=\r\n", "\u202e", "\ud800", "From ", "<b>&{{7}}")  # fmt: skip

texts = st.lists(st.one_of(st.text(max_size=30), st.sampled_from(NASTY)), max_size=5).map("".join)


def read(message: Message) -> EmailMessage:
    return message_from_bytes(message.content, policy=policy.default)


def text_of(message: Message) -> str:
    """The text part on one line, however it was wrapped."""
    return " ".join(read(message).get_body(("plain",)).get_content().split())


def html_of(message: Message) -> str:
    return read(message).get_body(("html",)).get_content().replace("\r\n", "\n")


@pytest.fixture(scope="session")
def framed(topics):
    """The template of a site, kept because compiling takes longer than the rest of a test."""
    return cache(lambda site: letters.compile_letters(site, topics))


@pytest.fixture
def by_mail(site):
    """A site to which people can write."""
    return replace(site, inbound_domain="in.example.org", unsubscribe_to="", bounce_to="")


@pytest.fixture
def write(framed, by_mail, subscriber):
    def letter(kind, *, site=by_mail, to=subscriber, **given):
        given.setdefault("recipient", TO_ELSEWHERE.get(kind, ""))
        return letters.letter(
            framed(site),
            kind,
            to=to,
            message_id=f"<{kind}.1@example.org>",
            at=NOW,
            **{**CONTEXT.get(kind, {}), **given},
        )

    return letter


@pytest.fixture
def pending(subscriber):
    return replace(subscriber, status=Status.PENDING)


# --- every kind -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", letters.KINDS)
def test_every_letter_has_two_lawful_parts_and_none_of_the_faults_the_linter_knows(write, kind):
    sent = write(kind)

    message = read(sent)
    assert not message.defects
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert lint(html_of(sent)) == []
    assert "  " not in text_of(sent)
    assert sent.digest_id == f"{kind}.1@example.org"
    assert sent == write(kind), "the same letter has the same bytes"


@pytest.mark.parametrize("kind", letters.KINDS)
def test_every_letter_says_that_a_machine_wrote_it_and_wants_no_machines_answer(write, kind):
    message = read(write(kind))

    assert message["From"] == "Paper Digest <digest@example.org>"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == f"<{kind}.1@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["Precedence"] is None
    assert message["List-Id"] is None
    assert all(len(message.get_all(name)) == 1 for name in message.keys())  # noqa: SIM118 - keys repeat


@pytest.mark.parametrize(
    "kind", ["confirm", "known", "link", "account", "address-old", "address-new"]
)
def test_a_letter_that_somebody_else_may_have_asked_for_says_that_doing_nothing_is_safe(
    write, kind
):
    text = text_of(write(kind))

    assert any(word in text.partition("If ")[2] for word in ("ignore this mail", "nothing"))


def test_signed_letters_verify(write):
    import dkim as verifier

    key = dkim.generate_key()
    record = dkim.public_record(key).encode()
    signer = dkim.Signer("example.org", "s1", key)
    for kind in letters.KINDS:
        sent = write(kind)

        signed = signer.sign(sent.content, NOW)

        assert verifier.verify(signed, dnsfunc=lambda *_args, **_more: record), kind
        wire.prepare(replace(sent, content=signed))


def test_an_unknown_kind_is_a_mistake_of_ours(write):
    with pytest.raises(ConfigError, match="billet-doux"):
        write("billet-doux")


# --- kinds, one by one ------------------------------------------------------------------------


def test_the_question_to_confirm_lists_what_was_asked_for_and_can_be_answered_twice_over(
    write, pending, by_mail
):
    topics = [
        Interest(kind=InterestKind.TOPIC, value=each, added_at=NOW)
        for each in ("cs.IR", "retrieval")
    ]

    sent = write("confirm", to=pending, interests=topics)

    link = links.confirm(by_mail, pending, "2026-06-10")
    assert link in text_of(sent)
    assert f'href="{link}"' in html_of(sent)
    assert "Topics: Information Retrieval (cs.IR), Retrieval &" in text_of(sent)
    assert "Or reply to this mail with “yes”." in text_of(sent)
    assert read(sent)["Reply-To"].addresses[0].domain == "in.example.org"


def test_the_question_to_come_back_is_answered_for_this_letter_alone(write, pending, by_mail):
    person = replace(pending, id=f"s_{'0123456789' * 2}", confirmed_at=NOW)

    sent = write("confirm", to=person, mark="0a1b2c3d")

    assert links.confirm(by_mail, person, "2026-06-10_0a1b2c3d") in text_of(sent)
    assert "What you followed before is kept as well." in " ".join(text_of(sent).split())
    (reply_to,) = read(sent)["Reply-To"].addresses
    assert reply_to.addr_spec == links.reply_to(by_mail, person, "letter-0a1b2c3d")
    assert len(reply_to.username) <= 64
    (help_at,) = read(write("help", to=person, mark="0a1b2c3d"))["Reply-To"].addresses
    assert help_at == reply_to


@pytest.mark.parametrize(
    ("quiet", "before", "promise"),
    [
        (Quiet.LINE, None, "Your first digest comes at once."),
        (Quiet.NOTHING, None, "Your first digest comes as soon as there is something for you."),
        (Quiet.LINE, NOW, "Every digest says"),
    ],
)
def test_who_confirms_is_promised_a_first_digest_at_once_if_one_comes(
    write, pending, quiet, before, promise
):
    sent = write("confirm", to=replace(pending, quiet=quiet, confirmed_at=before))

    assert promise in " ".join(text_of(sent).split())


def test_what_strangers_typed_never_reaches_an_address_that_is_not_proven(write, pending):
    spam = "Buy pills at pills.example"
    wishes = [
        Interest(kind=kind, value=f"{spam} {kind}", added_at=NOW)
        for kind in InterestKind
        for _ in range(2)
    ]

    sent = write("confirm", to=replace(pending, name=spam, shows_name=True), interests=wishes)

    assert "pills" not in sent.content.decode() + text_of(sent)
    assert (
        "With 2 keywords, 2 saved searches, 2 authors, 2 example papers, 2 muted words, "
        "2 hidden authors, 2 hidden topics"
    ) in text_of(sent)


def test_where_no_mail_comes_in_one_confirms_by_link_alone(write, pending, site):
    sent = write("confirm", to=pending, site=site)

    assert "reply" not in text_of(sent).lower()
    assert read(sent)["Reply-To"] is None
    assert sent.sender == "bounce@example.org"


def test_where_there_is_no_web_one_confirms_by_answering(write, pending, by_mail):
    sent = write("confirm", to=pending, site=replace(by_mail, url=""))

    assert "To confirm, reply to this mail with “yes”." in text_of(sent)
    assert "http" not in text_of(sent)
    assert lint(html_of(sent)) == []


@pytest.mark.parametrize("kind", ["confirm", "link", "account", "address-old", "address-new"])
def test_a_letter_about_a_link_needs_a_site_to_link_to(write, kind):
    with pytest.raises(ConfigError, match=r"site\.url"):
        write(kind, site=Site(mail_from="digest@example.org"))


def test_preferences_open_by_a_link_of_the_day(write, by_mail, subscriber):
    link = links.preferences(by_mail, subscriber, "2026-06-10")

    assert link in text_of(write("link"))
    assert link in text_of(write("known"))
    assert "Your digests are paused until 24 December 2026." in text_of(
        write(
            "link",
            to=replace(
                subscriber, status=Status.PAUSED, paused_until=datetime(2026, 12, 24, tzinfo=UTC)
            ),
        )
    )


def test_a_pause_ends_on_the_readers_own_day(write, subscriber):
    until = datetime(2026, 6, 30, 23, tzinfo=UTC)
    paused = replace(subscriber, status=Status.PAUSED, paused_until=until, tz="Europe/Berlin")

    assert "Your digests are paused until 1 July 2026." in text_of(write("known", to=paused))


def test_the_account_opens_for_an_hour(write, by_mail, subscriber):
    text = text_of(write("account"))

    assert links.account(by_mail, subscriber, int(NOW.timestamp()) // 60) in text
    assert "until 08:00 UTC" in text


def test_a_change_of_address_asks_both_ends_and_tells_the_new_one_nothing_of_the_old(
    write, by_mail, subscriber
):
    old, new = write("address-old"), write("address-new")

    assert "sent to new@example.net from now on" in text_of(old)
    assert links.address(by_mail, subscriber, links.ADDRESS_OLD, "1781074800") in text_of(old)
    assert links.address(by_mail, subscriber, links.ADDRESS_NEW, "1781074800") in text_of(new)
    assert new.recipient == "new@example.net"
    assert subscriber.email not in new.content.decode() + text_of(new)


def test_an_address_that_is_not_the_subscribers_gets_nothing_that_acts_for_them(write):
    for sent in (write("address-new"), write("address-changed", recipient="old@example.net")):
        message = read(sent)
        assert message["Reply-To"] is None
        assert message["List-Unsubscribe"] is None
        assert sent.sender == "digest@example.org"
        assert "/me/" not in text_of(sent)
        assert "/u/" not in text_of(sent)


def test_the_subscribers_own_address_is_theirs_however_it_is_spelt(write):
    assert read(write("link", recipient="Ada@Example.com"))["Reply-To"] is not None


def test_after_the_change_the_old_address_learns_whom_to_tell_if_it_was_somebody_else(write):
    text = text_of(write("address-changed", recipient="old@example.net"))

    assert "If this was not you, write to ask@example.org." in text


def test_goodbye_says_how_to_come_back_and_offers_no_way_to_leave_once_more(write):
    sent = write("goodbye")

    assert "subscribe again: https://digest.example.org/subscribe" in text_of(sent)
    assert "Unsubscribe" not in html_of(sent)
    assert read(sent)["List-Unsubscribe"] is None


def test_goodbye_to_who_was_erased_has_nothing_signed_in_it(write, subscriber):
    sent = write("goodbye", erased=True)

    assert "one-way fingerprint" in text_of(sent)
    assert subscriber.id not in sent.content.decode() + text_of(sent) + sent.sender


def test_an_answer_says_what_changed_and_how_to_undo_it(write):
    sent = write("answer", in_reply_to="<q1@example.com>")

    text = text_of(sent)
    assert text.index("You follow two topics now.") < text.index("- Machine Learning")
    assert "To go back, reply with “topics cs.CL”." in text
    assert read(sent)["Subject"] == "You follow two topics now"


def test_what_undoes_a_change_is_broken_at_its_commas_alone_and_never_cut(write):
    words = [f"retrieval method number {each}" for each in range(60)]
    undo = f"To undo this, reply “keywords: {', '.join(words)}”."

    sent = write("answer", undo=undo, in_reply_to="<q1@example.com>")

    plain = read(sent).get_body(("plain",)).get_content()
    printed = plain[plain.index("“keywords") : plain.index("”.")]
    assert all(each.endswith(",") for each in printed.splitlines()[:-1])
    assert text_of(sent).count("retrieval method number") == 60


def test_what_undoes_a_change_is_left_out_where_sent_back_it_would_be_too_long_to_be_read(write):
    def lines_of(number):
        words = (f"a quite long word of retrieval {each:05}" for each in range(number))
        undo = f"To undo this, reply “keywords: {', '.join(words)}”."
        sent = write("answer", undo=undo, in_reply_to="<q1@example.com>")
        plain = read(sent).get_body(("plain",)).get_content()
        return plain[plain.find("“keywords") : plain.find("”.")].splitlines()

    longest = lines_of((LONGEST_UNDO - 40) // len("a quite long word of retrieval 00000, "))

    assert 150 < len(longest) < MOST_BROKEN
    assert lines_of(300) == []


def test_an_answer_names_what_it_answers_and_cannot_come_back_as_a_bounce(write):
    sent = write("answer", in_reply_to="<q1@example.com>")

    message = read(sent)
    assert sent.sender == ""
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == message["References"] == "<q1@example.com>"


@pytest.mark.parametrize(
    "bad", ["q1", "<a b@example.com>", "<a@b>\r\nBcc: eve@example.com", f"<{'x' * 400}@b>", "<é@b>"]
)
def test_a_message_id_that_is_none_is_not_repeated(write, bad):
    sent = write("answer", in_reply_to=bad)

    message = read(sent)
    assert message["In-Reply-To"] is None
    assert message["Bcc"] is None
    assert (sent.sender, message["Auto-Submitted"]) == ("", "auto-replied")


def test_help_for_a_stranger_says_how_to_begin(write):
    sent = write("help", to=None, recipient="stranger@example.com", in_reply_to="<q@example.com>")

    assert "write to subscribe@in.example.org" in text_of(sent)
    assert "pause 2 weeks" in text_of(sent)
    assert sent.recipient == "stranger@example.com"


def test_help_offers_a_link_only_where_there_are_pages(write, by_mail):
    assert "“link”" in text_of(write("help"))
    assert "“link”" not in text_of(write("help", site=replace(by_mail, url="")))


def test_an_export_comes_as_a_file(write):
    data = b'{"email": "ada@example.com"}\n' * 500

    sent = write("export", attachment=("my digest.json", "application/json", data))

    message = read(sent)
    (file,) = message.iter_attachments()
    assert file.get_filename() == "my-digest.json"
    assert file.get_content_type() == "application/json"
    assert file.get_content() == data
    assert not message.defects
    assert "/me/" in text_of(sent)
    wire.prepare(sent)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a\r\nBcc: eve@example.com", "text/plain"),
        ('"', "x\r\nBcc: e@x"),
        ("../../x", ""),
        ("é", "é"),
    ],
)
def test_a_files_name_and_type_cannot_end_their_field(write, name, kind):
    message = read(write("export", attachment=(name, kind, b"x")))

    (file,) = message.iter_attachments()
    assert message["Bcc"] is None
    assert file["Bcc"] is None
    assert "/" not in file.get_filename()
    assert file.get_payload(decode=True) == b"x"


# --- whom mail comes back to ------------------------------------------------------------------


def test_answers_and_bounces_come_back_under_tags_that_hold(write, subscriber):
    sent = write("link")

    for address, scope in (
        (read(sent)["Reply-To"].addresses[0].addr_spec, links.REPLY),
        (sent.sender, links.BOUNCE),
    ):
        local, _, domain = address.partition("@")
        box, _, tag = local.partition("+")
        named = tokens.read(tag)
        assert (box, domain) == (scope, "in.example.org")
        assert (named.subscriber_id, named.subject) == (subscriber.id, "letter")
        assert tokens.holds_tag(named, subscriber.key, scope)
        assert len(local) <= 64


def test_whoever_has_a_subscription_and_nobody_else_can_end_it_from_any_letter(
    write, by_mail, subscriber, pending
):
    leave = links.unsubscribe(by_mail, subscriber)
    for kind in ("known", "link", "account", "answer", "help", "export"):
        sent = write(kind)
        message = read(sent)
        assert leave in text_of(sent)
        assert f'href="{leave}"' in html_of(sent)
        assert leave in message["List-Unsubscribe"]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read(write("confirm", to=pending))["List-Unsubscribe"] is None


# --- whatever is in them -----------------------------------------------------------------------


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    title=texts,
    lines=st.lists(texts, max_size=8),
    undo=texts,
    name=texts,
    file=st.none() | st.tuples(texts, texts, st.binary(max_size=300)),
)
def test_whatever_an_answer_says_it_is_a_lawful_message(
    framed, by_mail, subscriber, title, lines, undo, name, file
):
    # Arrange
    frame = replace(framed(by_mail), site=replace(by_mail, name=name))

    # Act
    sent = letters.letter(
        frame,
        "answer",
        to=subscriber,
        message_id="<a.1@example.org>",
        at=NOW,
        in_reply_to="<q@example.com>",
        attachment=file,
        title=title,
        lines=lines,
        undo=undo,
    )

    # Assert
    wire_lines = sent.content.split(b"\r\n")
    assert sent.content.isascii()
    assert not any(set(line) & set(b"\r\n\0") for line in wire_lines)
    assert all(len(line) <= 76 for line in wire_lines if not line.startswith(b"List-Unsub"))
    assert not any(line.startswith((b".", b"From ")) for line in wire_lines)
    message = read(sent)
    assert not message.defects
    assert message["To"] == "ada@example.com"
    assert message["Bcc"] is None
    assert "<b>" not in html_of(sent)
    if file is not None:
        (attached,) = message.iter_attachments()
        assert attached.get_payload(decode=True) == file[2]


def test_a_long_answer_is_cut(write):
    sent = write("answer", lines=[f"{number} " + "word " * 1000 for number in range(500)])

    assert len(sent.content) < 150_000
    assert lint(html_of(sent)) == []
