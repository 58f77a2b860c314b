"""What people do by a signed link: a page on GET, an act on POST."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest import subscriptions
from digest.app import App
from digest.errors import NotFound
from digest.model import Status, Subscriber
from digest.pipeline import delivering
from digest.rendering import links
from digest.web.common import GONE, Handlers

LONGEST_NUMBER = 5


def routes(app: App) -> list[BaseRoute]:
    """The routes of this part."""
    people = People(app)
    return [
        Route("/u/{token}", people.unsubscribe, methods=["GET", "POST"]),
        Route("/c/{token}", people.confirm, methods=["GET", "POST"]),
        Route("/d/{token}", people.edition, methods=["GET"]),
        Route("/d/{token}/{number}/{answer}", people.answer, methods=["GET", "POST"]),
    ]


class People(Handlers):
    """Subscriptions, editions and answers."""

    def unsubscribe(self, request: Request) -> Response:
        """A button; pressed, or posted by a mail program (RFC 8058), it ends the subscription."""
        person, _ = self.person(request, links.UNSUBSCRIBE)
        if request.method == "POST":
            subscriptions.unsubscribe(self.app.store, person)
            return self.message(
                "You are unsubscribed",
                "No more digests will come. If that was a slip, subscribe again as you did before.",
            )
        return self.private("unsubscribe", email=person.email, active=_listed(person))

    def confirm(self, request: Request) -> Response:
        """A button that says: yes, this address is mine and I want digests."""
        person, _ = self.person(request, links.CONFIRM)
        if request.method == "POST" and person.status is Status.PENDING:
            person = subscriptions.activate(self.app.store, person, now=self.app.clock())
        if person.status is Status.ACTIVE:
            return self.message(
                "You are subscribed", "Your first digest comes at your next local hour."
            )
        if person.status is Status.PAUSED:
            return self.message("Your digests are paused", "They go on when the pause ends.")
        if person.status is not Status.PENDING:
            return self.message("This subscription has ended", "Subscribe again to start anew.")
        return self.private("confirm", email=person.email)

    def edition(self, request: Request) -> Response:
        """One edition in full: every pick, and the title of everything else that matched."""
        person, subject = self.person(request, links.DIGEST)
        digest = self.digest(person, subject)
        material = delivering.material_for(self.app.store, [digest])
        because = self.app.because(material)
        return self.private(
            "digest",
            digest=digest,
            subscriber=person,
            picks=[
                (number, pick, material.papers[pick.paper_id], because(pick))
                for number, pick in enumerate(digest.picks, 1)
                if pick.paper_id in material.papers
            ],
            rest=[material.papers[each] for each in digest.rest if each in material.papers],
        )

    def answer(self, request: Request) -> Response:
        """More or less like this: shows the paper and a button; the POST records the answer."""
        person, subject = self.person(request, links.DIGEST)
        digest = self.digest(person, subject)
        typed, word = request.path_params["number"], request.path_params["answer"]
        number = int(typed) if typed.isdecimal() and len(typed) < LONGEST_NUMBER else 0
        if word not in ("more", "less") or not 1 <= number <= len(digest.picks):
            raise NotFound(GONE)
        paper = self.paper(digest.picks[number - 1].paper_id)
        if request.method == "POST":
            subscriptions.answer(
                self.app.store, person, paper.id, more=word == "more", now=self.app.clock()
            )
            return self.message(
                "Noted", f"You will see {word} like “{paper.title}” from the next digest on."
            )
        return self.private("feedback", paper=paper, more=word == "more")


def _listed(person: Subscriber) -> bool:
    return person.status in (Status.ACTIVE, Status.PAUSED, Status.PENDING)
