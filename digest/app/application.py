"""The application: the verbs that command line, web and worker call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time
from functools import partial
from itertools import islice
from pathlib import Path
from time import sleep

from digest import fetching, inbound, subscriptions
from digest.app import processes
from digest.app.adapters import TICKED
from digest.app.composer import Composer
from digest.app.looking import Look
from digest.errors import ConfigError, DigestError, InvalidInput, RetryLater
from digest.inbound import imap
from digest.model import Envelope, Evidence, Letter, Listing, Message, SourceReport, Subscriber
from digest.pipeline import (
    clocks,
    composing,
    delivering,
    ingesting,
    leases,
    looking_up,
    posting,
    publishing,
    trending,
    websub,
)
from digest.pipeline.line import LEASE
from digest.ports import Store
from digest.ranking import explain
from digest.rendering import mail, mime

log = logging.getLogger(__name__)

MOST_AT_ONCE = 10
ASKED_AT_ONCE = 300
FOREVER = -1.0
PATIENCE = 5.0


class App(Composer):
    """Everything a command needs, built from settings when first used; close it when done."""

    def note_tick(self) -> bool:
        """Note that a worker is alive, and check the clock.

        False if the clock has leapt ahead and is not to be acted on yet.
        """
        now, told = self.clock(), self.last_tick
        if not clocks.is_believed(self.store, told, now):
            return False
        clocks.turn_back(self.store, told, now)
        self.store.sources.set_cursor(TICKED, now.isoformat())
        return True

    # --- verbs ----------------------------------------------------------------------------

    def ingest(
        self,
        *,
        nightly: bool = False,
        force: bool = False,
        only: str = "",
        stopping: Callable[[], bool] = lambda: False,
    ) -> list[SourceReport]:
        """Poll sources."""
        chosen = [self.source(only)] if only else self.sources(nightly=nightly)
        known = self.settings.sources.get(only)
        return ingesting.ingest(
            self.store,
            chosen,
            self._poller,
            force=force,
            stopping=stopping,
            reconciling=nightly or (known is not None and known.nightly),
        )

    def ingest_files(
        self, name: str, files: Sequence[Path], *, at: date | None = None
    ) -> list[SourceReport]:
        """Ingest recorded listings as if this source had just published them.

        `at` is the UTC day they were fetched, for those that do not say themselves.
        """
        source = self.source(name, recorded=True)
        fetched_at = datetime.combine(at, time(12), tzinfo=UTC) if at else None
        reports = [
            ingesting.ingest_listing(
                self.store,
                source,
                Listing(
                    source=source.name,
                    url="",
                    body=file.read_bytes(),
                    place=file.name,
                    fetched_at=fetched_at,
                ),
                now=self.clock(),
            )
            for file in files
        ]
        trending.refresh(self.store, now=self.clock())
        return reports

    def is_polling(self) -> bool:
        """Whether any process is polling: digests made now would miss what it is reading, for good.

        What is read is stored when all sources have answered, as of when it was read.
        """
        return leases.is_held(self.store, ingesting.POLL_LEASE, now=self.clock())

    def backfill(self, name: str, first: date, last: date) -> list[SourceReport]:
        """Fetch everything a source published between two days, page by page."""
        return ingesting.backfill(self.store, self.source(name), self._poller, first, last)

    @property
    def _poller(self) -> ingesting.Poller:
        return ingesting.Poller(
            fetcher=self.fetcher,
            policy=fetching.Policy(interval=self.settings.fetch.interval * 60),
            clock=self.clock,
            rng=self.rng,
            owner=self.owner,
        )

    def look_up_waiting(self) -> looking_up.LookedUp:
        """Fetch papers that readers submitted or liked, and announce what curators featured."""
        return looking_up.look_up_waiting(
            self.store, self.fetcher, clock=self.clock, owner=self.owner
        )

    def deliver(
        self,
        *,
        until: datetime | None = None,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[int], object] = lambda _: None,
    ) -> delivering.Delivered:
        """Send what is due, in as many processes as are set and worth starting.

        Breaks off at `until`. Raises RetryLater, once all are done, if some of them died.
        """
        smtp = self.settings.smtp
        if smtp.processes > 1:
            due = self.store.ledger.due(self.clock(), most=smtp.processes * smtp.block)
            senders = -(-due // smtp.block)
            if senders > 1:
                # Each claims its own blocks. What a dead one had claimed waits until its lease ends.
                done = processes.run(
                    self.settings,
                    [partial(App.deliver, until=until)] * senders,
                    name="digest-sender",
                    stopping=stopping,
                    progress=progress,
                )
                total = sum(filter(None, done), delivering.Delivered())
                if None in done and not stopping():
                    raise _some_ended(done.count(None), senders, total)
                return total
        return delivering.deliver(
            self.store,
            self.transport,
            self.renderer,
            clock=self.clock,
            rng=self.rng,
            owner=self.owner,
            block=self.settings.smtp.block,
            bounced=self.bounced,
            acceptances=self.acceptances,
            pacer=self.pacer,
            pause=sleep,
            signing=self.signer.begin if self.signer else None,
            until=until,
            stopping=stopping,
            progress=progress,
        )

    def welcome(self, person: Subscriber) -> None:
        """Compose and send the first digest of somebody who has just confirmed, without the clock.

        Whatever is in the queue before it goes first. A long queue is left to the worker, and so is
        the digest while sources are polled.
        """
        now = self.clock()  # before the check, so that a poll that begins after it reads later news
        if self.is_polling():
            return
        # Read again: they may have left, or chosen another hour, since this was asked for.
        current = self.store.subscribers.get([person.id]).get(person.id)
        if current is None:
            return
        this = composing.Round(
            store=self.store,
            ranker=self.ranker,
            experiment=self.experiment,
            now=now,
            domain=self.mail_domain,
        )
        composed = composing.compose_one(this, current)
        if not composed.digests:
            return
        turns = iter(range(MOST_AT_ONCE))
        with self._posting:
            delivering.deliver(
                self.store,
                self.courier,
                self.renderer,
                clock=self.clock,
                rng=self.rng,
                owner=self.owner,
                block=1,
                bounced=self.bounced,
                acceptances=self.acceptances,
                pacer=self.courier_pacer,
                signing=self.signer.begin if self.signer else None,
                stopping=lambda: next(turns, None) is None,
            )

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
                self.store,
                self.courier,
                self.sign,
                clock=self.clock,
                rng=self.rng,
                bounced=self.bounced,
                stopping=stopping,
                gone=gone,
            )
        finally:
            # They were sent, however it ended. If that cannot be stored now, the next post does it.
            with suppress(DigestError):
                self.courier_pacer.count(self._uncounted, self.clock())
                self._uncounted = 0

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

    def resume_due(self) -> int:
        """End the pauses whose time has come; how many."""
        return subscriptions.resume_due(self.store, now=self.clock())

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

    def publish(self, folder: Path) -> publishing.Published:
        """Write the feeds as files."""
        trending.refresh_if_voted(self.store, now=self.clock())
        return publishing.publish(
            self.store, folder, self.feed_terms, now=self.clock(), because=self.because
        )

    def publish_shared(self, folder: Path) -> publishing.Published:
        """Write the public feeds as files."""
        trending.refresh_if_voted(self.store, now=self.clock())
        return publishing.publish_shared(self.store, folder, self.feed_terms, now=self.clock())

    def publish_own(
        self, folder: Path, *, since: datetime | None, after: str, stopping: Callable[[], bool]
    ) -> str | None:
        """Write the own feeds of readers with a digest composed `since` (None: of all), by id.

        If it was asked to stop, returns the id after which to go on, else None.
        """
        among = None if since is None else self.store.ledger.composed_since(since)
        site, because = self.feed_terms.site, self.because
        _, left = publishing.publish_own(
            self.store, folder, site, because, among=among, after=after, stopping=stopping
        )
        return left

    def tell_hub(self) -> None:
        """Tell the WebSub hub which feeds have changed."""
        websub.tell(self.store, self.feed_terms, self.fetcher.post_form, now=self.clock())

    # --- looking --------------------------------------------------------------------------

    def preview(self, look: Look, *, form: str) -> bytes:
        """The mail as `.html`, `.txt` or `.eml`."""
        fragments = self.edition(look.material)
        if form == ".eml":
            envelope = Envelope(
                digest=look.digest,
                subscriber=look.subscriber,
                message_id=f"<{look.digest.id}@{self.mail_domain}>",
                expires_at=self.clock(),
                lease="",
            )
            return self.sign(self.renderer(look.material)(envelope).content, self.clock())
        parts = mail.parts(fragments, look.digest, look.subscriber)
        return (parts.html if form == ".html" else parts.text).encode()

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

    # --- rendering ------------------------------------------------------------------------

    def because(self, material: delivering.Material) -> explain.Because:
        """How picks are explained, given the titles that reasons may name."""
        return explain.Because(topics=self.settings.topics, titles=material.titles)

    def edition(self, material: delivering.Material) -> mail.Edition:
        """Fragments of a block's papers, made once."""
        return mail.Edition(
            self.templates,
            material.papers,
            upvotes=material.upvotes,
            because=self.because(material),
            voices=material.voices,
        )

    def renderer(self, material: delivering.Material) -> Callable[[Envelope], Message]:
        """What renders a claimed envelope into a message, not yet signed."""
        fragments = self.edition(material)

        def render(envelope: Envelope) -> Message:
            return mail.message(
                fragments,
                envelope.digest,
                envelope.subscriber,
                message_id=envelope.message_id,
                at=envelope.digest.composed_at,
            )

        return render

    def sign(self, content: bytes, now: datetime) -> bytes:
        """A message as it goes out: signed with DKIM if that is set up."""
        return self.signer.sign(content, now) if self.signer is not None else content


def _some_ended(ended: int, senders: int, others: delivering.Delivered) -> RetryLater:
    minutes = int(LEASE.total_seconds() // 60)
    return RetryLater(
        f"{ended} of {senders} processes that send digests ended unexpectedly, perhaps for lack of "
        f"memory; what they were sending waits up to {minutes} minutes. Of the others: "
        f"{others.accepted} sent, {others.deferred} to be tried again, {others.refused} refused, "
        f"{others.expired} expired."
    )


def counts(store: Store) -> dict[str, object]:
    """What `digest status --json` and `/health` show: rows of the main tables, outbox by state."""
    rows: dict[str, object] = dict(store.counts())
    rows["outbox"] = store.ledger.counts()
    return rows
