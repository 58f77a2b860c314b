"""From a listing to three mailboxes: the command line, DKIM and a real Postfix."""

import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import parseaddr
from html import escape

import dkim as dkimpy
import pytest

from digest.delivery import generate_key, public_record
from digest.store import open_store

pytestmark = pytest.mark.slow

DELIVER = ("deliver", "--date", "2026-06-11")
READERS = {
    "ada": ("--topic", "cs.IR", "--topic", "retrieval", "--keyword", "dual encoder"),
    "noor": ("--topic", "q-bio.NC", "--cadence", "weekdays", "--tz", "Asia/Amman"),
    "tomas": ("--topic", "math.OC", "--topic", "stat.ML", "--cadence", "thursday"),
}


@pytest.fixture(scope="module")
def postfix(start_postfix):
    """Postfix with a mailbox for each reader."""
    return start_postfix([f"{name}@example.net" for name in READERS])


@pytest.fixture(scope="module")
def key():
    return generate_key()


@pytest.fixture(scope="module")
def digest(postfix, key, command_line, tmp_path_factory):
    """Three readers, a listing, and mail that leaves signed through Postfix."""
    made = command_line(tmp_path_factory.mktemp("through-postfix"))
    (made.folder / "dkim.pem").write_bytes(key)
    made.settings |= {
        "DIGEST_SMTP_URL": postfix.url,
        "DIGEST_DKIM_DOMAIN": "digest.example",
        "DIGEST_DKIM_SELECTOR": "s1",
        "DIGEST_DKIM_PRIVATE_KEY_FILE": str(made.folder / "dkim.pem"),
    }
    made.ready(0)
    for name, wishes in READERS.items():
        assert made("subscribe", f"{name}@example.net", *wishes, "--confirmed").code == 0
    return made


@pytest.fixture(scope="module")
def arrived(digest, postfix, eventually):
    """What lies in each reader's mailbox after the hop, as it lies there."""
    assert digest(*DELIVER).code == 0
    assert eventually(lambda: len(postfix.files()) >= len(READERS), 20)
    return {each.parent.parent.name: each.read_bytes() for each in postfix.files()}


def parsed(content):
    return message_from_bytes(content, policy=policy.default)


def test_each_reader_gets_one_mail_addressed_to_them(arrived):
    addressed = {name: parseaddr(parsed(each)["to"])[1] for name, each in arrived.items()}

    assert addressed == {name: f"{name}@example.net" for name in READERS}


def test_a_second_run_sends_nothing(digest, arrived, postfix):
    again = digest(*DELIVER)

    assert again.code == 0
    assert "0 digests composed; 0 sent" in again.out
    assert len(postfix.files()) == len(READERS)
    status = json.loads(digest("status", "--json").out)
    assert {state: count for state, count in status["outbox"].items() if count} == {
        "sent": len(READERS)
    }


@pytest.mark.parametrize("name", READERS)
def test_the_header_marks_it_as_wanted_list_mail(arrived, name):
    mail = parsed(arrived[name])

    assert parseaddr(mail["from"]) == ("Digest", "digest@digest.example")
    assert mail["return-path"] == "<digest@digest.example>"
    assert abs(mail["date"].datetime - datetime.now(UTC)) < timedelta(minutes=10)
    assert mail["list-id"] == "Digest <digest.digest.example>"
    assert mail["list-help"] == "<https://digest.example/>"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert mail["auto-submitted"] == "auto-generated"
    assert re.fullmatch(
        r"2026-06-11:(daily|weekdays|weekly):digest:digest\.digest\.example", mail["feedback-id"]
    )
    once = ("from", "to", "subject", "date", "message-id", "list-id", "list-unsubscribe")
    assert [len(mail.get_all(each)) for each in once] == [1] * len(once)


@pytest.mark.parametrize("name", READERS)
def test_both_ways_to_unsubscribe_carry_the_same_secret(arrived, name):
    mail = parsed(arrived[name])

    ways = re.fullmatch(
        r"<https://digest\.example/u/(\S+)>,\s*"
        r"<mailto:unsubscribe@digest\.example\?subject=unsubscribe%20(\S+)>",
        mail["list-unsubscribe"],
    )
    assert ways[1] == ways[2]
    assert len({parsed(each)["list-unsubscribe"] for each in arrived.values()}) == len(READERS)


@pytest.mark.parametrize("name", READERS)
def test_both_parts_can_be_read_and_hold_the_first_pick(arrived, digest, name):
    mail = parsed(arrived[name])
    with closing(open_store(digest.db)) as store:
        person = store.subscribers.by_email(f"{name}@example.net")
        (kept,) = store.ledger.recent(person.id, limit=1)
        paper = kept.picks[0].paper_id
        title = store.papers.get([paper])[paper].title

    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()

    assert " ".join(title.split()) in " ".join(text.split())
    assert escape(title.split()[0]) in html
    assert html.rstrip().endswith("</html>")
    assert "Unsubscribe" in html
    assert "https://digest.example/u/" in text
    assert not mail.defects


@pytest.mark.parametrize("name", READERS)
def test_every_line_is_short_enough_for_smtp(arrived, name):
    assert max(len(each) for each in arrived[name].splitlines()) <= 998
    assert arrived[name].isascii()


def test_a_preview_of_what_was_sent_has_its_message_id_and_its_words(arrived, digest):
    out = digest.folder / "ada.eml"

    assert digest("preview", "ada@example.net", *DELIVER[1:], "--out", out).code == 0

    sent, shown = parsed(arrived["ada"]), parsed(out.read_bytes().replace(b"\r\n", b"\n"))
    assert shown["message-id"] == sent["message-id"]
    assert shown["subject"] == sent["subject"]
    for part in ("plain", "html"):
        ours, theirs = (each.get_body((part,)).get_content() for each in (shown, sent))
        assert ours == theirs


@pytest.mark.parametrize("name", READERS)
def test_the_signature_is_good_after_the_hop_and_covers_the_one_click_header(arrived, key, name):
    wire = arrived[name].replace(b"\n", b"\r\n")

    assert dkimpy.verify(wire, dnsfunc=lambda *_, **__: public_record(key).encode())

    signature = re.sub(r"\s", "", parsed(arrived[name])["dkim-signature"])
    signed = re.search(r"h=([^;]+);", signature)[1].lower().split(":")
    assert {"from", "list-unsubscribe", "list-unsubscribe-post"} <= set(signed)
    assert "d=digest.example;" in signature


def test_opendkim_agrees(arrived, key, opendkim):
    said = opendkim(arrived.values(), {"s1._domainkey.digest.example": public_record(key)})

    assert said.count("succeeded") == len(READERS)
