"""`digest demo`: all steps from listing to mail, with shipped listings or today's arXiv."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from importlib.abc import Traversable
from pathlib import Path

from digest import subscriptions
from digest.app import App, utcnow
from digest.config import load
from digest.errors import FetchFailed
from digest.model import Listing, Mood, SourceReport, Subscriber, Verdict
from digest.pipeline import ingesting, trending

RECORDED = ("2026-06-09", "2026-06-10", "2026-06-11")
BEGUN = "demo"
CATEGORIES = ("cs.IR", "cs.CL", "cs.LG", "q-bio.NC", "math.OC", "stat.ML")
FORMS = (".html", ".txt", ".eml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One of the demo's three readers."""

    email: str
    about: str
    wishes: subscriptions.Wishes


PERSONAS = (
    Persona(
        email="ada@demo.example",
        about="information retrieval",
        wishes=subscriptions.Wishes(
            topics=["retrieval", "cs.CL"],
            keywords=["dual encoder", "generative retrieval"],
            likes=["2606.90001"],
            limit=5,
        ),
    ),
    Persona(
        email="noor@demo.example",
        about="computational neuroscience",
        wishes=subscriptions.Wishes(
            topics=["q-bio.NC"],
            keywords=["calcium imaging", "spiking"],
            likes=["2606.90020"],
            tz="Asia/Amman",
            limit=5,
        ),
    ),
    Persona(
        email="tomas@demo.example",
        about="optimisation and learning theory",
        wishes=subscriptions.Wishes(
            topics=["math.OC", "stat.ML"],
            keywords=["stochastic gradient", "convergence"],
            mutes=["benchmark"],
            tz="Europe/Prague",
            limit=5,
        ),
    ),
)


def run(folder: Path, *, live: bool, now: datetime | None = None) -> Iterator[str]:
    """Run the demo in a folder and yield its output by lines; running it again changes nothing.

    The recorded lists are read as those of the three days up to `now` (default: the clock), so
    that the links in the mails are valid. Raises FetchFailed when `live` and arXiv cannot be
    reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = _settings(folder, live=live)
    file = folder / "digest.toml"
    file.write_text(_as_toml(settings), encoding="utf-8")
    if live:
        settings["sources.arxiv.categories"] = list(CATEGORIES)
    moment = [now or utcnow()]
    with App(load(file, overrides=settings), clock=lambda: moment[0]) as app:
        app.create()
        people = [_subscribe(app, persona) for persona in PERSONAS]
        yield f"Subscribed {len(people)} readers: " + "; ".join(
            f"{each.email} ({each.about})" for each in PERSONAS
        )
        if live:
            yield from _live(app)
            edition = None
        else:
            yield from _replay(app, moment)
            edition = _day(moment[0])
        yield from _show(app, folder, people, edition)


def _settings(folder: Path, *, live: bool) -> dict[str, object]:
    """The demo's own settings by dotted key."""
    place = folder.resolve()
    return {
        "db": str(place / ("live.db" if live else "digest.db")),
        "site.url": "http://127.0.0.1:8000",
        "mail.from": "digest@demo.example",
        "mail.unsubscribe_to": "unsubscribe@demo.example",
        "smtp.url": f"maildir:{place / 'maildir'}",
        "worker.publish": str(place / "public"),
        "keep.backups": str(place / "backups"),
    }


def _as_toml(settings: dict[str, object]) -> str:
    """The settings as a file, so that other commands can use the demo's database."""
    lines = ["# Made by `digest demo`. Look around with: digest --config THIS-FILE COMMAND"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(lines) + "\n"


def _subscribe(app: App, persona: Persona) -> Subscriber:
    return subscriptions.subscribe(
        app.store,
        persona.email,
        persona.wishes,
        topics=app.settings.topics,
        defaults=app.newcomer,
        confirmed=True,
        now=app.clock(),
    )


def _replay(app: App, moment: list[datetime]) -> Iterator[str]:
    """Run three mornings, one after the other, to show that no paper is sent twice."""
    sample = resources.files("digest.sample")
    begun = app.store.sources.cursor(BEGUN)
    last = datetime.fromisoformat(begun) if begun else moment[0]
    app.store.sources.set_cursor(BEGUN, last.isoformat())
    for ago, recorded in zip((2, 1, 0), RECORDED, strict=True):
        moment[0] = last - timedelta(days=ago)
        reports = [_ingest(app, "arxiv", sample / f"arxiv-{recorded}.xml")]
        if ago == 0:
            reports.append(_ingest(app, "huggingface", sample / f"huggingface-{recorded}.json"))
            trending.refresh(app.store, now=app.clock())
        day = _day(moment[0])
        composed = app.compose_edition(day)
        delivered = app.deliver()
        read = ", ".join(
            f"{each.read} from {each.source} ({each.papers} new, {each.merged} known)"
            for each in reports
        )
        yield f"{day}: read {read}; {composed.digests} digests, {delivered.accepted} delivered"


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _ingest(app: App, source: str, file: Traversable) -> SourceReport:
    listing = Listing(
        source=source, url="", body=file.read_bytes(), place=file.name, fetched_at=app.clock()
    )
    return ingesting.ingest_listing(app.store, app.source(source), listing, now=app.clock())


def _live(app: App) -> Iterator[str]:
    reports = app.ingest(only="arxiv", force=True)
    failed = [each for each in reports if each.verdict in (Verdict.FAILED, Verdict.GONE)]
    if failed:
        raise FetchFailed(
            f"arXiv could not be reached ({failed[0].cause.rstrip('.')}). "
            "`digest demo` without --live needs no network.",
            subject="arxiv",
        )
    for each in reports:
        yield f"arXiv {each.place}: {each.verdict}, {each.read} read, {each.papers} new papers"
    if not any(each.read for each in reports):
        yield "arXiv published no list today (weekends and holidays): the digests will say so."
    app.learn()
    composed = app.compose_edition(None)
    yield f"{composed.digests} digests, {app.deliver().accepted} delivered"


def _show(app: App, folder: Path, people: list[Subscriber], edition: str | None) -> Iterator[str]:
    """Write the latest edition's mails as files, publish the feeds, and say where to look."""
    emails = folder / "emails"
    emails.mkdir(exist_ok=True)
    best: list[str] = []
    for person in people:
        look = app.look(person.email, edition)
        name = f"{look.digest.edition}-{person.email.partition('@')[0]}"
        for form in FORMS:
            (emails / f"{name}{form}").write_bytes(app.preview(look, form=form))
        if look.digest.mood is Mood.PICKS:
            first = look.digest.picks[0]
            best.append(f"  {name}.html: {look.material.papers[first.paper_id].title}")
    published = app.publish(folder / "public")
    dated = f" --date {edition}" if edition else ""
    yield ""
    yield f"Emails    {emails}  (.html to look at, .eml for a mail program, .txt)"
    yield from best
    yield f"Mailbox   {folder / 'maildir'}  (a Maildir: mutt -f {folder / 'maildir'})"
    yield f"Feeds     {folder / 'public' / 'feeds'}  ({published.feeds} feeds, OPML beside them)"
    yield f"Database  {app.settings.db}  (SQLite: open it in Datasette)"
    yield f"Look on   digest --config {folder / 'digest.toml'} rank {PERSONAS[0].email}{dated}"
    yield f"          digest --config {folder / 'digest.toml'} web    (then open {app.site.url}: the links in the emails work)"
