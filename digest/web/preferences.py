"""The preferences pages, `/me/{token}`, that every mail links to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from digest import references, subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Feedback, FeedbackKind, InterestKind, Subscriber
from digest.rendering import links, views
from digest.subscriptions.leaving import ALL
from digest.web import choosing, forms, paging, words
from digest.web.answers import Answers
from digest.web.common import PRIVATE
from digest.web.personal import BAD, SPANS, checked
from digest.web.profile import SAID_A_PAGE

PAUSES = (*SPANS, "until I resume")
MOST_DIGESTS = 400
SAVED_A_PAGE = 200


class Preferences(Answers):
    """The pages about the subscription itself."""

    def show(self, request: Request, person: Subscriber) -> Response:
        """Schedule, topics, words and name in one form."""
        if request.method == "POST":
            return self._keep(request, person)
        (profile,) = self.app.store.subscribers.profiles([person.id])
        values = forms.interest_values(profile.interests) | forms.schedule_values(person)
        values["shown"] = forms.carried(profile.interests)
        form = forms.asked(request)
        chosen = tuple(each.value for each in profile.of(InterestKind.TOPIC))
        return self._form(request, person, values, chosen, search=form.one("q"))

    def _keep(self, request: Request, person: Subscriber) -> Response:
        form = forms.posted(request)
        if form.one("do") not in ("keep", "enter", "find"):
            # Without its button the form is incomplete, and saving it would empty the profile.
            raise InvalidInput("Nothing was changed, because the form was incomplete.")
        (profile,) = self.app.store.subscribers.profiles([person.id])
        followed = (*profile.of(InterestKind.TOPIC), *profile.of(InterestKind.MUTE_TOPIC))
        topics = choosing.known(self.app.settings.topics, [each.value for each in followed])
        filled = forms.filled(
            form, topics=topics, to=person, now=self.app.clock(), standing=profile.interests
        )
        if form.one("do") == "find" or (
            form.one("do") == "enter" and form.one("q") != form.one("was")
        ):
            return self._form(
                request, person, filled.values, filled.topics, search=form.one("q"), form=form
            )
        errors, kept = dict(filled.errors), person
        wishes = replace(
            filled.wishes, likes=(), name=form.one("name"), shows_name=bool(form.one("shows_name"))
        )
        checked(errors, "name", lambda: subscriptions.asked_for(person, wishes))
        if not errors:
            try:
                kept = subscriptions.change(
                    self.app.store,
                    person,
                    wishes,
                    topics=topics,
                    now=self.app.clock(),
                    replace=tuple(forms.LISTS.values()),
                    shown=forms.shown(form),
                )
            except InvalidInput as error:
                errors["keywords"] = error.message
        if errors:
            return self._form(request, kept, filled.values, filled.topics, form=form, errors=errors)
        return self.back(self.me(request), "saved")

    def _form(
        self,
        request: Request,
        person: Subscriber,
        values: Mapping[str, str],
        chosen: tuple[str, ...],
        *,
        search: str = "",
        form: forms.Form | None = None,
        errors: dict[str, str] | None = None,
    ) -> Response:
        shows = bool(form.one("shows_name")) if form else person.shows_name
        until = person.paused_until
        return self.mine(
            "me",
            request,
            person,
            BAD if errors else 200,
            here_me="preferences",
            values={**values, "name": form.one("name") if form else person.name},
            shows_name=shows,
            errors=errors or {},
            groups=choosing.groups(self.app.settings.topics, chosen=chosen, words=search),
            zones=choosing.zones(),
            words=search,
            pauses=PAUSES,
            paused_until=words.day_of(until, person.tz).isoformat() if until else "",
            feed=links.personal_feed(self.app.site, person),
            unsubscribe=links.unsubscribe(self.app.site, person),
        )

    def pause(self, request: Request, person: Subscriber) -> Response:
        """Pause for a while, or resume."""
        me, now, store = self.me(request), self.app.clock(), self.app.store
        if request.method != "POST":
            return self.mine("me_pause", request, person, here_me="preferences", pauses=PAUSES)
        form = forms.posted(request)
        if form.one("do") == "resume":
            subscriptions.resume(store, person, now=now)
            return self.back(me, "resumed")
        span = form.one("span", PAUSES[0])
        until = None if span == PAUSES[-1] else subscriptions.parse_span(span, now, tz=person.tz)
        subscriptions.pause(store, person, until=until, now=now)
        return self.back(me, "paused")

    def again(self, request: Request, person: Subscriber) -> Response:
        """Send the digests of the last seven days once more."""
        now, store = self.app.clock(), self.app.store
        archive = f"{self.me(request)}/archive"
        try:
            sent = subscriptions.again(store, person, domain=self.app.mail_domain, now=now)
        except InvalidInput:
            return self.back(archive, "not-again")
        return self.back(archive, "again" if sent else "none-again")

    def archive(self, request: Request, person: Subscriber) -> Response:
        """All digests that are still kept, newest first."""
        site = self.app.site
        return self.mine(
            "archive",
            request,
            person,
            here_me="archive",
            digests=[
                (digest, links.digest(site, person, digest.edition))
                for digest in self.app.store.ledger.recent(person.id, limit=MOST_DIGESTS)
            ],
        )

    def saved(self, request: Request, person: Subscriber) -> Response:
        """The papers someone saved, newest first."""
        here = f"{self.me(request)}/saved"
        part = paging.part(request, self._saved(person), SAVED_A_PAGE, path=here)
        papers = self.papers_of(part.items)
        return self.mine(
            "me_saved",
            request,
            person,
            here_me="saved",
            saved=[(each, papers[each.paper_id]) for each in part.items if each.paper_id in papers],
            part=part,
        )

    def export_saved(self, request: Request, person: Subscriber) -> Response:
        """The saved papers for a reference manager."""
        form = request.path_params["form"]
        if form not in references.FORMS:
            raise NotFound("Saved papers come as .bib, .ris or .csl.")
        kept = self._saved(person)
        papers = self.papers_of(kept)
        found = [papers[each.paper_id] for each in kept if each.paper_id in papers]
        ending = "json" if form == "csl" else form
        return Response(
            references.write(found, form),
            media_type=f"{references.MEDIA_TYPES[form]}; charset=utf-8",
            headers={**PRIVATE, "content-disposition": f'attachment; filename="saved.{ending}"'},
        )

    def _saved(self, person: Subscriber) -> list[Feedback]:
        return self.app.store.feedback.of(person.id, kinds=[FeedbackKind.SAVE], limit=ALL)

    def take_back_any(self, request: Request, person: Subscriber) -> Response:
        """Undo any feedback, and go back to the page of the list that it was on."""
        done = self.undo(person, request.path_params["feedback"])
        form, me = forms.posted(request), self.me(request)
        page = form.one("page")
        if form.one("to") == "saved":
            total = len(self._saved(person))
            place = paging.back(f"{me}/saved", page, total=total, size=SAVED_A_PAGE)
        else:
            total = len(self.app.store.feedback.of(person.id, limit=ALL, standing=False))
            place = paging.back(f"{me}/likes", page, total=total, size=SAID_A_PAGE, anchor="said")
        return self.back(place, done)

    def paper_page(self, request: Request, person: Subscriber) -> Response:
        """One paper with all answer buttons, and the answers given so far."""
        asked: str = request.path_params["paper"]
        try:
            paper = self.paper(asked)
        except NotFound:
            if not asked.endswith("/") or request.method == "POST":
                raise
            return self.back(views.paper_below(self.me(request), asked.rstrip("/")))
        here = views.paper_below(self.me(request), paper.id)
        error, status = "", 200
        if request.method == "POST":
            form = forms.posted(request)
            kind = words.BY_WORD.get(form.one("answer"))
            if kind is None:
                raise NotFound("There is no such answer.")
            try:
                given = self.give(person, kind, paper, form, request)
            except InvalidInput as refused:
                error, status = refused.message, BAD
            else:
                return self.answered(request, given, base=here, undo=self.me(request))
        return self.mine(
            "me_paper",
            request,
            person,
            status,
            here_me="",
            paper=paper,
            answers=words.ANSWERS,
            say=self.say,
            error=error,
            said=self.standing(person, {paper.id}).get(paper.id, []),
            just=self.just(request, person),
            authors=self.values(FeedbackKind.HIDE_AUTHOR, paper),
            fields=self.values(FeedbackKind.HIDE_TOPIC, paper),
        )
