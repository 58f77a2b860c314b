"""The routes of forms and signed links: a page on GET, an action on POST."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from digest.app import App
from digest.web.account import Account
from digest.web.answers import Answers
from digest.web.joining import Joining
from digest.web.leaving import Leaving
from digest.web.limits import Buckets, Handler, with_form
from digest.web.mailing import Mailing
from digest.web.preferences import Preferences
from digest.web.profile import Profile
from digest.web.sharing import Sharing

GET, POST, BOTH = ("GET",), ("POST",), ("GET", "POST")


def routes(app: App, buckets: Buckets) -> list[BaseRoute]:
    """The routes of this part."""
    mailing = Mailing(app)
    joining, leaving = Joining(app, mailing), Leaving(app)
    account, answers = Account(app, mailing), Answers(app)
    mine, profile, sharing = Preferences(app), Profile(app), Sharing(app)
    owned, recent = mine.owned, account.recent
    return [
        _route("/subscribe", joining.subscribe, buckets=buckets),
        _route("/subscribe/preview", joining.preview, buckets=buckets),
        _route("/c/{token}", joining.confirm),
        Route("/u/{token}", leaving.unsubscribe, methods=[*BOTH]),
        _route("/u/{token}/back", leaving.rejoin, POST),
        _route("/d/{token}", answers.edition, GET),
        _route("/d/{token}/seen", answers.seen, POST),
        _route("/d/{token}/undo/{feedback}", answers.take_back, POST),
        _route("/d/{token}/{number}/{answer}", answers.answer),
        _route("/me", joining.ask_link),
        _route("/me/{token}", owned(mine.show)),
        _route("/me/{token}/renew", joining.renew, POST),
        _route("/me/{token}/likes", owned(profile.show)),
        _route("/me/{token}/archive", owned(mine.archive), GET),
        _route("/me/{token}/saved", owned(mine.saved), GET),
        _route("/me/{token}/saved.{form}", owned(mine.export_saved), GET),
        _route("/me/{token}/pause", owned(mine.pause)),
        _route("/me/{token}/again", owned(mine.again), POST),
        _route("/me/{token}/undo/{feedback}", owned(mine.take_back_any), POST),
        _route("/me/{token}/submit", owned(sharing.submit)),
        _route("/me/{token}/curate", owned(sharing.curate)),
        _route("/me/{token}/account", owned(account.ask)),
        _route("/me/{token}/papers/{paper:path}", owned(mine.paper_page)),
        _route("/account/{token}", recent(account.show), GET),
        _route("/account/{token}/export", recent(account.export), GET),
        _route("/account/{token}/address", recent(account.move), POST),
        _route("/account/{token}/links", recent(account.renew), POST),
        _route("/account/{token}/erase", recent(account.erase), POST),
        _route("/a/{token}", account.agree),
    ]


def _route(
    path: str, handler: Handler, methods: tuple[str, ...] = BOTH, *, buckets: Buckets | None = None
) -> BaseRoute:
    return Route(path, with_form(handler, buckets=buckets), methods=[*methods])
