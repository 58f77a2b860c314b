"""Unsubscribing, and for an hour the way back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from digest import subscriptions, tokens
from digest.app import App
from digest.errors import NotFound
from digest.model import Status, Subscriber
from digest.rendering import links
from digest.subscriptions.spans import LONGEST
from digest.web import forms
from digest.web.common import GONE
from digest.web.personal import SPANS, Personal, is_past, minute

REJOIN = "rejoin"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Leaving(Personal):
    """The pages of leaving; within the hour a press of a button undoes it."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self._left: dict[str, tuple[datetime, str]] = {}
        self._lock = threading.Lock()

    def unsubscribe(self, request: Request) -> Response:
        """A button; the POST, also by a mail program (RFC 8058), ends the subscription.

        The body of the POST is not read: whoever has the link may do this.
        """
        person, _ = self.person(request, links.UNSUBSCRIBE)
        if request.method != "POST":
            return self.page(
                "unsubscribe", email=person.email, active=person.status is not Status.UNSUBSCRIBED
            )
        subscriptions.unsubscribe(self.app.store, person, now=self.app.clock())
        return self.page(
            "unsubscribed",
            email=person.email,
            back=self._way_back(request.path_params["token"], person),
            pauses=SPANS,
        )

    def _way_back(self, link: str, person: Subscriber) -> str:
        """A token that undoes unsubscribing by this link, for an hour; "" if there is nothing to undo.

        `person` is as they were before. A second press of the button gets the same token.
        """
        now = self.app.clock()
        with self._lock:
            recent = {
                key: of for key, of in self._left.items() if now - of[0] < links.ACCOUNT_LASTS
            }
            self._left = recent
            # Only a confirmed subscriber who is not suppressed may come back this way.
            if person.confirmed_at is not None and person.status in (Status.ACTIVE, Status.PAUSED):
                subject = f"{minute(now)}{_pause_of(person)}"
                recent[link] = (now, tokens.make(person.key, REJOIN, person.id, subject))
            return recent[link][1] if link in recent else ""

    def rejoin(self, request: Request) -> Response:
        """Undo unsubscribing within the hour, or pause instead."""
        person, subject = self.person(request, REJOIN)
        made, _, pause = subject.partition("-")
        ends = _pause_end(pause)
        now = self.app.clock()
        closed = subscriptions.suppression(self.app.store, person.email) is not None
        if (
            closed
            or person.status is Status.SUPPRESSED
            or is_past(made, links.ACCOUNT_LASTS, now=now)
        ):
            raise NotFound(GONE)
        form = forms.posted(request)
        # Pending: someone has signed up in their name since, which must not prevent the undo.
        left = person.status in (Status.UNSUBSCRIBED, Status.PENDING)
        if left:
            person = subscriptions.activate(self.app.store, person, now=now)
        if form.one("do") == "pause":
            span = form.one("span")
            span = span if span in SPANS else SPANS[0]
            until = subscriptions.parse_span(span, now, tz=person.tz)
            subscriptions.pause(self.app.store, person, until=until, now=now)
            day = until.astimezone(ZoneInfo(person.tz))
            text = f"No digests until {day:%A} {day.day} {day:%B}. Then they resume by themselves."
            return self.page("message", title="Your digests are paused", text=text)
        if left and pause:
            person = self._pause_again(person, ends, now)
        still = " Your digests are paused, as before." if person.status is Status.PAUSED else ""
        text = f"Nothing was lost, and nothing has changed.{still}"
        return self.page("message", title="You are subscribed again", text=text)

    def _pause_again(self, person: Subscriber, end: datetime | None, now: datetime) -> Subscriber:
        """Restore the pause that a token notes, unless it is over by now."""
        if end is not None and end <= now:
            return person
        # A pause that the operator imported may be longer than readers may ask for.
        until = end and min(end, now + LONGEST)
        return subscriptions.pause(self.app.store, person, until=until, now=now)


def _pause_of(person: Subscriber) -> str:
    """A pause as a token notes it: "-" and its end in microseconds since 1970, or 0 for no end."""
    if person.status is not Status.PAUSED:
        return ""
    end = person.paused_until
    return f"-{(end - EPOCH) // MICROSECOND if end else 0}"


def _pause_end(noted: str) -> datetime | None:
    """The end of a pause that `_pause_of` noted, without its "-"; None if there is none."""
    end = int(noted or 0)
    return EPOCH + end * MICROSECOND if end else None
