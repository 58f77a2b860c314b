"""What the pages of one subscriber share: links that expire, and the redirect after a form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from digest import subscriptions
from digest.app import App
from digest.errors import InvalidInput
from digest.model import Digest, Feedback, Paper, Subscriber, Voice
from digest.pipeline import delivering
from digest.rendering import links, views
from digest.web import words
from digest.web.common import PRIVATE, Handlers

SPANS = ("1 week", "2 weeks", "1 month", "3 months")
SEE_OTHER = 303
BAD = 400
GONE_STATUS = 410

Owned = Callable[[Request, Subscriber], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedPick:
    """A pick as pages show it, with its number in the digest."""

    number: int
    paper: Paper
    reason: str
    upvotes: int
    voices: tuple[Voice, ...]


class Personal(Handlers):
    """Base of the handlers behind a preferences link, `/me/{token}/…`."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.root = views.root(app.site)
        web = app.settings.web
        self.bounds = subscriptions.Bounds(signups=web.signups, letters=web.letters)

    def owned(self, handler: Owned) -> Callable[[Request], Response]:
        """The handler for the owner of a preferences link that has not expired."""

        def handle(request: Request) -> Response:
            person, day = self.person(request, links.PREFERENCES)
            if is_past(day, links.PREFERENCES_LAST, now=self.app.clock()):
                return self.page("me_old", GONE_STATUS, me=self.me(request))
            return handler(request, person)

        return handle

    def me(self, request: Request) -> str:
        """The path below which all pages of this link's owner are."""
        return f"{self.root}/me/{request.path_params['token']}"

    def mine(
        self, name: str, request: Request, person: Subscriber, status: int = 200, **context: Any
    ) -> Response:
        """One of the pages with the subscriber's menu and a line that says what was just done."""
        community = self.app.settings.community
        return self.page(
            name,
            status,
            me=self.me(request),
            person=person,
            curates=subscriptions.is_curator(person, community.curators),
            submits=community.submissions_a_day > 0,
            done=words.DONE.get(request.query_params.get("done", ""), ""),
            day_of=lambda at: words.day_of(at, person.tz).isoformat(),
            **context,
        )

    def back(self, path: str, done: str = "", task: BackgroundTask | None = None) -> Response:
        """Redirect after a POST to a page that says what was done, by a code (see `words.DONE`)."""
        query = f"{'&' if '?' in path else '?'}done={done}" if done else ""
        place, hash_, anchor = path.partition("#")
        return RedirectResponse(
            f"{place}{query}{hash_}{anchor}", SEE_OTHER, headers=PRIVATE, background=task
        )

    def picks(self, digest: Digest, material: delivering.Material) -> dict[str, Any]:
        """What pages show of a digest: its `picks` in full, and the papers of the `rest`."""
        because = self.app.because(material)
        voices = self.app.store.community.voices(each.paper_id for each in digest.picks)
        return {
            "picks": [
                NumberedPick(
                    number=number,
                    paper=material.papers[pick.paper_id],
                    reason=because(pick),
                    upvotes=material.upvotes.get(pick.paper_id, 0),
                    voices=tuple(voices.get(pick.paper_id, ())),
                )
                for number, pick in enumerate(digest.picks, 1)
                if pick.paper_id in material.papers
            ],
            "rest": [material.papers[each] for each in digest.rest if each in material.papers],
        }

    def papers_of(self, feedback: Iterable[Feedback]) -> dict[str, Paper]:
        """The papers of some feedback, by the id that it uses."""
        return self.app.store.papers.get({each.paper_id for each in feedback if each.paper_id})

    def undo(self, person: Subscriber, feedback_id: str) -> str:
        """Undo feedback; returns a code of `words.DONE`."""
        standing = self.app.store.feedback.get(feedback_id)
        if standing is not None and standing.undone_at is not None:
            return "undone-before"
        subscriptions.undo(self.app.store, person, feedback_id, now=self.app.clock())
        return "undone"


def is_past(subject: str, lasts: timedelta, *, now: datetime) -> bool:
    """Whether a link has expired; its subject is the day (ISO) or the minute since 1970 it was made.

    A link that says neither, or lies more than two days in the future, counts as expired.
    """
    try:
        if subject.isdecimal():
            made = datetime.fromtimestamp(int(subject) * 60, UTC)
        else:
            made = datetime.combine(date.fromisoformat(subject), time(), UTC)
            lasts += timedelta(days=1)
    except (ValueError, OverflowError, OSError):
        return True
    return not -timedelta(days=2) <= now - made <= lasts


def checked(errors: dict[str, str], name: str, act: Callable[[], object]) -> bool:
    """Do something with the value of a field; an InvalidInput becomes the error of that field."""
    try:
        act()
    except InvalidInput as error:
        errors[name] = error.message
        return False
    return True


def minute(now: datetime) -> int:
    """The minute since 1970, which dates the links that last an hour."""
    return int(now.timestamp() // 60)
