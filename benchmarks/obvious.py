"""The obvious way to a personal mail: render the whole template, inline its CSS, build the MIME.

It says the same with the same templates, and is given every paper's view ready made. Needs
`pip install dkimpy css-inline` beside what Digest itself needs.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

import cssutils
import dkim
from premailer import Premailer

from digest.model import Digest, Envelope, Message, Outcome, Paper, Pick, Receipt, Site, Topic
from digest.rendering import links, templates
from digest.rendering.compiled import site_values
from digest.rendering.views import line_view, paper_view
from digest.resources import templates_dir

FOLDER = templates_dir() / "mail"
Because = Callable[[Pick], str]

cssutils.log.setLevel(logging.CRITICAL)


class Obvious:
    """Everything about a mail that does not change, and `html` and `text` for what does."""

    def __init__(
        self, site: Site, topics: Mapping[str, Topic], papers: Mapping[str, Paper], because: Because
    ) -> None:
        self.site = site
        self.sheet = (FOLDER / "mail.css").read_text()
        self.because = because
        self.views = {
            key: paper_view(each, site=site, topics=topics) for key, each in papers.items()
        }
        self.lines = {key: line_view(each, site=site) for key, each in papers.items()}
        source = (FOLDER / "digest.html").read_text()
        styled = source.replace("<style></style>", f"<style>{self.sheet}</style>")
        self._html = templates.environment(escape=True, sources={"part": styled}).get_template(
            "part"
        )
        plain = templates.environment(
            escape=False, sources={"part": (FOLDER / "digest.txt").read_text()}
        )
        self._text = plain.get_template("part")

    def context(self, envelope: Envelope) -> dict[str, object]:
        """What the templates print for one reader."""
        digest, reader = envelope.digest, envelope.subscriber
        full = links.digest(self.site, reader, digest.edition)
        shown = [
            replace(
                self.views[pick.paper_id],
                number=str(number),
                label=f"{number}. ".rjust(4),
                reason=self.because(pick),
                answer_url=f"{full}/{number}",
            )
            for number, pick in enumerate(digest.picks, 1)
        ]
        return {
            **site_values(self.site),
            "subject": self.subject(digest),
            "preheader": "; ".join(each.title for each in shown[1:4]),
            "day": digest.edition,
            "summary": f"{digest.announced} papers announced, {digest.matched} matched your interests.",
            "notice_title": "",
            "notice": "",
            "next": "",
            "picks": shown,
            "rest": [self.lines[each] for each in digest.rest],
            "rest_title": f"{len(digest.rest)} more that matched your interests",
            "hidden": "",
            "by_mail": "",
            "because_you": f"You get this because you subscribed to {self.site.name}.",
            "signature": self.site.name,
            "full_url": full,
            "feed_url": links.personal_feed(self.site, reader),
            "preferences_url": links.preferences(self.site, reader, digest.edition),
            "unsubscribe_url": links.unsubscribe(self.site, reader),
            "unsubscribe_mailto": "",
        }

    def subject(self, digest: Digest) -> str:
        """The first title."""
        return self.views[digest.picks[0].paper_id].title

    def html(self, context: Mapping[str, object]) -> str:
        """The HTML part, its CSS still in the head."""
        return self._html.render(context)

    def text(self, context: Mapping[str, object]) -> str:
        """The text part."""
        return self._text.render(context)

    def message(self, envelope: Envelope, at: datetime) -> bytes:
        """A finished message, unsigned."""
        context = self.context(envelope)
        message = EmailMessage(policy=SMTP)
        message["From"] = f"{self.site.name} <{self.site.mail_from}>"
        message["To"] = envelope.subscriber.email
        message["Subject"] = str(context["subject"])
        message["Date"] = at
        message["Message-ID"] = envelope.message_id
        message["List-Id"] = f"{self.site.name} <{self.site.list_id}>"
        message["List-Unsubscribe"] = f"<{context['unsubscribe_url']}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(self.text(context))
        message.add_alternative(styled_by_premailer(self.html(context)), subtype="html")
        return message.as_bytes()


def styled_by_premailer(html: str) -> str:
    """CSS inlined by premailer, spared its validation."""
    styled: str = Premailer(
        html, disable_validation=True, allow_network=False, keep_style_tags=True
    ).transform(pretty_print=False)
    return styled


def signed_by_dkimpy(content: bytes, domain: str, selector: str, key: bytes) -> bytes:
    """The message with a DKIM-Signature in front, by dkimpy: relaxed and simple, as ours."""
    headers = [b"from", b"to", b"subject", b"date", b"message-id", b"list-unsubscribe"]
    signature: bytes = dkim.sign(
        content,
        selector.encode(),
        domain.encode(),
        key,
        canonicalize=(b"relaxed", b"simple"),
        include_headers=headers,
    )
    return signature + content


class SmtplibTransport:
    """One persistent smtplib connection, `sendmail` for each message."""

    def __init__(self, port: int) -> None:
        self._client = smtplib.SMTP("127.0.0.1", port)

    def send(self, messages: Iterable[Message], now: datetime, **_: object) -> Iterator[Receipt]:
        """One receipt a message."""
        for each in messages:
            self._client.sendmail(each.sender, [each.recipient], each.content)
            yield Receipt(digest_id=each.digest_id, outcome=Outcome.ACCEPTED, code=250, at=now)

    def close(self) -> None:
        """End the connection."""
        self._client.quit()
