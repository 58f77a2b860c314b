"""What only the owner of the mailbox may do: export, change address, renew links, erase."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from digest import subscriptions
from digest.app import App
from digest.errors import InvalidInput, NotFound
from digest.model import AddressChange, Subscriber
from digest.rendering import links
from digest.subscriptions.limits import DAY, may
from digest.web import forms, words
from digest.web.common import GONE, PRIVATE
from digest.web.mailing import Mailing
from digest.web.personal import (
    BAD,
    GONE_STATUS,
    Owned,
    Personal,
    is_past,
)

LETTERS_A_DAY = 5

Side = Literal["address-old", "address-new"]
SIDES: tuple[Side, ...] = ("address-old", "address-new")  # the scopes of their links


class Account(Personal):
    """Pages behind a link mailed within the hour, and those that confirm a change of address."""

    def __init__(self, app: App, mailing: Mailing) -> None:
        super().__init__(app)
        self.mailing = mailing

    def ask(self, request: Request, person: Subscriber) -> Response:
        """Mail a link to the account page to the subscriber."""
        if request.method != "POST":
            return self.mine("me_account", request, person, here_me="account")
        account = f"{self.me(request)}/account"
        now, store = self.app.clock(), self.app.store
        if not may(store, "account", person.id, now=now, seconds=DAY, most=LETTERS_A_DAY):
            return self.back(account, "often")
        return self.back(account, "letter", self.mailing.letter("account", person))

    def recent(self, handler: Owned) -> Callable[[Request], Response]:
        """The handler for the owner of an account link that has not expired."""

        def handle(request: Request) -> Response:
            person, made = self.person(request, links.ACCOUNT)
            if is_past(made, links.ACCOUNT_LASTS, now=self.app.clock()):
                return self.page("account", GONE_STATUS, state="old", errors={})
            return handler(request, person)

        return handle

    def show(self, request: Request, person: Subscriber) -> Response:
        """The account page."""
        return self._page(request, person)

    def export(self, request: Request, person: Subscriber) -> Response:
        """Everything that is kept about one person, as JSON."""
        _ = request
        data = subscriptions.export(self.app.store, person)
        text = json.dumps(data, ensure_ascii=False, indent=2, default=str)
        name = f"{person.id}.json"
        return Response(
            text,
            media_type="application/json",
            headers={**PRIVATE, "content-disposition": f'attachment; filename="{name}"'},
        )

    def move(self, request: Request, person: Subscriber) -> Response:
        """Ask to move digests to another address; both addresses get a letter."""
        email = forms.posted(request).one("email")
        try:
            change = subscriptions.ask_address(self.app.store, person, email, now=self.app.clock())
        except InvalidInput as error:
            return self._page(request, person, email=email, error=error.message)
        subject = subscriptions.change_subject(change)
        write = partial(self.app.write, person=person, subject=subject)
        letters = self.mailing.letters(
            partial(write, "address-old", email=change.email),
            partial(write, "address-new", recipient=change.email),
        )
        return self.back(self._here(request), "asked", letters)

    def renew(self, request: Request, person: Subscriber) -> Response:
        """End every link and feed address of theirs, this page's too, and mail a new one."""
        now, store = self.app.clock(), self.app.store
        if not may(store, "links", person.id, now=now, seconds=DAY, most=LETTERS_A_DAY):
            return self.back(self._here(request), "often")
        # Of the same minute, so that the new link expires when the old one would have.
        _, made = self.person(request, links.ACCOUNT)
        person = subscriptions.revoke(store, person)
        here = links.account(self.app.site, person, int(made))
        path = f"{self.root}/account/{here.rpartition('/')[2]}"
        return self.back(path, "links", self.mailing.letter("link", person))

    def erase(self, request: Request, person: Subscriber) -> Response:
        """Delete everything about someone."""
        _ = request
        subscriptions.erase(self.app.store, person, now=self.app.clock())
        answer = self.page("account", state="erased", errors={})
        answer.background = self.mailing.letter("goodbye", person, erased=True)
        return answer

    def agree(self, request: Request) -> Response:
        """A button by which one of the two addresses agrees to the change; the POST agrees."""
        person, side, subject = self._side(request)
        if request.method != "POST":
            try:
                change = subscriptions.standing_change(
                    self.app.store, person, now=self.app.clock(), subject=subject
                )
            except NotFound as error:
                return self._moving("refused", GONE_STATUS, text=error.message)
            ended = side == "address-new" and subscriptions.gives_way(self.app.store, change)
            return self._moving("asks", email=change.email, ended=ended)
        try:
            done = subscriptions.agree(
                self.app.store, person, side, now=self.app.clock(), subject=subject
            )
        except InvalidInput as error:
            status = GONE_STATUS if isinstance(error, NotFound) else BAD
            return self._moving("refused", status, text=error.message)
        if isinstance(done, AddressChange):
            return self._moving("waits", email=done.email)
        answer = self._moving("done", email=done.email)
        write = partial(self.app.write, "address-changed", done)
        answer.background = self.mailing.letters(write, partial(write, recipient=person.email))
        return answer

    def _moving(self, state: str, status: int = 200, **context: Any) -> Response:
        return self.page("account_move", status, state=state, **context)

    def _side(self, request: Request) -> tuple[Subscriber, Side, str]:
        """Whose link it is, and of which of the two addresses; raises NotFound."""
        for side in SIDES:
            try:
                person, subject = self.person(request, side)
            except NotFound:
                continue
            return person, side, subject
        raise NotFound(GONE)

    def _here(self, request: Request) -> str:
        return f"{self.root}/account/{request.path_params['token']}"

    def _page(
        self, request: Request, person: Subscriber, *, email: str = "", error: str = ""
    ) -> Response:
        return self.page(
            "account",
            BAD if error else 200,
            state="open",
            here=self._here(request),
            person=person,
            change=self.app.store.subscribers.change(person.id),
            email=email,
            errors={"email": error} if error else {},
            done=words.DONE.get(request.query_params.get("done", ""), ""),
        )
