"""Commands about one subscriber: who they are, what they want, when they rest, and their leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from digest.cli.context import Context, json_option, pass_context, show_json
from digest.errors import ConfigError

if TYPE_CHECKING:
    from digest.app import App
    from digest.model import Subscriber
    from digest.pipeline.delivering import Delivered

SENDS = "`digest worker` or `digest run` sends"
NO_SITE = (
    "No confirmation mail can be sent while [site] url is not set; "
    "run this again with --confirmed if they agreed."
)
FOLLOW_NOTHING = "They follow nothing yet: --topic, --keyword, --author and --like say what."


@click.command()
@click.argument("email")
@click.option("--topic", "topics", multiple=True, help="Follow a topic, such as cs.LG. Repeatable.")
@click.option("--keyword", "keywords", multiple=True, help="Follow a word or phrase. Repeatable.")
@click.option("--author", "authors", multiple=True, help="Follow an author. Repeatable.")
@click.option(
    "--like", "likes", multiple=True, help="A paper they like: arXiv id or DOI. Repeatable."
)
@click.option("--query", "queries", multiple=True, help="Follow a saved search. Repeatable.")
@click.option("--mute", "mutes", multiple=True, help="Hide papers that contain this. Repeatable.")
@click.option("--mute-author", "mute_authors", multiple=True, help="Hide an author. Repeatable.")
@click.option("--mute-topic", "mute_topics", multiple=True, help="Hide a topic. Repeatable.")
@click.option(
    "--weight", type=float, help="Weight of the interests named here, 0.1 to 5. Default: 1."
)
@click.option("--at", help="Local time of delivery, such as 7:30.")
@click.option("--tz", help="Time zone, such as Europe/Berlin.")
@click.option("--cadence", help="daily, weekdays, weekly, or the name of a day.")
@click.option("--limit", type=int, help="How many papers to show in full.")
@click.option(
    "--quiet", type=click.Choice(["line", "nothing"]), help="What to send on a quiet day."
)
@click.option(
    "--floor", help="Show in full only likely papers: any, likely, sure, or a chance from 0 to 1."
)
@click.option("--name", help="Their name, for papers they submit.")
@click.option(
    "--show-name/--hide-name", "shows_name", default=None, help="Whether others see that name."
)
@click.option(
    "--confirmed",
    is_flag=True,
    help="They have already agreed: send no confirmation mail, and lift a suppression.",
)
@json_option
@pass_context
def subscribe(
    context: Context, /, email: str, as_json: bool, confirmed: bool, **wishes: object
) -> None:
    """Add a subscriber, or add interests to a known one."""
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        app.create()
        person = subscriptions.subscribe(
            app.store,
            email,
            subscriptions.Wishes(**wishes),  # type: ignore[arg-type]  # click's options are its fields
            topics=app.settings.topics,
            defaults=app.newcomer,
            confirmed=confirmed,
            now=app.clock(),
        )
        said, wrong = NO_SITE, None
        if person.status == "pending" and app.site.url:
            said, wrong = _ask(app, person)
        if as_json:
            show_json(row(person))
        else:
            click.echo(f"{person.email} is {person.status}, {described(person)}.")
            if person.status == "pending":
                click.echo(said)
            (profile,) = app.store.subscribers.profiles([person.id])
            if not profile.interests:
                click.echo(FOLLOW_NOTHING)
        if wrong is not None:
            raise wrong


@click.command()
@click.argument("email")
@pass_context
def unsubscribe(context: Context, email: str) -> None:
    """End a subscription."""
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        person = subscriptions.find(app.store, email)
        person = subscriptions.unsubscribe(app.store, person, now=app.clock())
        click.echo(f"{person.email} is {person.status}.")


@click.command()
@click.argument("email")
@click.argument("span", nargs=-1)
@pass_context
def pause(context: Context, email: str, span: tuple[str, ...]) -> None:
    """Pause a subscriber's digests: `2 weeks`, `a month`, `until 2026-12-24`, `until monday`.

    Without SPAN the pause lasts until `digest resume`.
    """
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        person, now = subscriptions.find(app.store, email), app.clock()
        until = subscriptions.parse_span(" ".join(span), now, tz=person.tz) if span else None
        person = subscriptions.pause(app.store, person, until=until, now=now)
        click.echo(f"{person.email} is paused {_until(person)}.")


@click.command()
@click.argument("email")
@pass_context
def resume(context: Context, email: str) -> None:
    """End a pause; the next digest comes at the next local hour."""
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        person = subscriptions.find(app.store, email)
        person = subscriptions.resume(app.store, person, now=app.clock())
        click.echo(f"{person.email} is {person.status}, {described(person)}.")


@click.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask again.")
@pass_context
def forget(context: Context, email: str, yes: bool) -> None:
    """Erase a subscriber and all that is kept about them, except a salted hash of the address."""
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        person = subscriptions.find(app.store, email)
        if not yes:
            click.confirm(f"Erase {person.email}, with digests and answers, for good?", abort=True)
        subscriptions.erase(app.store, person, now=app.clock())
        click.echo("They are forgotten.")


@click.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Print everything kept about them as JSON.")
@pass_context
def show(context: Context, email: str, as_json: bool) -> None:
    """Show a subscriber's schedule and what Digest thinks they like, with the evidence."""
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        person = subscriptions.find(app.store, email)
        if as_json:
            show_json(subscriptions.export(app.store, person))
            return
        status = f"paused {_until(person)}" if person.status == "paused" else str(person.status)
        click.echo(f"{person.email} is {status}, {described(person)}.")
        if person.name:
            click.echo(f"{person.name} ({'shown' if person.shows_name else 'not shown'} to others)")
        for each in subscriptions.evidence_of(app.store, person):
            said = ", ".join(f"{word.kind} on {word.at:%Y-%m-%d}" for word in each.feedback)
            line = f"  {each.interest.kind:<12}{each.interest.weight:<5g}{each.interest.value}"
            click.echo(f"{line}  ({said})" if said else line)


def _ask(app: App, person: Subscriber) -> tuple[str, ConfigError | None]:
    """Mail somebody the link that confirms: what became of it, and what is set up wrongly."""
    done, wrong = None, None
    try:
        done = app.send_confirmation(person)
    except ConfigError as error:
        wrong = error
    return _about_the_mail(done, waits=_waits(app, person)), wrong


def _about_the_mail(done: Delivered | None, *, waits: bool) -> str:
    """In words; `done` is None where something has to be put right first."""
    if done is None and waits:
        return f"The confirmation mail waits; {SENDS} it once that is put right."
    if done is None:
        return "No confirmation mail could be written; run this again once that is put right."
    return _still_waiting(done) if waits else _gone(done)


def _still_waiting(done: Delivered) -> str:
    """Of a letter that is still to be sent; what hindered others is not said of it."""
    cause = _causes(done)
    if done.cut_short:
        return f"The mail server is away{cause}; {SENDS} the confirmation mail when it is back."
    cause = cause if _tried(done) == 1 else ""
    return f"The mail server has not taken the confirmation mail yet{cause}; {SENDS} it."


def _gone(done: Delivered) -> str:
    """Of one that is settled: refused for sure where nothing else was tried with it."""
    if done.refused and _tried(done) == 1:
        return (
            f"The mail server refuses the confirmation mail{_causes(done)}: is the address right?"
        )
    if done.refused:
        return (
            "The confirmation mail went to the mail server with others that were due; "
            f"{done.refused} of these {_tried(done)} it refuses{_causes(done)}."
        )
    return "A confirmation mail is on its way."


def _tried(done: Delivered) -> int:
    return done.accepted + done.deferred + done.expired + done.refused


def _causes(done: Delivered) -> str:
    return f" ({'; '.join(done.causes)})" if done.causes else ""


def _waits(app: App, person: Subscriber) -> bool:
    return any(each.kind == "confirm" for each in app.store.post.waiting_for(person.email))


def _until(person: Subscriber) -> str:
    """Until when a pause lasts, in the subscriber's own time."""
    if person.paused_until is None:
        return "until resumed"
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - keeps `--help` quick

    return f"until {person.paused_until.astimezone(ZoneInfo(person.tz)):%Y-%m-%d %H:%M}"


def described(person: Subscriber) -> str:
    """A subscriber's schedule in words."""
    cadence = str(person.cadence)
    if cadence == "weekly":
        from digest.subscriptions import WEEKDAYS  # noqa: PLC0415 - keeps `--help` quick

        cadence = f"weekly on {WEEKDAYS[person.weekday].capitalize()}"
    floor = f", chance of {person.floor:.0%} or more" if person.floor else ""
    return f"{cadence} at {person.at:%H:%M} {person.tz}, {person.limit} papers{floor}"


def row(person: Subscriber) -> dict[str, object]:
    """A subscriber as plain values, without the secret key."""
    return {
        "id": person.id,
        "email": person.email,
        "status": str(person.status),
        "at": f"{person.at:%H:%M}",
        "tz": person.tz,
        "cadence": str(person.cadence),
        "limit": person.limit,
        "quiet": str(person.quiet),
        "floor": person.floor,
        "created_at": person.created_at,
        "due_at": person.due_at,
    }


COMMANDS = (subscribe, unsubscribe, pause, resume, forget, show)
