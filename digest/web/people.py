"""The routes of forms and signed links: a page on GET, an action on POST."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.app import App
from digest.web.account import Account
from digest.web.answers import Answers
from digest.web.joining import Joining
from digest.web.limits import Buckets, with_form
from digest.web.mailing import Mailing
from digest.web.preferences import Preferences
from digest.web.profile import Profile
from digest.web.sharing import Sharing

BOTH = ("GET", "POST")

Handler = Callable[[Request], Response]


def routes(app: App, buckets: Buckets) -> list[BaseRoute]:
    """The routes of this part."""
    mailing = Mailing(app)
    account = Account(app, mailing)
    return [
        *_joining(Joining(app, mailing), buckets),
        *_answers(app),
        *_preferences(app, account),
        *_account(account),
    ]


def _joining(joining: Joining, buckets: Buckets) -> list[BaseRoute]:
    return [
        _route("/subscribe", joining.subscribe, buckets=buckets),
        _route("/subscribe/preview", joining.preview, buckets=buckets),
        _route("/c/{token}", joining.confirm),
        Route("/u/{token}", joining.unsubscribe, methods=[*BOTH]),
        _route("/u/{token}/back", joining.rejoin, methods=("POST",)),
        _route("/me", joining.ask_link),
        _route("/me/{token}/renew", joining.renew, methods=("POST",)),
    ]


def _answers(app: App) -> list[BaseRoute]:
    answers = Answers(app)
    return [
        _route("/d/{token}", answers.edition, methods=("GET",)),
        _route("/d/{token}/seen", answers.seen, methods=("POST",)),
        _route("/d/{token}/undo/{feedback}", answers.take_back, methods=("POST",)),
        _route("/d/{token}/{number}/{answer}", answers.answer),
    ]


def _preferences(app: App, account: Account) -> list[BaseRoute]:
    mine, profile, sharing = Preferences(app), Profile(app), Sharing(app)
    owned = mine.owned
    return [
        _route("/me/{token}", owned(mine.show)),
        _route("/me/{token}/likes", owned(profile.show)),
        _route("/me/{token}/archive", owned(mine.archive), methods=("GET",)),
        _route("/me/{token}/saved", owned(mine.saved), methods=("GET",)),
        _route("/me/{token}/saved.{form}", owned(mine.export_saved), methods=("GET",)),
        _route("/me/{token}/pause", owned(mine.pause)),
        _route("/me/{token}/again", owned(mine.again), methods=("POST",)),
        _route("/me/{token}/undo/{feedback}", owned(mine.take_back_any), methods=("POST",)),
        _route("/me/{token}/submit", owned(sharing.submit)),
        _route("/me/{token}/curate", owned(sharing.curate)),
        _route("/me/{token}/account", owned(account.ask)),
        _route("/me/{token}/papers/{paper:path}", owned(mine.paper_page)),
    ]


def _account(account: Account) -> list[BaseRoute]:
    recent = account.recent
    return [
        _route("/account/{token}", recent(account.show), methods=("GET",)),
        _route("/account/{token}/export", recent(account.export), methods=("GET",)),
        _route("/account/{token}/address", recent(account.move), methods=("POST",)),
        _route("/account/{token}/links", recent(account.renew), methods=("POST",)),
        _route("/account/{token}/erase", recent(account.erase), methods=("POST",)),
        _route("/a/{token}", account.agree),
    ]


def _route(
    path: str,
    handler: Handler,
    *,
    methods: tuple[str, ...] = BOTH,
    buckets: Buckets | None = None,
) -> BaseRoute:
    return Route(path, with_form(handler, buckets=buckets), methods=[*methods])
