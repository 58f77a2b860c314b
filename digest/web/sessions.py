"""The operator's session cookie: signed, expiring, and invalid once the token changes."""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

LASTS = timedelta(hours=12)
NAME = "operator"


class Sessions:
    """Opens and checks the sessions of whoever knows the token.

    `secret` is this installation's own. Browsers send the cookie to `path` and below, and only over
    https if `https` is true.
    """

    def __init__(self, token: str, secret: bytes, *, path: str, https: bool) -> None:
        self._token = token
        self._key = hmac.digest(secret, token.encode(), "sha256")
        self._path = path
        self._https = https
        # With this prefix browsers accept the cookie only over https.
        self._name = f"__Secure-{NAME}" if https else NAME

    def opens(self, given: str) -> bool:
        """Whether this is the token, compared in constant time."""
        mine, theirs = (
            hmac.digest(self._key, each.strip().encode("utf-8", "replace"), "sha256")
            for each in (self._token, given)
        )
        return hmac.compare_digest(mine, theirs)

    def open(self, response: Response, now: datetime) -> None:
        """Open a session of LASTS by a cookie on the response."""
        value = f"{int((now + LASTS).timestamp())}-{secrets.token_hex(8)}"
        response.set_cookie(
            self._name,
            f"{value}.{self._sign(value)}",
            max_age=int(LASTS.total_seconds()),
            path=self._path,
            secure=self._https,
            httponly=True,
            samesite="strict",
        )

    def close(self, response: Response) -> None:
        """End the session."""
        response.delete_cookie(
            self._name, path=self._path, secure=self._https, httponly=True, samesite="strict"
        )

    def holds(self, request: Request, now: datetime) -> bool:
        """Whether the request has a session that has not expired."""
        value, _, mac = request.cookies.get(self._name, "").rpartition(".")
        if not hmac.compare_digest(self._sign(value).encode(), mac.encode("utf-8", "replace")):
            return False
        until = datetime.fromtimestamp(int(value.partition("-")[0]), tz=UTC)
        return now < until

    def form_token(self, request: Request) -> str:
        """The token of this session that every form carries, against cross-site requests."""
        return self._sign(f"form.{request.cookies.get(self._name, '')}")

    def form_holds(self, request: Request, given: str) -> bool:
        """Whether a form token is that of this session."""
        expected = self.form_token(request).encode()
        return hmac.compare_digest(expected, given.encode("utf-8", "replace"))

    def _sign(self, value: str) -> str:
        return hmac.digest(self._key, value.encode("utf-8", "replace"), "sha256").hex()
