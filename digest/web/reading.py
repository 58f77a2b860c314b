"""What the routes do: show a page on GET, act on POST."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from digest import subscriptions, tokens
from digest.app import App, counts
from digest.errors import NotFound
from digest.model import Digest, Paper, Status, Subscriber, Topic
from digest.pipeline import delivering
from digest.rendering import links, pages

SIMILAR = 8
LONGEST_NUMBER = 5
TRENDING = Topic(id="trending", name="Trending papers")
PRIVATE = {"cache-control": "private, no-store", "x-robots-tag": "noindex, nofollow"}
GONE = "This link is not valid, or not any more."


class Reading:
    """The handlers; each runs in a thread of its own, with its own database connection."""

    def __init__(self, app: App) -> None:
        self.app = app

    def health(self, _request: Request) -> Response:
        """Whether the database answers, and what it holds."""
        return JSONResponse(
            {"status": "ok", **counts(self.app.store)}, headers={"cache-control": "no-store"}
        )

    def front(self, _request: Request) -> Response:
        """What this is, and the feeds one can follow."""
        followed = self.app.store.subscribers.topics_in_use()
        topics = [
            TRENDING,
            *(
                topic
                for topic in self.app.settings.topics.values()
                if topic.categories != (topic.id,) or topic.id in followed
            ),
        ]
        return self._page("index", topics=topics)

    def unsubscribe(self, request: Request) -> Response:
        """A button; pressed, or posted by a mail program (RFC 8058), it ends the subscription."""
        person, _ = self._person(request, links.UNSUBSCRIBE)
        if request.method == "POST":
            subscriptions.unsubscribe(self.app.store, person)
            return self._message(
                "You are unsubscribed",
                "No more digests will come. If that was a slip, subscribe again as you did before.",
            )
        return self._private("unsubscribe", email=person.email, active=_listed(person))

    def confirm(self, request: Request) -> Response:
        """A button that says: yes, this address is mine and I want digests."""
        person, _ = self._person(request, links.CONFIRM)
        if request.method == "POST" and person.status is Status.PENDING:
            person = subscriptions.activate(self.app.store, person, now=self.app.clock())
        if person.status is Status.ACTIVE:
            return self._message(
                "You are subscribed", "Your first digest comes at your next local hour."
            )
        if person.status is Status.PAUSED:
            return self._message("Your digests are paused", "They go on when the pause ends.")
        if person.status is not Status.PENDING:
            return self._message("This subscription has ended", "Subscribe again to start anew.")
        return self._private("confirm", email=person.email)

    def digest(self, request: Request) -> Response:
        """One edition in full: every pick, and the title of everything else that matched."""
        person, subject = self._person(request, links.DIGEST)
        digest = self._digest(person, subject)
        material = delivering.material_for(self.app.store, [digest])
        because = self.app.because(material)
        return self._private(
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
        person, subject = self._person(request, links.DIGEST)
        digest = self._digest(person, subject)
        typed, word = request.path_params["number"], request.path_params["answer"]
        number = int(typed) if typed.isdecimal() and len(typed) < LONGEST_NUMBER else 0
        if word not in ("more", "less") or not 1 <= number <= len(digest.picks):
            raise NotFound(GONE)
        paper = self._paper(digest.picks[number - 1].paper_id)
        if request.method == "POST":
            subscriptions.answer(
                self.app.store, person, paper.id, more=word == "more", now=self.app.clock()
            )
            return self._message(
                "Noted", f"You will see {word} like “{paper.title}” from the next digest on."
            )
        return self._private("feedback", paper=paper, more=word == "more")

    def paper(self, request: Request) -> Response:
        """One paper, and the papers most like it."""
        paper = self._paper(request.path_params["paper"])
        found = self.app.store.papers.search(paper.title, limit=SIMILAR + 1)
        similar = [each for each, _ in found if each.id != paper.id][:SIMILAR]
        return self._page("paper", paper=paper, similar=similar)

    def _person(self, request: Request, scope: str) -> tuple[Subscriber, str]:
        """Who a signed link belongs to, and what it names; raises NotFound."""
        named = tokens.read(request.path_params["token"])
        person = (
            self.app.store.subscribers.get([named.subscriber_id]).get(named.subscriber_id)
            if named
            else None
        )
        if named is None or person is None or not tokens.holds(named, person.key, scope):
            raise NotFound(GONE)
        return person, named.subject

    def _digest(self, person: Subscriber, edition: str) -> Digest:
        digest = self.app.store.ledger.digest(f"{person.id}.{edition}")
        if digest is None:
            raise NotFound("That digest is not kept any more.")
        return digest

    def _paper(self, paper_id: str) -> Paper:
        found = self.app.store.papers.get([paper_id])
        if not found:
            raise NotFound("There is no such paper here.", subject=paper_id)
        return next(iter(found.values()))

    def _page(self, name: str, **context: object) -> Response:
        return HTMLResponse(
            pages.page(name, site=self.app.site, names=self.app.settings.topics, **context)
        )

    def _private(self, name: str, **context: object) -> Response:
        return HTMLResponse(
            pages.page(name, site=self.app.site, names=self.app.settings.topics, **context),
            headers=PRIVATE,
        )

    def _message(self, title: str, text: str) -> Response:
        return self._private("message", title=title, text=text)


def _listed(person: Subscriber) -> bool:
    return person.status in (Status.ACTIVE, Status.PAUSED, Status.PENDING)
