"""A digest in the browser with its answer buttons: a page on GET, feedback on POST."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Digest, Feedback, FeedbackKind, Paper, Subscriber, Via
from digest.pipeline import delivering
from digest.rendering import links, views
from digest.subscriptions.leaving import ALL
from digest.web import forms, words
from digest.web.common import GONE, PRIVATE
from digest.web.forms import Form
from digest.web.negotiating import wants_json
from digest.web.personal import BAD, Personal

LONGEST_NUMBER = 5
VIA = {"feed": Via.FEED, "mail": Via.MAIL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The feedback just given in a sentence, and the id that undoes it."""

    id: str
    text: str


class Answers(Personal):
    """Digests and papers with answer buttons."""

    def edition(self, request: Request) -> Response:
        """One edition in full: every pick, and the titles of all other matches."""
        person, subject = self.person(request, links.DIGEST)
        digest = self.digest(person, subject)
        material = delivering.material_for(self.app.store, [digest])
        standing = self.standing(person, {each.paper_id for each in digest.picks})
        just = self.just(request, person)
        return self.page(
            "digest",
            digest=digest,
            subscriber=person,
            base=self._base(request),
            standing=standing,
            just=just,
            done=words.DONE.get(request.query_params.get("done", ""), ""),
            answers=words.ANSWERS,
            say=self.say,
            **self.picks(digest, material),
        )

    def answer(self, request: Request) -> Response:
        """A page to answer one pick with one button; the POST records it."""
        person, subject = self.person(request, links.DIGEST)
        digest = self.digest(person, subject)
        number, kind = self._named(request, digest)
        pick = digest.picks[number - 1]
        paper = self.paper(pick.paper_id)
        base = self._base(request)
        if request.method != "POST":
            return self._one(paper, kind, whole=base)
        form = forms.posted(request)
        reason = self.app.because(delivering.material_for(self.app.store, [digest]))(pick)
        try:
            given = self.give(
                person, kind, paper, form, request, edition=subject, rank=number, reason=reason
            )
        except InvalidInput as error:
            return self._one(paper, kind, BAD, whole=base, error=error.message)
        return self.answered(request, given, base=base, anchor=f"#answers-{number}")

    def seen(self, request: Request) -> Response:
        """Mark everything so far as seen."""
        person, subject = self.person(request, links.DIGEST)
        self.digest(person, subject)
        given = subscriptions.give(
            self.app.store,
            person,
            FeedbackKind.SEEN_ALL,
            via=Via.WEB,
            now=self.app.clock(),
            edition=subject,
        )
        return self.answered(request, given, base=self._base(request))

    def take_back(self, request: Request) -> Response:
        """Undo feedback on this edition; a link to one digest cannot undo any other."""
        person, subject = self.person(request, links.DIGEST)
        digest = self.digest(person, subject)
        given = self.app.store.feedback.get(request.path_params["feedback"])
        if given is None or given.subscriber_id != person.id or not self._within(given, digest):
            raise NotFound(GONE)
        undone = self.undo(person, given.id)
        anchor = f"#answers-{given.rank}" if given.rank else ""
        if wants_json(request):
            return JSONResponse({"said": words.DONE[undone], "undo": ""}, headers=PRIVATE)
        return self.back(f"{self._base(request)}{anchor}", undone)

    def _one(
        self, paper: Paper, kind: FeedbackKind, status: int = 200, *, whole: str, error: str = ""
    ) -> Response:
        """The page of one paper and one button; `whole` is where the whole digest is."""
        return self.page(
            "feedback",
            status,
            paper=paper,
            answer=words.ANSWERS[kind],
            choosing=kind in words.CHOOSING,
            values=self.values(kind, paper),
            whole=whole,
            error=error,
        )

    # --- shared with the page of a paper ------------------------------------------------------

    def values(self, kind: FeedbackKind, paper: Paper) -> dict[str, str]:
        """What can be hidden of a paper, by value: its authors, or its topics with their names."""
        topics = self.app.settings.topics
        if kind is FeedbackKind.HIDE_AUTHOR:
            return {each: each for each in paper.authors}
        if kind is FeedbackKind.HIDE_TOPIC:
            return {each: words.named(each, topics) for each in paper.categories}
        return {}

    def give(
        self,
        person: Subscriber,
        kind: FeedbackKind,
        paper: Paper,
        form: Form,
        request: Request,
        *,
        edition: str = "",
        rank: int = 0,
        reason: str = "",
    ) -> Feedback:
        """Record feedback; raises InvalidInput if it names nothing that can be hidden."""
        value = form.one("value") if kind in words.CHOOSING else ""
        if kind in words.CHOOSING and value not in self.values(kind, paper):
            raise InvalidInput("Choose which one to hide.")
        return subscriptions.give(
            self.app.store,
            person,
            kind,
            paper=paper,
            value=value,
            via=VIA.get(request.query_params.get("via", ""), Via.WEB),
            now=self.app.clock(),
            edition=edition,
            rank=rank,
            reason=reason,
        )

    def answered(
        self, request: Request, given: Feedback, *, base: str, anchor: str = "", undo: str = ""
    ) -> Response:
        """Say what was recorded and how to undo it: as JSON for a script, else on the page again."""
        if not wants_json(request):
            return self.back(f"{base}?f={given.id}{anchor}")
        told = {
            "said": self._noted(given),
            "undo": f"{undo or base}/undo/{given.id}",
            "kind": given.kind,
            "ends": words.OPPOSITE.get(given.kind, ""),
        }
        return JSONResponse(told, headers=PRIVATE)

    def standing(self, person: Subscriber, paper_ids: set[str]) -> dict[str, list[Feedback]]:
        """Someone's feedback on these papers that is not undone, newest first.

        Of "more" and "less" only the last one counts.
        """
        said: dict[str, list[Feedback]] = {}
        for each in self.app.store.feedback.of(person.id, paper_ids=paper_ids, limit=ALL):
            later = said.setdefault(each.paper_id, [])
            if not any(one.kind is words.OPPOSITE.get(each.kind) for one in later):
                later.append(each)
        return said

    def just(self, request: Request, person: Subscriber) -> Noted | None:
        """The feedback given on the way to this page, unless it is undone or replaced since."""
        given = self.app.store.feedback.get(request.query_params.get("f", ""))
        if given is None or given.subscriber_id != person.id or given.undone_at is not None:
            return None
        if given.kind in words.OPPOSITE:
            standing = self.standing(person, {given.paper_id})
            if not any(each.id == given.id for found in standing.values() for each in found):
                return None
        return Noted(id=given.id, text=self._noted(given))

    def say(self, given: Feedback) -> str:
        """Feedback in words."""
        return words.said(given, self.app.settings.topics)

    def _noted(self, given: Feedback) -> str:
        paper = self.papers_of([given]).get(given.paper_id)
        title = views.title_of(paper) if paper else ""
        return words.noted(given, title, self.app.settings.topics)

    def _within(self, given: Feedback, digest: Digest) -> bool:
        """Whether feedback could have been given on the page of this digest."""
        if given.edition == digest.edition or given.kind is FeedbackKind.SEEN_ALL:
            return True
        papers = self.app.store.papers.get(each.paper_id for each in digest.picks)
        hidden = (each for paper in papers.values() for each in self.values(given.kind, paper))
        return given.paper_id in papers or given.value in hidden

    def _base(self, request: Request) -> str:
        return f"{self.root}/d/{request.path_params['token']}"

    def _named(self, request: Request, digest: Digest) -> tuple[int, FeedbackKind]:
        """The pick's number and the answer that an address names; raises NotFound."""
        typed, word = request.path_params["number"], request.path_params["answer"]
        number = int(typed) if typed.isdecimal() and len(typed) < LONGEST_NUMBER else 0
        kind = words.BY_WORD.get(word)
        if kind is None or not 1 <= number <= len(digest.picks):
            raise NotFound(GONE)
        return number, kind
