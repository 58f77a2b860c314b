"""Letters to single people, and the mail that comes in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice

from digest import inbound, subscriptions
from digest.app.adapters import Adapters
from digest.errors import ConfigError, DigestError, InvalidInput
from digest.inbound import imap
from digest.model import Evidence, Letter, Subscriber
from digest.pipeline import delivering, posting
from digest.rendering import mime

log = logging.getLogger(__name__)

ASKED_AT_ONCE = 300
FOREVER = -1.0
PATIENCE = 5.0


class Correspondent(Adapters):
    """The verbs that write letters and send them, and that act on mail that comes in."""

    def write(
        self,
        kind: str,
        person: Subscriber | None,
        *,
        recipient: str = "",
        in_reply_to: str = "",
        attachment: mime.Attachment | None = None,
        **context: object,
    ) -> Letter:
        """Queue a letter to `recipient`, or where the person's digests go; `post` sends it."""
        return posting.write(
            self.store,
            self.letters,
            kind,
            person,
            domain=self.mail_domain,
            now=self.clock(),
            recipient=recipient,
            in_reply_to=in_reply_to,
            attachment=attachment,
            **context,
        )

    def post(
        self, *, stopping: Callable[[], bool] = lambda: False, patience: float = FOREVER
    ) -> delivering.Delivered:
        """Send the letters that are due; one thread at a time.

        If another thread does for longer than `patience` seconds, they wait for the next time.
        """
        if not self._posting.acquire(timeout=patience):
            return delivering.Delivered(cut_short=True)
        try:
            return self._post(stopping)
        finally:
            self._posting.release()

    def _post(self, stopping: Callable[[], bool]) -> delivering.Delivered:
        def gone() -> None:
            self._uncounted += 1

        try:
            return posting.post_due(
                posting.Round(
                    store=self.store,
                    transport=self.courier,
                    sign=self.sign,
                    clock=self.clock,
                    rng=self.rng,
                    bounced=self.bounced,
                    gone=gone,
                    stopping=stopping,
                )
            )
        finally:
            # They were sent, however it ended. If that cannot be stored now, the next post does it.
            with suppress(DigestError):
                self.courier_pacer.count(self._uncounted, self.clock())
                self._uncounted = 0

    def send_confirmation(self, person: Subscriber) -> delivering.Delivered:
        """Mail a new link that confirms a subscription, dropping older ones, and what is due."""
        letter = self.write("confirm", person)
        for each in self.store.post.waiting_for(letter.recipient):
            if each.kind == letter.kind and each.id != letter.id:
                self.store.post.settle(each.id, retry_at=None)
        return self.post()

    def ask_to_confirm(
        self, addresses: Iterable[str], *, progress: Callable[[int], object] = lambda _: None
    ) -> int:
        """Queue the letter that asks to confirm for those who have not yet; returns how many.

        `progress` is told how many addresses were handled, some hundred at a time. If this is cut
        short, the next call asks the rest.
        """
        asked, rest = 0, iter(addresses)
        while some := list(islice(rest, ASKED_AT_ONCE)):
            if self.site.url:
                asked += posting.ask(
                    self.store, self.letters, some, domain=self.mail_domain, now=self.clock()
                )
            progress(len(some))
        return asked

    def take_in(self, raw: bytes, recipients: Sequence[str] = ()) -> tuple[inbound.Reply, ...]:
        """Act on an incoming mail, answer it, and send what is due.

        Raises RetryLater while the database is locked: the mail must then be offered again.
        """
        replies = inbound.take_in(
            self.store,
            raw,
            recipients=recipients,
            policy=self.inbound_policy,
            answer=self._answer,
            now=self.clock(),
        )
        if replies:
            try:
                self.post(patience=PATIENCE)
            except DigestError as error:  # they are queued, and the worker tries again
                log.warning("answers wait: %s", error.message, extra={"action": "take-in"})
        return replies

    def _answer(self, reply: inbound.Reply) -> None:
        try:
            self.write(
                reply.kind,
                reply.subscriber,
                recipient=reply.recipient,
                in_reply_to=reply.in_reply_to,
                attachment=reply.attachment,
                **reply.context,
            )
        except (InvalidInput, ConfigError) as error:
            log.warning(
                "an answer cannot be written: %s", error.message, extra={"action": "take-in"}
            )

    def fetch_mail(self) -> int:
        """Take in what is new in the mailbox of `[inbound] imap`; how many mails."""
        settings = self.settings.inbound
        if not settings.imap:
            return 0
        _ = self.inbound_policy
        return imap.poll(settings.imap, settings.imap_folder, self.take_in, rng=self.rng)

    def bounced(self, evidence: Evidence) -> Subscriber | None:
        """Act on a bounce or complaint, by mail or said at SMTP time."""
        inbound = self.settings.inbound
        return subscriptions.bounce(
            self.store,
            evidence,
            soft_bounces=inbound.soft_bounces,
            soft_days=inbound.soft_days,
            now=self.clock(),
        )

    def sign(self, content: bytes, now: datetime) -> bytes:
        """A message as it goes out: signed with DKIM if that is set up."""
        return self.signer.sign(content, now) if self.signer is not None else content
