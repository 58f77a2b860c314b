"""Signing up with a preview, confirming, and asking for a new link."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from digest import subscriptions
from digest.app import App
from digest.editions import edition_of
from digest.model import POSITIVE, InterestKind, OutboxState, Quiet, Status, Subscriber
from digest.pipeline import delivering, previewing
from digest.rendering import links, wording
from digest.web import choosing, forms, limits
from digest.web.common import PRIVATE
from digest.web.forms import Filled, Form
from digest.web.mailing import Mailing
from digest.web.personal import (
    BAD,
    GONE_STATUS,
    Personal,
    checked,
    is_past,
)

OVER = (OutboxState.SENT, OutboxState.FAILED, OutboxState.EXPIRED)
TOO_MANY = 429
SAME_METHOD = 307
FRESH_FOR = timedelta(minutes=10)
COUNTED_FOR = timedelta(hours=1)
JUST = timedelta(minutes=30)
TOO_OFTEN = "Too many people have signed up from your network within the last hour. Please try again later{}."
ALL_TOO_OFTEN = "Unusually many people have signed up within the last hour. Please try again later."
TOO_MANY_LINKS = (
    "Too many sign-ups and links were requested from your network within the last hour. Use the link "
    "to your preferences in any digest, or try again later."
)


class Joining(Personal):
    """The pages of signing up; nothing typed is stored before there is an address."""

    def __init__(self, app: App, mailing: Mailing) -> None:
        super().__init__(app)
        self.mailing = mailing
        self._latest: previewing.Latest | None = None
        self._counted: tuple[datetime, Mapping[str, int]] | None = None
        self._loading = threading.Lock()

    def subscribe(self, request: Request) -> Response:
        """The form; a POST narrows the topics, shows a preview, or signs up."""
        if request.method != "POST":
            form = forms.asked(request)
            return self._form(form, self._filled(form, strict=False))
        form = forms.posted(request)
        filled, act = self._filled(form), _meant(form)
        if act == "find":
            return self._form(form, replace(filled, errors={}))
        if act == "preview":
            return RedirectResponse(f"{self.root}/subscribe/preview", SAME_METHOD, headers=PRIVATE)
        return self._sign_up(request, form, filled)

    def preview(self, request: Request) -> Response:
        """The same form with today's digest for these wishes; nothing is stored."""
        if request.method != "POST":
            return self.back(f"{self.root}/subscribe")
        form = forms.posted(request)
        return self._preview(form, self._filled(form))

    def _sign_up(self, request: Request, form: Form, filled: Filled) -> Response:
        errors, email = dict(filled.errors), form.one("email")
        checked(errors, "email", lambda: subscriptions.normal_address(email))
        if not self.app.site.url:
            errors["email"] = "Nobody can sign up yet: this site has not been told its own address."
        if errors:
            return self._form(form, replace(filled, errors=errors), status=BAD)
        asked = subscriptions.sign_up(
            self.app.store,
            email,
            filled.wishes,
            topics=self.app.settings.topics,
            defaults=self.app.newcomer,
            network=limits.network(request),
            bounds=self.bounds,
            now=self.app.clock(),
        )
        if asked.limited or asked.full:
            domain = self.app.site.inbound_domain
            by_mail = f", or write to subscribe@{domain} instead" if domain else ""
            errors = {"email": TOO_OFTEN.format(by_mail) if asked.limited else ALL_TOO_OFTEN}
            return self._form(form, replace(filled, errors=errors), status=TOO_MANY)
        answer = self.page("sent", title="Check your mailbox", sign_up=True, notes=filled.notes)
        letter = {"ask": "confirm", "known": "known"}.get(asked.outcome)
        if letter and asked.subscriber is not None:
            interests = subscriptions.interests_of(
                filled.wishes, topics=self.app.settings.topics, now=self.app.clock()
            )
            answer.background = self.mailing.letter(letter, asked.subscriber, interests=interests)
        return answer

    def _preview(self, form: Form, filled: Filled) -> Response:
        if filled.errors:
            return self._form(form, filled, status=BAD)
        now = self.app.clock()
        person = subscriptions.with_schedule(
            replace(self.app.newcomer, id="preview"), filled.wishes
        )
        interests = subscriptions.interests_of(
            filled.wishes, topics=self.app.settings.topics, now=now
        )
        latest = self.latest()
        digest = previewing.preview(
            self.app.store, self.app.ranker, latest, person, interests, now=now
        )
        material = delivering.material_for(self.app.store, [digest])
        likes = {each.value for each in interests if each.kind is InterestKind.LIKE}
        shown = {
            "digest": digest,
            "today": latest.today,
            "chosen": any(each.kind in POSITIVE for each in interests),
            "trends": self.app.settings.ranking.trending > 0,
            "notes": filled.notes,
            "strangers": len(likes) - len(self.app.store.papers.get(likes)),
            **self.picks(digest, material),
        }
        return self._form(form, filled, preview=shown)

    def latest(self) -> previewing.Latest:
        """The papers that previews choose from, loaded again every ten minutes."""
        with self._loading:
            now = self.app.clock()
            if self._latest is None or now - self._latest.at > FRESH_FOR:
                self._latest = previewing.latest(self.app.store, now=now)
            return self._latest

    def _followed(self) -> Mapping[str, int]:
        """How many follow each topic, which orders the choice; counted again every hour."""
        with self._loading:
            now = self.app.clock()
            if self._counted is None or now - self._counted[0] > COUNTED_FOR:
                self._counted = (now, self.app.store.subscribers.topics_in_use())
            return self._counted[1]

    def _filled(self, form: Form, *, strict: bool = True) -> Filled:
        app = self.app
        return forms.filled(
            form, topics=app.settings.topics, to=app.newcomer, now=app.clock(), strict=strict
        )

    def _form(
        self,
        form: Form,
        filled: Filled,
        *,
        status: int = 200,
        preview: Mapping[str, object] | None = None,
    ) -> Response:
        words = form.one("q")
        return self.page(
            "subscribe",
            status,
            headers=PRIVATE if form.posted else None,
            here="subscribe",
            values=filled.values,
            errors=filled.errors,
            left_out=filled.notes,
            groups=choosing.groups(
                self.app.settings.topics,
                chosen=filled.topics,
                words=words,
                followed=self._followed(),
            ),
            zones=choosing.zones(),
            guess=not form.one("tz"),
            linked=not form.posted and bool(form.fields.keys() & forms.LISTS.keys()),
            words=words,
            email=form.one("email"),
            preview=preview,
        )

    def confirm(self, request: Request) -> Response:
        """A button to confirm the address; the POST starts the subscription."""
        person, subject = self.person(request, links.CONFIRM)
        day, _, mark = subject.partition("_")
        if person.status is Status.PENDING and is_past(
            day, links.CONFIRM_LASTS, now=self.app.clock()
        ):
            return self.page("confirm", GONE_STATUS, state="old", email="", preferences="")
        if request.method == "POST":
            joins = person.status is Status.PENDING
            person = subscriptions.confirm(self.app.store, person, now=self.app.clock(), mark=mark)
            welcome = self.mailing.welcome(person) if joins else None
            return self.back(f"{self.root}/c/{request.path_params['token']}", task=welcome)
        state = {Status.PENDING: "asks", Status.ACTIVE: "active", Status.PAUSED: "paused"}
        asks = person.status is Status.PENDING
        wished = subscriptions.agreed(self.app.store, person, mark) if asks else None
        person = replace(person, **subscriptions.schedule_of(wished))
        return self.page(
            "confirm",
            state=state.get(person.status, "ended"),
            outdated=asks and subscriptions.overtaken(self.app.store, person, mark),
            email=person.email,
            rhythm=wording.rhythm(person),
            just=person.confirmed_at is not None and self.app.clock() - person.confirmed_at < JUST,
            had=self._after_todays(person) if person.status is Status.ACTIVE else "",
            begins=wording.beginning(person),
            waits=person.quiet is Quiet.NOTHING,
            # Of the same day, so that it lasts no longer than the letter that brought them here.
            preferences=links.preferences(self.app.site, person, day),
        )

    def _after_todays(self, person: Subscriber) -> str:
        """When the next digest comes, for someone who came back and already had today's; else ""."""
        ledger, edition = self.app.store.ledger, edition_of(person, self.app.clock())
        today = ledger.digest(f"{person.id}.{edition}")
        state = ledger.states([today.id]).get(today.id) if today else None
        if today is None or state not in OVER:
            return ""
        sent = "Today's has been sent. " if state is OutboxState.SENT else ""
        upcoming = wording.next_digest(today, person)
        if person.quiet is Quiet.NOTHING:
            upcoming = f"{upcoming.removesuffix('.')}, at the earliest."
        return f"{sent}{upcoming}"

    def ask_link(self, request: Request) -> Response:
        """Mail a link to the preferences of an address; the answer is the same for every address."""
        if request.method != "POST":
            return self.page("me_ask", email="", errors={})
        form = forms.posted(request)
        errors: dict[str, str] = {}
        email = form.one("email")
        if not checked(errors, "email", lambda: subscriptions.normal_address(email)):
            return self.page("me_ask", BAD, email=email, errors=errors)
        asked = subscriptions.request_link(
            self.app.store,
            email,
            bounds=self.bounds,
            network=limits.network(request),
            now=self.app.clock(),
        )
        if asked.limited:
            errors["email"] = TOO_MANY_LINKS
            return self.page("me_ask", TOO_MANY, email=email, errors=errors)
        return self._link(asked)

    def renew(self, request: Request) -> Response:
        """Mail a new preferences link to the owner of one that has expired."""
        person, _ = self.person(request, links.PREFERENCES)
        return self._link(subscriptions.renew_link(self.app.store, person, now=self.app.clock()))

    def _link(self, asked: subscriptions.SignUp) -> Response:
        answer = self.page("sent", title="Check your mailbox", sign_up=False, notes=())
        letter = {"ask": "confirm", "known": "link"}.get(asked.outcome)
        if letter and asked.subscriber is not None:
            answer.background = self.mailing.letter(letter, asked.subscriber)
        return answer


def _meant(form: Form) -> str:
    """What a form was sent for: its button, or after Enter what the filled-in fields suggest."""
    act = form.one("do")
    if act != "enter":
        return act or "subscribe"
    if form.one("q") != form.one("was"):
        return "find"
    return "subscribe" if form.one("email") else "preview"
