"""Pages to submit papers, and for curators to feature them or turn them down."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import SubmissionState, Subscriber
from digest.web import deciding, forms
from digest.web.common import GONE
from digest.web.personal import BAD, Personal

MOST_SUBMISSIONS = 200
AGAIN = {
    SubmissionState.WAITING: "submitted-waiting",
    SubmissionState.OPEN: "submitted-before",
    SubmissionState.FEATURED: "submitted-featured",
}


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
            return self._submit(request, person, form, error.message)
        new = (kept.subscriber_id, kept.at) == (person.id, now)
        return self.back(f"{self.me(request)}/submit", "submitted" if new else AGAIN[kept.state])

    def _submit(
        self, request: Request, person: Subscriber, form: forms.Form, error: str = ""
    ) -> Response:
        mine = self.app.store.community.submissions(
            since=self.app.clock() - deciding.LOOK_BACK,
            limit=MOST_SUBMISSIONS,
            subscriber_id=person.id,
        )
        unfound = subscriptions.unfound(self.app.store, mine)
        return self.mine(
            "submit",
            request,
            person,
            BAD if error else 200,
            here_me="submit",
            typed={name: form.one(name) for name in ("paper", "line")},
            errors={"paper": error} if error else {},
            submissions=deciding.with_papers(self.app.store, mine),
            stands=deciding.stands(mine, unfound),
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
        form, now = forms.posted(request), self.app.clock()
        try:
            done = deciding.decide(self.app.store, form, person, form.one("submission"), now=now)
        except NotFound:
            raise
        except InvalidInput as error:
            return self._desk(request, person, error.message)
        return self.back(f"{self.me(request)}/curate", done)

    def _desk(self, request: Request, person: Subscriber, error: str = "") -> Response:
        form, now = forms.posted(request), self.app.clock()
        return self.mine(
            "curate",
            request,
            person,
            BAD if error else 200,
            here_me="curate",
            desk=deciding.desk(self.app.store, person.id, most=MOST_SUBMISSIONS, now=now),
            typed={name: form.one(name) for name in ("submission", "line")},
            error=error,
        )
