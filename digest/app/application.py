"""The application: the verbs that command line, web and worker call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from time import sleep

from digest import fetching, subscriptions
from digest.app import processes
from digest.app.adapters import TICKED
from digest.app.composer import Composer
from digest.errors import RetryLater
from digest.model import Listing, SourceReport, Subscriber
from digest.pipeline import (
    clocks,
    composing,
    delivering,
    ingesting,
    leases,
    looking_up,
    publishing,
    trending,
    websub,
)
from digest.pipeline.line import LEASE
from digest.ports import Store

MOST_AT_ONCE = 10


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

    def resume_due(self) -> int:
        """End the pauses whose time has come; how many."""
        return subscriptions.resume_due(self.store, now=self.clock())

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
