"""Make a transport from the address in the settings, and check it for the operator."""

from __future__ import annotations

import ssl
import sys
from dataclasses import replace
from pathlib import Path
from typing import TextIO, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from digest.delivery.connection import (
    SETTING,
    MailServer,
    Security,
    connect,
    is_alive,
    say_goodbye,
    tls_context,
)
from digest.delivery.maildir import MaildirTransport
from digest.delivery.smtp import SmtpTransport
from digest.delivery.stdout import StdoutTransport
from digest.errors import ConfigError, DeliveryDeferred
from digest.ports import Transport

FORMS = "smtp://user:password@host:587, smtps://…, smtp+starttls://…, maildir:PATH or stdout:"
ESCAPES = "in a user name or password write / as %2F, # as %23, ? as %3F and @ as %40"

_SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("opportunistic", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}
_SECURITIES: tuple[Security, ...] = get_args(Security)
_YES_NO = {"yes": True, "no": False}


def transport_from_url(
    url: str,
    *,
    timeout: float = 30.0,
    hello: str = "",
    connections: int = 1,
    per_connection: int = 100,
    stdout: TextIO | None = None,
) -> Transport:
    """The transport that a URL names; the options other than `stdout` are for SMTP.

    Raises ConfigError, without the password, if the URL cannot be used.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "maildir":
        return MaildirTransport(_maildir_path(rest))
    if scheme == "stdout":
        return StdoutTransport(stdout or sys.stdout)
    server = replace(parse_url(url), timeout=timeout, hello=hello)
    return SmtpTransport(server, connections=connections, per_connection=per_connection)


def parse_url(url: str) -> MailServer:
    """The mail server that `smtp://`, `smtp+starttls://` or `smtps://` names.

    User name and password are percent-decoded. The query may hold `security` (one of
    none, opportunistic, starttls, tls) and `verify=no`, which takes any certificate. Raises
    ConfigError, without the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(f"{SETTING}: not a URL; give {FORMS}, and {ESCAPES}") from None
    if parts.scheme not in _SCHEMES:
        raise ConfigError(f"{SETTING}: not an address of a kind that Digest knows; give {FORMS}")
    if not parts.hostname:
        raise ConfigError(f"{SETTING}: no host is named; give {FORMS}")
    if parts.path not in ("", "/") or parts.fragment:
        raise ConfigError(f"{SETTING}: nothing may follow host and port; {ESCAPES}")
    security, usual_port = _SCHEMES[parts.scheme]
    options = _options(parts)
    return MailServer(
        host=parts.hostname,
        port=port or usual_port,
        security=_security(options.get("security", security)),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=None if _verify(options.get("verify", "yes")) else tls_context(verify=False),
    )


def server_of(url: str) -> MailServer | None:
    """The mail server that a URL names, None for a folder or a stream; raises ConfigError."""
    return None if url.partition(":")[0] in ("maildir", "stdout") else parse_url(url)


def check(url: str, *, timeout: float = 30.0, hello: str = "") -> list[str]:
    """Try a transport without sending mail; returns what was found, a line each.

    For SMTP: connect, EHLO, TLS, AUTH, NOOP, QUIT. Raises ConfigError or DeliveryDeferred.
    """
    server = server_of(url)
    if server is not None:
        return _check_smtp(replace(server, timeout=timeout, hello=hello))
    transport = transport_from_url(url)
    if isinstance(transport, MaildirTransport):
        transport.check()
        return [f"mail is written to the Maildir {transport.path}"]
    return ["mail is written to standard output"]


def _check_smtp(server: MailServer) -> list[str]:
    client = connect(server)
    try:
        lines = [f"connected to {server.place}"]
        if isinstance(client.sock, ssl.SSLSocket):
            verified = client.sock.context.verify_mode is ssl.CERT_REQUIRED
            trust = "certificate verified" if verified else "certificate not verified"
            lines.append(f"encrypted with {client.sock.version()}, {trust}")
        else:
            lines.append("not encrypted")
        lines.append("user name and password accepted" if server.username else "no user name given")
        offered = [
            each for each in ("pipelining", "size", "8bitmime", "smtputf8") if client.has_extn(each)
        ]
        lines.append(f"the server offers {', '.join(offered).upper() or 'no extension we use'}")
        if not is_alive(client):
            raise DeliveryDeferred(f"{server.place} does not answer NOOP", subject=server.place)
    finally:
        say_goodbye(client)
    return [*lines, "ready; no mail was sent"]


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not options.keys() <= {"security", "verify"}:
        # What stands there is not repeated: it may be the end of an unescaped password.
        raise ConfigError(f"{SETTING}: only security and verify may follow the question mark")
    return options


def _security(value: str) -> Security:
    for known in _SECURITIES:
        if value == known:
            return known
    raise ConfigError(f"{SETTING}: security is one of {', '.join(_SECURITIES)}")


def _verify(value: str) -> bool:
    if value not in _YES_NO:
        raise ConfigError(f"{SETTING}: verify is yes or no")
    return _YES_NO[value]


def _maildir_path(rest: str) -> Path:
    path = unquote(rest.removeprefix("//"))
    if not path:
        raise ConfigError(f"{SETTING}: maildir: needs a path, as in maildir:/var/mail/digest")
    return Path(path).expanduser()
