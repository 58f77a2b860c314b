"""Pages to submit papers, and for curators to feature them or turn them down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Moderation, Paper, Submission, SubmissionState, Subscriber
from digest.web import forms, words
from digest.web.common import GONE
from digest.web.personal import BAD, Personal

LOOK_BACK = timedelta(days=365)
MOST_SUBMISSIONS = 200
MOST_LOGGED = 100
DEEDS = {"feature": "featured", "reject": "turned down"}
AGAIN = {
    SubmissionState.WAITING: "submitted-waiting",
    SubmissionState.OPEN: "submitted-before",
    SubmissionState.FEATURED: "submitted-featured",
}
EITHER = (
    "Feature it, or turn it down; a paper that is still being looked up can be featured once it is "
    "fetched."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the moderation log; `deed` says who did what, by the name that they show."""

    at: datetime
    deed: str
    note: str
    paper: Paper | None
    paper_id: str


class Sharing(Personal):
    """The page to submit papers, and the curators' page."""

    def submit(self, request: Request, person: Subscriber) -> Response:
        """A form to submit a paper, above the papers submitted so far."""
        if request.method != "POST":
            return self._submit(request, person, forms.asked(request))
        form, now = forms.posted(request), self.app.clock()
        try:
            kept = subscriptions.submit(
                self.app.store,
                person,
                form.one("paper"),
                form.one("line"),
                a_day=self.app.settings.community.submissions_a_day,
                now=now,
            )
        except InvalidInput as error:
            return self._submit(request, person, form, {"paper": error.message}, status=BAD)
        new = (kept.subscriber_id, kept.at) == (person.id, now)
        return self.back(f"{self.me(request)}/submit", "submitted" if new else AGAIN[kept.state])

    def _submit(
        self,
        request: Request,
        person: Subscriber,
        form: forms.Form,
        errors: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        mine = self.app.store.community.submissions(
            since=self._since(), limit=MOST_SUBMISSIONS, subscriber_id=person.id
        )
        unfound = subscriptions.unfound(self.app.store, mine)
        return self.mine(
            "submit",
            request,
            person,
            status,
            here_me="submit",
            typed={name: form.one(name) for name in ("paper", "line")},
            errors=errors or {},
            submissions=self._with_papers(mine),
            stands=_stands(mine, unfound),
            unfound=unfound,
            a_day=self.app.settings.community.submissions_a_day,
        )

    def curate(self, request: Request, person: Subscriber) -> Response:
        """What waits for a decision, what was decided, and the log; only for curators."""
        if not subscriptions.is_curator(person, self.app.settings.community.curators):
            raise NotFound(GONE)
        if request.method == "POST":
            return self._decide(request, person)
        return self._desk(request, person)

    def _decide(self, request: Request, person: Subscriber) -> Response:
        form = forms.posted(request)
        typed = {"submission": form.one("submission"), "line": form.one("line")}
        if form.one("do") not in ("feature", "reject"):
            return self._desk(request, person, typed, {"line": EITHER}, status=BAD)
        feature, now = form.one("do") == "feature", self.app.clock()
        try:
            decided = subscriptions.decide(
                self.app.store,
                person,
                typed["submission"],
                feature=feature,
                line=typed["line"],
                now=now,
            )
        except NotFound:
            raise
        except InvalidInput as error:
            return self._desk(request, person, typed, {"line": error.message}, status=BAD)
        done = "featured" if feature else "rejected"
        return self.back(
            f"{self.me(request)}/curate", done if decided.decided_at == now else "kept"
        )

    def _desk(
        self,
        request: Request,
        person: Subscriber,
        typed: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        store, since = self.app.store, self._since()
        undecided = subscriptions.undecided(store, since=since, limit=MOST_SUBMISSIONS)
        decided = store.community.decided(since=since, limit=MOST_SUBMISSIONS)
        unfound = subscriptions.unfound(store, decided)
        log = store.community.log(limit=MOST_LOGGED)
        submitters = [each.subscriber_id for each in (*undecided, *decided)]
        names = self._names([*submitters, *(each.actor for each in log)])
        return self.mine(
            "curate",
            request,
            person,
            status,
            here_me="curate",
            open=self._with_papers(undecided),
            decided=self._with_papers(decided),
            log=self._log(log, person, names),
            called=names,
            stands=_stands((*undecided, *decided), unfound),
            unfound=unfound,
            typed=typed or {"submission": "", "line": ""},
            errors=errors or {},
        )

    def _log(
        self, log: Sequence[Moderation], person: Subscriber, names: dict[str, str]
    ) -> list[Line]:
        papers = self.app.store.papers.get({each.paper_id for each in log})
        return [
            Line(
                at=each.at,
                deed=_deed(
                    each, "you" if each.actor == person.id else names.get(each.actor, each.actor)
                ),
                note=each.note,
                paper=papers.get(each.paper_id),
                paper_id=each.paper_id,
            )
            for each in log
        ]

    def _names(self, ids: Sequence[str]) -> dict[str, str]:
        """What to call people: the name they show, or "a reader"."""
        found = self.app.store.subscribers.get(set(ids))
        named = {key: each.name for key, each in found.items() if each.shows_name and each.name}
        return {key: named.get(key, "a reader") for key in ids if key != "operator"}

    def _since(self) -> datetime:
        return self.app.clock() - LOOK_BACK

    def _with_papers(self, found: Sequence[Submission]) -> list[tuple[Submission, Paper | None]]:
        papers = self.app.store.papers.get({each.paper_id for each in found})
        return [(each, papers.get(each.paper_id)) for each in found]


def _stands(submissions: Sequence[Submission], unfound: Collection[str]) -> dict[str, str]:
    """The state of each submission in words, by id."""
    return {
        each.id: words.UNFOUND if each.id in unfound else words.STATES[each.state]
        for each in submissions
    }


def _deed(line: Moderation, actor: str) -> str:
    if line.actor == subscriptions.LOOKUP:
        return words.UNFOUND
    return f"{actor} {DEEDS.get(line.action, line.action)}"
