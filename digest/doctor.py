"""`digest doctor`: all checks of an installation that send nothing and change no mailbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from digest import delivery, matching, subscriptions
from digest.app import App
from digest.config import arxiv_topics
from digest.delivery import dkim, maildir
from digest.errors import DigestError, InvalidInput, NotFound, StoreBusy, sentence_of
from digest.inbound import imap, lmtp
from digest.model import Caps, Status, Topic
from digest.pipeline import learning

Said = tuple[str, str]
"""A level and a text, as `Finding` has them."""

SAMPLES = 16
SAMPLE = "We find out how long it takes to read one abstract of the length that most have. " * 15
"""The text, of the usual length of an abstract, by which the embedder's speed is measured."""

UNREADABLE = "what was learned cannot be read; `digest learn` learns it anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found: `level` is fine, warning or wrong."""

    check: str
    level: str
    text: str


def examine(app: App) -> list[Finding]:
    """Run every check; one that fails does not stop the others, and equal findings appear once."""
    findings: dict[tuple[str, str], Finding] = {}
    for name, check in (
        ("settings", _settings),
        ("database", _database),
        ("ranking", _ranking),
        ("sources", _sources),
        ("topics", _topics),
        ("curators", _curators),
        ("sender", _sender),
        ("dkim", _dkim),
        ("site", _site),
        ("templates", _templates),
        ("mail", _mail),
        ("folders", _folders),
        ("mail log", _mail_log),
        ("pace", _pace),
        ("inbound", _inbound),
        ("embedder", _embedder),
    ):
        for found in _guarded(name, check, app):
            findings.setdefault((found.level, found.text), found)
    return list(findings.values())


def _guarded(name: str, check: Callable[[App], Iterator[Said]], app: App) -> Iterator[Finding]:
    try:
        for level, text in check(app):
            yield Finding(check=name, level=level, text=text)
    except (DigestError, OSError) as error:
        yield Finding(check=name, level="wrong", text=sentence_of(error))


def _fine(text: str) -> Said:
    return "fine", text


def _warning(text: str) -> Said:
    return "warning", text


def _wrong(text: str) -> Said:
    return "wrong", text


def _settings(app: App) -> Iterator[Said]:
    _ = app.newcomer
    yield _fine(f"read from {app.settings.origin}")
    for variable in app.settings.unknown_variables:
        yield _warning(f"the environment variable {variable} names no setting")


def _database(app: App) -> Iterator[Said]:
    path = Path(app.settings.db).absolute()
    rows = app.store.counts()
    yield _fine(f"{path}: {rows['papers']} papers, {rows['subscribers']} subscribers")
    with suppress(StoreBusy):  # somebody else is writing, so it can be written
        app.store.try_to_write()
    folder = path.resolve().parent
    try:
        _try_to_write(folder)
    except OSError as error:
        beside = f"the folder {folder}, where SQLite writes beside the file"
        yield _wrong(f"{beside}, cannot be written to: {error.strerror}")


def _ranking(app: App) -> Iterator[Said]:
    _ = app.ranker, app.experiment
    learned = app.store.spaces.learned()
    if learned is None:
        size = app.store.spaces.size()
        due = learning.is_due(None, size=size, now=app.clock())
        yield _fine("nothing is learned yet: see `digest learn`" if due else learning.too_few(size))
    elif app.space is None:
        yield _warning(UNREADABLE)
    else:
        yield _fine(learning.said(learned, app.clock()))


def _sources(app: App) -> Iterator[Said]:
    built = [*app.sources(), *app.sources(nightly=True)]
    yield _fine(f"{len(built)} sources: {', '.join(each.name for each in built)}")
    _ = app.fetcher
    yield _fine(f"they are asked as {app.user_agent}")
    if not (app.settings.site.contact or app.settings.site.url):
        yield _warning("set [site] contact: sites we fetch from want to know whom to write to")


def _topics(app: App) -> Iterator[Said]:
    """Topics without papers: those not in the settings (any more), and those of unknown categories."""
    known = app.settings.topics
    followed = app.store.subscribers.topics_in_use()
    folded = {each.casefold() for each in known}
    gone = [each for each in followed if each.casefold() not in folded]
    odd = _unheard_of(app)
    if not gone and not odd:
        return
    read_as = matching.category_keys(tuple(app.store.papers.known_categories()))
    for key in gone:
        if key.casefold() in read_as:
            continue
        one = followed[key] == 1
        people = "1 subscriber follows" if one else f"{followed[key]} subscribers follow"
        if not _is_topic(key, known):
            yield _warning(
                f"{people} {key!r}, which is neither a topic now nor a category of any paper: "
                "put the topic back into the settings under that name, or tell them"
            )
        elif read_as:
            yield _warning(
                f"{people} {key!r}, which is a category of no paper: check its spelling, and that "
                f"the source {key.partition(':')[0]} is switched on"
            )
    for topic, category in odd:
        if category.casefold() not in read_as:
            yield _warning(
                f"[topics.{topic}] names the category {category!r}, which neither arXiv nor a "
                "source nor any paper has: check its spelling"
            )


def _curators(app: App) -> Iterator[Said]:
    """Addresses that are no curator's, by place only, since the findings may be shown to others."""
    for place, address in enumerate(app.settings.community.curators, 1):
        try:
            person = subscriptions.find(app.store, address)
            able = subscriptions.is_curator(person, [address])
        except (InvalidInput, NotFound):
            able = False
        if not able:
            yield _warning(
                f"[community] curators: address {place} is not a confirmed subscriber's, so it "
                "cannot curate: check its spelling, or have its owner subscribe"
            )


def _unheard_of(app: App) -> list[tuple[str, str]]:
    """Topics of the settings, each with a category that neither arXiv nor a source has."""
    arxiv = arxiv_topics()
    given = [each.options.get("categories") for each in app.settings.sources.values()]
    listed = {
        str(one).casefold() for some in given if isinstance(some, list | tuple) for one in some
    }
    return [
        (topic.id, category)
        for topic in app.settings.topics.values()
        for category in topic.categories
        if category.casefold() not in listed and not _is_topic(category, arxiv)
    ]


def _is_topic(key: str, known: Mapping[str, Topic]) -> bool:
    try:
        subscriptions.topic_id(key, known)
    except NotFound:
        return False
    return True


def _sender(app: App) -> Iterator[Said]:
    domain = app.mail_domain
    if domain == "localhost" or "." not in domain:
        yield _warning(f"[mail] from is at {domain}; mail to other people needs a real domain")
    else:
        yield _fine(f"From: {app.site.mail_from}, List-Id: {app.site.list_id}")
    bounce = app.site.bounce_to.rpartition("@")[2]
    if bounce and not (bounce == domain or bounce.endswith("." + domain)):
        yield _warning(
            f"[mail] bounce_to is at {bounce}, not under {domain}: SPF will not align for DMARC"
        )
    if not app.site.unsubscribe_to and not app.site.url:
        yield _warning("set [site] url or [mail] unsubscribe_to, or readers cannot unsubscribe")


def _dkim(app: App) -> Iterator[Said]:
    settings = app.settings.dkim
    if app.signer is None:
        yield _warning("mail is not signed by Digest; fine if your mail server signs it")
        return
    name = f"{settings.selector}._domainkey.{settings.domain}"
    yield _fine(
        f"signing; publish as TXT at {name}: {dkim.public_record(settings.private_key.encode())}"
    )
    if settings.domain != app.mail_domain and not app.mail_domain.endswith("." + settings.domain):
        yield _warning(
            f"[dkim] domain {settings.domain} is not that of From ({app.mail_domain}): "
            "DMARC will not align"
        )


def _site(app: App) -> Iterator[Said]:
    if not app.site.url:
        yield _warning("[site] url is not set: mails carry no unsubscribe or feedback links")
        return
    scheme = urlsplit(app.site.url).scheme
    if scheme != "https":
        yield _warning(f"[site] url is {scheme}: one-click unsubscribe (RFC 8058) needs https")
    else:
        yield _fine(app.site.url)


def _templates(app: App) -> Iterator[Said]:
    _ = app.templates, app.letters
    yield _fine("mails and letters can be made of the templates")


def _mail(app: App) -> Iterator[Said]:
    smtp = app.settings.smtp
    for line in delivery.check(smtp.url, timeout=smtp.timeout, hello=app.mail_domain):
        yield _fine(line)


def _folders(app: App) -> Iterator[Said]:
    """Whether the worker can write to its folders, by writing: permissions alone do not tell."""
    settings = app.settings
    for key, folder in (
        ("[keep] backups", settings.keep.backups),
        ("[worker] publish", settings.worker.publish),
    ):
        if not folder:
            continue
        path = Path(folder).absolute()
        try:
            _try_to_write(path)
        except OSError as error:
            yield _wrong(f"{key}: the folder {path} cannot be written to: {error.strerror}")
        else:
            yield _fine(f"{key}: {path}")


def _try_to_write(folder: Path) -> None:
    """Write a file to the folder, or to the parent it would be made in; raises OSError."""
    maildir.try_to_write(next(each for each in (folder, *folder.parents) if each.exists()))


def _mail_log(app: App) -> Iterator[Said]:
    smtp = app.settings.smtp
    if smtp.maillog:
        delivery.MailLog(Path(smtp.maillog)).check()
        yield _fine(f"after a crash, {smtp.maillog} says what was sent")
    elif delivery.server_of(smtp.url) and _is_here(urlsplit(smtp.url).hostname or ""):
        yield _warning(
            "[smtp] maillog is not set: mail that is being sent when a process dies is sent "
            "again, although the log of a Postfix here could tell whether it was accepted"
        )


def _pace(app: App) -> Iterator[Said]:
    server, caps = delivery.server_of(app.settings.smtp.url), app.caps
    if caps == Caps():
        return
    if server is None:
        yield _warning("[smtp] per_second, per_hour and per_day apply to mail servers only")
        return
    bounds = (
        ("per_second", caps.per_second, 1),
        ("per_hour", caps.per_hour, 3600),
        ("per_day", caps.per_day, 86400),
    )
    given = [(name, most, seconds) for name, most, seconds in bounds if most]
    yield _fine(
        "at most " + ", ".join(f"{most} {name.replace('_', ' ')}" for name, most, _ in given)
    )
    for name, most, seconds in given:
        for larger, bound, span in given:
            if span > seconds and bound < most:
                yield _warning(f"[smtp] {name} = {most} has no effect: {larger} = {bound} is less")
            elif span < seconds and bound * seconds // span < most:
                yield _warning(f"[smtp] {name} = {most} is never reached at {larger} = {bound}")
    readers = app.store.subscribers.by_status().get(Status.ACTIVE, 0)
    if caps.per_day and readers > caps.per_day:
        yield _warning(
            f"[smtp] per_day = {caps.per_day} is less than the {readers} active subscribers: "
            "on a day when all get mail, some digests will be late or expire"
        )


def _inbound(app: App) -> Iterator[Said]:
    settings = app.settings.inbound
    if not (settings.domain or settings.lmtp or settings.imap):
        return
    _ = app.inbound_policy
    if not settings.authserv_id:
        yield _warning(
            "[inbound] authserv_id is not set: nobody can subscribe by mail, and only replies "
            "to our own mails are understood"
        )
    else:
        yield _fine(
            f"{settings.authserv_id} is trusted to say who sent a mail: it must put its line on "
            "top of every mail from outside, also of unsigned ones (docs/mail.md says how)"
        )
    doors = []
    if settings.lmtp:
        lmtp.check(settings.lmtp, secret=app.store.post.secret(lmtp.SECRET))
        doors.append(f"by LMTP at {settings.lmtp}")
    if settings.imap:
        doors.append(f"from the mailbox at {imap.check(settings.imap, settings.imap_folder)}")
    how = " and ".join(doors) or "only by `digest receive`"
    yield _fine(f"mail for {settings.domain} is taken in {how}")
    host = settings.lmtp.rpartition(":")[0].strip("[]")
    if settings.lmtp and not settings.lmtp.startswith("unix:") and not _is_here(host):
        yield _warning(
            f"[inbound] lmtp listens at {settings.lmtp}: whoever can connect there can pretend "
            "to be anybody; keep it on loopback, or let only your mail server connect"
        )


def _embedder(app: App) -> Iterator[Said]:
    embedder = app.embedder
    if embedder is None:
        return
    dimensions = embedder.dimensions
    started = time.perf_counter()
    embedder.texts([SAMPLE] * SAMPLES)
    rate = SAMPLES / (time.perf_counter() - started)
    yield _fine(
        f"{embedder.name.partition(':')[2]}: {dimensions} dimensions, about {rate:.0f} papers a second"
    )


def _is_here(host: str) -> bool:
    return host in ("", "localhost", "::1") or host.startswith("127.")
