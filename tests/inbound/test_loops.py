"""Two installations that write to each other fall silent, even where the marks are lost."""

import shutil
from dataclasses import dataclass, replace
from email import message_from_bytes, policy

import pytest

from digest import inbound, subscriptions
from digest.model import Letter
from digest.pipeline import posting
from digest.rendering.letters import compile_letters
from digest.store import open_store
from digest.subscriptions import Wishes

MARKS = ("auto-submitted", "x-auto-response-suppress", "list-", "precedence", "x-loop")


@dataclass
class Installation:
    """One of the two: it takes mail in, and keeps what it answers."""

    store: object
    policy: inbound.Policy
    now: object

    @property
    def address(self):
        return self.policy.site.mail_from

    def take_in(self, raw):
        answers: list[Letter] = []
        templates = compile_letters(self.policy.site, self.policy.topics)

        def keep(reply):
            letter = posting.write(
                self.store,
                templates,
                reply.kind,
                reply.subscriber,
                domain=self.policy.domain,
                now=self.now,
                recipient=reply.recipient,
                in_reply_to=reply.in_reply_to,
                attachment=reply.attachment,
                **reply.context,
            )
            answers.append(letter)

        inbound.take_in(
            self.store,
            raw,
            recipients=[f"help@{self.policy.domain}"],
            policy=self.policy,
            answer=keep,
            now=self.now,
        )
        return answers


@pytest.fixture
def two(tmp_path, empty, policy, now):
    """Two installations; each believes the other's signature, and has it among its readers."""
    made = []
    names = ("papers.example", "other.example")
    for own, other in (names, names[::-1]):
        site = replace(
            policy.site, url=f"https://{own}", mail_from=f"digest@{own}", inbound_domain=own
        )
        store = open_store(shutil.copy(empty, tmp_path / f"{own}.db"))
        ours = replace(policy, domain=own, site=site, authserv_id=own)
        subscriptions.subscribe(
            store,
            f"digest@{other}",
            Wishes(topics=["cs.IR"]),
            topics=policy.topics,
            defaults=policy.defaults,
            confirmed=True,
            now=now,
        )
        made.append(Installation(store, ours, now))
    yield made
    for each in made:
        each.store.close()


def carried(letter, to, *, stripped=False):
    """A letter as the other's mail server hands it over, without its marks if they got lost."""
    mail = message_from_bytes(letter.content, policy=policy.SMTP)
    if stripped:
        for name in [each for each in mail.keys() if each.lower().startswith(MARKS)]:  # noqa: SIM118
            del mail[name]
    domain = mail["from"].addresses[0].domain
    sender = f"digest@{domain}" if stripped else letter.sender
    head = (
        f"Authentication-Results: {to.policy.domain}; dkim=pass header.d={domain}\r\n"
        f"Return-Path: <{sender}>\r\n"
    )
    return head.encode() + mail.as_bytes()


def first_mail(one, other, mail):
    return mail(
        "What is this?",
        top=[
            (
                "Authentication-Results",
                f"{one.policy.domain}; dkim=pass header.d={other.policy.domain}",
            )
        ],
        **{"from": f"Digest <{other.address}>", "subject": "Hello"},
    )


def test_an_answer_is_not_answered(two, mail):
    one, other = two
    (letter,) = one.take_in(first_mail(one, other, mail))
    assert letter.sender == "", "there is nobody to send a bounce to"
    assert letter.recipient == other.address
    assert other.take_in(carried(letter, other)) == []


def test_even_without_their_marks_answers_come_to_an_end(two, mail):
    one, other = two
    letters = one.take_in(first_mail(one, other, mail))
    written = len(letters)
    while letters and written < 100:
        one, other = other, one
        letters = [
            answer for each in letters for answer in one.take_in(carried(each, one, stripped=True))
        ]
        written += len(letters)
    assert 1 < written <= 20, "the second had to answer for this to show anything"
