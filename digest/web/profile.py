"""The page of a subscriber's interests, with their weights and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Feedback, InterestKind, Paper, Subscriber
from digest.rendering import views
from digest.subscriptions import Wishes
from digest.subscriptions.leaving import ALL
from digest.web import forms, paging, words
from digest.web.personal import BAD, Personal

SAID_A_PAGE = 100
EMPTY = {"kind": "keyword", "value": "", "weight": "1.0"}

# The kinds that can be added by hand, and the field of Wishes for each.
ADDABLE: Mapping[InterestKind, str] = {
    InterestKind.KEYWORD: "keywords",
    InterestKind.TOPIC: "topics",
    InterestKind.AUTHOR: "authors",
    InterestKind.QUERY: "queries",
    InterestKind.LIKE: "likes",
    InterestKind.MUTE: "mutes",
    InterestKind.MUTE_AUTHOR: "mute_authors",
    InterestKind.MUTE_TOPIC: "mute_topics",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An interest as shown: in words, with its paper if it is one, and the feedback behind it."""

    kind: InterestKind
    value: str
    text: str
    paper: Paper | None
    weight: float
    evidence: tuple[Feedback, ...]


class Profile(Personal):
    """The page of interests."""

    def show(self, request: Request, person: Subscriber) -> Response:
        """Interests by kind, and all feedback so far."""
        if request.method == "POST":
            return self._change(request, person)
        return self._page(request, person)

    def _change(self, request: Request, person: Subscriber) -> Response:
        form, now, store = forms.posted(request), self.app.clock(), self.app.store
        likes, act, value = f"{self.me(request)}/likes", form.one("do"), form.one("value")
        try:
            kind = _kind(form.one("kind"))
            if act == "drop":
                subscriptions.drop(store, person, kind, value)
                return self.back(likes, "dropped")
            if act == "weigh":
                subscriptions.weigh(store, person, kind, value, _weight(form))
                return self.back(f"{likes}#{kind}", "weighed")
            if kind not in ADDABLE:
                raise NotFound("This kind cannot be added by hand.")
            wishes = Wishes(**{ADDABLE[kind]: (value,)}, weight=_weight(form))  # type: ignore[arg-type]  # lists of Wishes
            subscriptions.change(store, person, wishes, topics=self.app.settings.topics, now=now)
        except InvalidInput as error:
            return self._page(request, person, words.for_page(error.message))
        return self.back(f"{likes}#{kind}", "added")

    def _page(self, request: Request, person: Subscriber, error: str = "") -> Response:
        store, topics, form = self.app.store, self.app.settings.topics, forms.posted(request)
        convictions = subscriptions.evidence_of(store, person, limit=ALL)
        said = store.feedback.of(person.id, limit=ALL, standing=False)
        likes = f"{self.me(request)}/likes"
        part = paging.part(request, said, SAID_A_PAGE, path=likes, anchor="said")
        named = {each.interest.value for each in convictions if each.interest.kind in words.PAPERS}
        papers = store.papers.get(named) | self.papers_of(part.items)
        titles = {key: views.title_of(paper) for key, paper in papers.items()}
        held: dict[InterestKind, list[Held]] = {}
        for each in convictions:
            interest = each.interest
            held.setdefault(interest.kind, []).append(
                Held(
                    kind=interest.kind,
                    value=interest.value,
                    text=words.interest(interest, titles, topics),
                    paper=papers.get(interest.value) if interest.kind in words.PAPERS else None,
                    weight=interest.weight,
                    evidence=each.feedback,
                )
            )
        return self.mine(
            "me_likes",
            request,
            person,
            BAD if error else 200,
            here_me="likes",
            trends=self.app.settings.ranking.trending > 0,
            held={kind: held[kind] for kind in words.KINDS if kind in held},
            kinds=words.KINDS,
            weighted=words.WEIGHTED,
            weights=words.WEIGHTS,
            addable=ADDABLE,
            history=[
                (each, words.said(each, topics), papers.get(each.paper_id)) for each in part.items
            ],
            part=part,
            evidence=lambda given: words.evidence(given, topics, person.tz),
            typed={each: form.one(each, default) for each, default in EMPTY.items()},
            errors={"value": error} if error else {},
        )


def _kind(text: str) -> InterestKind:
    try:
        return InterestKind(text)
    except ValueError:
        raise InvalidInput("There is no such kind of interest.") from None


def _weight(form: forms.Form) -> float:
    try:
        return float(form.one("weight", "1.0"))
    except ValueError:
        raise InvalidInput("Choose a weight from the list.") from None
