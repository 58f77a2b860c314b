"""Fetch mail from an IMAP mailbox: unseen mails are taken in, and none is deleted.

A mail that was taken in is marked as seen. One that must wait stays unseen and is tried again,
without holding up the others; one that causes an error is marked as seen and flagged, for a person
to look at.
"""

from __future__ import annotations

import imaplib
import logging
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from urllib.parse import SplitResult, unquote, urlsplit

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted, MailMessageFlags
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError

from digest.errors import ConfigError, DigestError, RetryLater, StoreBusy

log = logging.getLogger(__name__)

Deliver = Callable[[bytes, list[str]], object]

MOST_AT_ONCE = 200
MOST_BYTES = 2_000_000
TIMEOUT = 30.0

BOXES: dict[str, Callable[[SplitResult], BaseMailBox]] = {
    "imaps": lambda at: MailBox(
        str(at.hostname), at.port or 993, timeout=TIMEOUT, ssl_context=ssl.create_default_context()
    ),
    "imap+starttls": lambda at: MailBoxStartTls(
        str(at.hostname), at.port or 143, timeout=TIMEOUT, ssl_context=ssl.create_default_context()
    ),
    "imap": lambda at: MailBoxUnencrypted(str(at.hostname), at.port or 143, timeout=TIMEOUT),
}
TROUBLE = (ImapToolsError, imaplib.IMAP4.error, OSError, UnicodeError, ValueError)


def poll(url: str, folder: str, deliver: Deliver, *, rng: Random) -> int:
    """Hand each unseen mail of the folder to `deliver(raw, [])`; how many were taken in.

    `url` is `imaps://user:password@host`, `imap+starttls://` or `imap://` (unencrypted). At most
    200 mails at once, oldest first; once one has to wait, the rest are drawn with `rng`, so that
    each mail has its turn however many wait. Raises ConfigError for another URL, RetryLater if the
    server cannot be reached or fails, and StoreBusy and ConfigError of `deliver`, which concern
    every mail. No message has the user's name or password in it.
    """
    with _opened(url, folder) as box:
        return _looked_through(box, deliver, rng)


def check(url: str, folder: str) -> str:
    """Log in and open the folder, which changes nothing; the host, for people. Raises as `poll`."""
    with _opened(url, folder, readonly=True):
        return str(_parted(url).hostname)


@contextmanager
def _opened(url: str, folder: str, *, readonly: bool = False) -> Iterator[BaseMailBox]:
    """A mailbox with this folder selected; what goes wrong with it is RetryLater."""
    at = _parted(url)
    try:
        box = BOXES[at.scheme](at)
        try:
            box.login(unquote(at.username or ""), unquote(at.password or ""), initial_folder=None)
            box.folder.set(folder, readonly=readonly)
            yield box
        finally:
            with suppress(*TROUBLE):
                box.logout()
            with suppress(*TROUBLE):
                box.client.shutdown()
    except TROUBLE as error:
        raise RetryLater(
            f"The mailbox at {at.hostname} cannot be read now: {_why(error, folder)}.",
            subject=str(at.hostname),
        ) from None


def _why(error: Exception, folder: str) -> str:
    """What went wrong, and what to do; not in the server's words, which may quote the login."""
    match error:
        case MailboxLoginError():
            return "it refuses the login; check user name and password in [inbound] imap"
        case MailboxFolderSelectError():
            return f"it has no folder {folder!r}; make it, or correct [inbound] imap_folder"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message.rstrip('.')})"
        case ssl.SSLError():
            return f"TLS failed ({error.reason}); perhaps it wants imap+starttls:// or another port"
        case OSError():
            words = error.strerror or f"no answer within {TIMEOUT:g} s"
            return f"{words}; check host and port in [inbound] imap"
        case _:
            return type(error).__name__


def _looked_through(box: BaseMailBox, deliver: Deliver, rng: Random) -> int:
    unseen = deque(box.uids("UNSEEN"))
    taken, left = 0, MOST_AT_ONCE
    while unseen and left:
        uid, left = unseen.popleft(), left - 1
        raw = _content(box, uid)
        if raw is None:
            continue
        flags = _taken(raw, deliver)
        if flags is None:
            if len(unseen) > left:
                unseen = deque(sorted(rng.sample(unseen, left), key=int))
            continue
        # Not box.flag: it expunges, which deletes mails that others have marked for deletion.
        box.client.uid("store", uid, "+FLAGS", f"({' '.join(flags)})")
        taken += MailMessageFlags.FLAGGED not in flags
    return taken


def _parted(url: str) -> SplitResult:
    try:
        at = urlsplit(url)
        usable = at.scheme in BOXES and bool(at.hostname and at.username)
        _ = at.port
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            "[inbound] imap is imaps://user:password@host, with special characters as %XX.",
            subject="inbound.imap",
        )
    if not unquote(at.netloc.rpartition("@")[0]).isascii():
        raise ConfigError(
            "[inbound] imap: the user name and password may hold ASCII characters only.",
            subject="inbound.imap",
        )
    return at


def _content(box: BaseMailBox, uid: str) -> bytes | None:
    """Return a mail's bytes, without marking it as seen; None if it is gone."""
    _, answer = box.client.uid("fetch", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
    found = [each[1] for each in answer or [] if isinstance(each, tuple) and len(each) > 1]
    return bytes(found[0]) if found else None


def _taken(raw: bytes, deliver: Deliver) -> list[str] | None:
    """Deliver a mail, and return the flags to set on it; None if it must wait.

    Raises StoreBusy and ConfigError, which concern every mail.
    """
    try:
        deliver(raw, [])
    except (StoreBusy, ConfigError):
        raise
    except DigestError as error:
        log.warning("a mail waits: %s", error.message, extra={"action": "imap"})
        return None
    except Exception as error:  # noqa: BLE001 - one bad mail does not stop the others
        log.error(  # noqa: TRY400 - a traceback could show the mail
            "a mail is left flagged", extra={"action": "imap", "error": type(error).__name__}
        )
        return [MailMessageFlags.SEEN, MailMessageFlags.FLAGGED]
    return [MailMessageFlags.SEEN]
