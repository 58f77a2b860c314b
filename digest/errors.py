"""The error tree, typed by what the caller can do about it.

    DigestError
    ├── RetryLater          passing: the same call may succeed after `retry_after` seconds
    │   ├── FetchFailed         the network or a remote server
    │   ├── DeliveryDeferred    a mail server said 4xx, or could not be reached
    │   └── StoreBusy           the database is locked by another process
    ├── Rejected            this input will never be accepted: record it, report it, go on
    │   ├── FetchRefused        an address we will not or must not ask (private, gone, too large)
    │   ├── ListingUnreadable   a listing of which nothing could be read
    │   ├── DeliveryRefused     a mail server said 5xx
    │   └── InvalidInput        what a person typed; the message says what to type instead
    │       └── NotFound            no such subscriber, topic, paper, …
    └── ConfigError         only the operator can mend it; names the file or variable and the key

Every error carries `subject`, the identity of the thing it is about (a URL, a source, a
digest id; never an email address), apart from its message, which is one sentence for a person.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OURS = str(Path(__file__).parent)


class DigestError(Exception):
    """Anything Digest raises on purpose."""

    def __init__(self, message: str, *, subject: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject

    def __str__(self) -> str:
        return self.message


class RetryLater(DigestError):
    """A passing failure; `retry_after` is in seconds when the other side named a time."""

    def __init__(
        self, message: str, *, subject: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, subject=subject)
        self.retry_after = retry_after


class FetchFailed(RetryLater):
    """A source could not be fetched this time."""

    def __init__(
        self,
        message: str,
        *,
        subject: str = "",
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, subject=subject, retry_after=retry_after)
        self.status = status


class DeliveryDeferred(RetryLater):
    """A mail server asked to try again later, or could not be reached.

    `code` is the SMTP reply code (0 when the connection broke), `reply` the server's words.
    """

    def __init__(
        self,
        message: str,
        *,
        subject: str = "",
        code: int = 0,
        reply: str = "",
    ) -> None:
        super().__init__(message, subject=subject)
        self.code = code
        self.reply = reply


class StoreBusy(RetryLater):
    """The database is locked by another process."""


class Rejected(DigestError):
    """An input that will not be accepted however often it is offered."""


class FetchRefused(Rejected):
    """A request we will not make, or an answer we will not take.

    `gone` is true for HTTP 410: polling must stop and the operator be told.
    """

    def __init__(
        self, message: str, *, subject: str = "", gone: bool = False, status: int | None = None
    ) -> None:
        super().__init__(message, subject=subject)
        self.gone = gone
        self.status = status


class ListingUnreadable(Rejected):
    """A listing of which nothing at all could be read."""


class DeliveryRefused(Rejected):
    """A mail server refused a message for good; `code` and `reply` are the server's words."""

    def __init__(self, message: str, *, subject: str = "", code: int = 0, reply: str = "") -> None:
        super().__init__(message, subject=subject)
        self.code = code
        self.reply = reply


class InvalidInput(Rejected):
    """What a person typed cannot be used; the message says what to type instead."""


class NotFound(InvalidInput):
    """No such subscriber, topic, paper, source or edition."""


class ConfigError(DigestError):
    """The configuration is wrong; the message names the file or variable, the key and the cure."""


def sentence_of(error: Exception) -> str:
    """What an error says to a person; "" if only its traceback can say what happened.

    Of a file or a connection that is what the system says, such as `Permission denied: backups.`
    """
    if isinstance(error, DigestError):
        return error.message
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}."
    return ""


def told(error: Exception) -> str:
    """What happened in somebody's own module, and in which file and line, for their eyes."""
    said = f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [each for each in frames if not each.filename.startswith((_OURS, "<frozen importlib"))]
    theirs = [each for each in theirs if Path(each.filename).parent.name != "importlib"]
    if isinstance(error, SyntaxError) or not theirs:  # a SyntaxError says it by itself
        return said
    return f"{said}, in {theirs[-1].filename}, line {theirs[-1].lineno}"


@contextmanager
def blamed(*names: str) -> Iterator[None]:
    """Say of an error that one of these rankers made it, if any is somebody's own class."""
    try:
        yield
    except (DigestError, OSError):
        raise
    except Exception as error:
        own = [each for each in names if ":" in each and not each.startswith((".", "digest."))]
        if not own:
            raise
        raise InvalidInput(
            f"The ranker {' or '.join(own)} failed ({told(error)}); --debug shows more.",
            subject=own[0],
        ) from error
