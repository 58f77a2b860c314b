"""The operator's page: the state of everything, and the few things only an operator may do.

It exists only if `[web] operator` is set. Whoever knows that token gets a session cookie, the only
cookie of the site, and every form carries a token of the session.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from digest import subscriptions
from digest.app import App
from digest.errors import InvalidInput, NotFound
from digest.model import EvidenceKind
from digest.rendering.views import root
from digest.web import deciding, forms, words
from digest.web.common import PRIVATE, Handlers
from digest.web.limits import Buckets, Handler, network, with_form
from digest.web.overview import overview
from digest.web.sessions import Sessions

PATH = "/operator"
TRIES = 10
TRIES_OF_ALL = 60
EVERYBODY = "everybody"
LARGEST_SHOWN = 64 * 1024

DONE = {
    "undone": "Undone: mail goes to that address again.",
    "settled": "Marked as dealt with.",
    **{each: words.DONE[each] for each in ("featured", "rejected", "kept")},
}


def routes(app: App) -> list[BaseRoute]:
    """The routes of this part; none while no token is set."""
    if not app.settings.web.operator:
        return []
    operator = Operator(app)
    posts = {
        f"{PATH}/leave": operator.leave,
        f"{PATH}/evidence/{{evidence}}/undo": operator.undo,
        f"{PATH}/evidence/{{evidence}}/settle": operator.settle,
        f"{PATH}/submissions/{{submission}}": operator.decide,
    }
    return [
        Route(PATH, with_form(operator.show), methods=["GET", "POST"]),
        Route(f"{PATH}/evidence/{{evidence}}", operator.mail, methods=["GET"]),
        *(
            Route(path, with_form(operator.acting(act)), methods=["POST"])
            for path, act in posts.items()
        ),
    ]


class Operator(Handlers):
    """What the operator sees and does."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self._tries = Buckets(TRIES)
        self._tries_of_all = Buckets(TRIES_OF_ALL)
        self._path = f"{root(app.site)}{PATH}"
        self._sessions = Sessions(
            app.settings.web.operator,
            app.store.post.secret("operator"),
            path=self._path,
            https=app.site.url.startswith("https:"),
        )

    def show(self, request: Request) -> Response:
        """The page, or the sign-in form; the right token opens a session."""
        if request.method == "POST":
            return self._enter(request)
        if not self._sessions.holds(request, self.app.clock()):
            return self._ask("", status=200)
        return self._page(request)

    def mail(self, request: Request) -> Response:
        """An incoming mail as plain text."""
        if not self._sessions.holds(request, self.app.clock()):
            return self._ask("", status=403)
        found = self.app.store.post.evidence(request.path_params["evidence"])
        if found is None:
            raise NotFound("There is no such mail.")
        text = found.raw[:LARGEST_SHOWN].decode("utf-8", "replace") or found.detail
        return PlainTextResponse(text, headers=PRIVATE)

    def acting(self, act: Handler) -> Handler:
        """The handler of a form, which needs an open session and that session's form token."""

        def handle(request: Request) -> Response:
            given = request.state.form.get("form_token", "")
            if not self._sessions.holds(request, self.app.clock()):
                return self._ask("Your session has ended.", status=403)
            if not isinstance(given, str) or not self._sessions.form_holds(request, given):
                raise HTTPException(403)
            return act(request)

        return handle

    def leave(self, _request: Request) -> Response:
        """End the session."""
        response = self._back()
        self._sessions.close(response)
        return response

    def undo(self, request: Request) -> Response:
        """Undo a bounce or complaint."""
        evidence = request.path_params["evidence"]
        subscriptions.undo_bounce(self.app.store, evidence, now=self.app.clock())
        return self._back("undone")

    def settle(self, request: Request) -> Response:
        """Mark a mail that could not be parsed as dealt with."""
        found = self.app.store.post.evidence(request.path_params["evidence"])
        if found is None or found.kind is not EvidenceKind.UNREAD:
            raise NotFound("There is no such mail.")
        self.app.store.post.settle_evidence(found.id, self.app.clock())
        return self._back("settled")

    def decide(self, request: Request) -> Response:
        """Feature a submitted paper, or turn it down."""
        form, named = forms.posted(request), request.path_params["submission"]
        try:
            done = deciding.decide(self.app.store, form, None, named, now=self.app.clock())
        except NotFound:
            raise
        except InvalidInput as error:
            return self._page(request, error.message)
        return self._back(done)

    def _page(self, request: Request, error: str = "") -> Response:
        line = forms.posted(request).one("line")
        return self.page(
            "operator",
            400 if error else 200,
            overview=overview(self.app),
            form_token=self._sessions.form_token(request),
            done=DONE.get(request.query_params.get("done", ""), ""),
            typed={"submission": request.path_params.get("submission", ""), "line": line},
            error=error,
        )

    def _enter(self, request: Request) -> Response:
        # The network's bucket first: what it refuses must not use up the tries that all share.
        self._tries.take(network(request))
        self._tries_of_all.take(EVERYBODY)
        if not self._sessions.opens(str(request.state.form.get("token", ""))):
            return self._ask("This is not the right token.", status=403)
        response = self._back()
        self._sessions.open(response, self.app.clock())
        return response

    def _ask(self, problem: str, *, status: int) -> Response:
        return self.page("operator_enter", status, problem=problem)

    def _back(self, done: str = "") -> Response:
        query = f"?done={done}" if done else ""
        return RedirectResponse(f"{self._path}{query}", 303, headers=PRIVATE)
