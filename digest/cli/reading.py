"""Commands that look: rank, preview, search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.cli.context import Context, edition_option, json_option, pass_context, show_json
from digest.cli.files import replacing
from digest.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digest.model import Digest
    from digest.pipeline.explaining import Stood, Why
    from digest.ranking.explain import Because

MOST_AUTHORS = 5
WAITS = "what waits to be sent"
FATES: dict[str | None, str] = {
    None: "what was kept without a mail",
    "sent": "what was sent",
    "failed": "what was composed, but not delivered",
    "expired": "what was composed, but not delivered",
}


@click.command()
@click.argument("email")
@edition_option(what=", ranked as of now")
@click.option(
    "--limit", type=click.IntRange(1), help="Show at most this many. Default: all that are listed."
)
@click.option(
    "--why",
    "named",
    metavar="ID",
    help="Explain the score of this paper (arXiv id or DOI) term by term, picked or not.",
)
@json_option
@pass_context
def rank(
    context: Context,
    email: str,
    edition: str | None,
    limit: int | None,
    named: str | None,
    as_json: bool,
) -> None:
    """Rank an edition's papers for one subscriber, best first, with scores, chances and reasons."""
    from digest.rendering.views import reckoned  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        if named:
            why = app.why(email, edition, named)
            because = app.because(why.material)
            if as_json:
                show_json(_explained(why, because))
            else:
                click.echo("\n".join(_sum_of(why, because)))
            return
        look = app.look(email, edition)
        papers, because = look.material.papers, app.because(look.material)
        picks = look.picks[:limit]
        rest = look.rest[: limit and limit - len(picks)]
        if as_json:
            show_json(
                [
                    {
                        "id": pick.paper_id,
                        "title": papers[pick.paper_id].title,
                        "reasons": because.sentences(pick),
                        **reckoned(pick),
                    }
                    for pick in picks
                ]
                + [{"id": each, "title": papers[each].title} for each in rest]
            )
            return
        click.echo(_what_happened(look.digest))
        if look.kept is not None:
            command = f"digest preview {email} --date {look.digest.edition}"
            click.echo(f"Ranked anew, as of now; `{command}` shows what was composed then.")
        if picks:
            click.echo(f"{'':3}  {'score':>6}  {'chance':>6}  paper")
        for number, pick in enumerate(picks, 1):
            title = papers[pick.paper_id].title
            click.echo(f"{number:>3}  {pick.score:>6.3f}  {pick.chance:>6.0%}  {title}")
            click.echo(f"{'':21}{because(pick)}  [{pick.paper_id}]")
        for number, each in enumerate(rest, len(picks) + 1):
            click.echo(f"{number:>3}{'':18}{papers[each].title}  [{each}]")


@click.command()
@click.argument("email")
@edition_option(default="today's, ranked as of now", what=", as it was composed, if it was")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, ending in .html, .eml or .txt. Default: print the text.",
)
@pass_context
def preview(context: Context, email: str, edition: str | None, out: Path | None) -> None:
    """Show the email a subscriber would get, or got for a past edition. Nothing is kept or sent."""
    form = out.suffix.lower() if out else ".txt"
    if form not in (".html", ".eml", ".txt"):
        raise InvalidInput("A preview is written to a file ending in .html, .eml or .txt.")
    with context.app() as app:
        look = app.look_back(email, edition) if edition else app.look(email, None)
        content = app.preview(look, form=form)
        if out is None:
            click.echo(content.decode())
            return
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as part:
            part.write_bytes(content)
        click.echo(f"Wrote {out}")


@click.command()
@click.argument("query")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Show at most this many.",
)
@json_option
@pass_context
def search(context: Context, query: str, limit: int, as_json: bool) -> None:
    """Find papers by words, by what they are about, or by a pasted title or abstract."""
    from digest.pipeline import searching  # noqa: PLC0415 - keeps `digest --help` quick

    with context.app() as app:
        found = searching.search(app.store, query, limit=limit, nearness=app.nearness)
        if as_json:
            show_json(
                [
                    {
                        "id": paper.id,
                        "title": paper.title,
                        "authors": paper.authors,
                        "categories": paper.categories,
                        "url": paper.url,
                        "score": round(score, 4),
                    }
                    for paper, score in found
                ]
            )
            return
        for paper, _ in found:
            click.echo(paper.title)
            people = ", ".join(paper.authors[:MOST_AUTHORS])
            people += " and others" if len(paper.authors) > MOST_AUTHORS else ""
            facts = (people, " ".join(paper.categories), paper.url or paper.id)
            click.echo(f"    {' · '.join(filter(None, facts))}")
        if not found:
            click.echo("Nothing found.")


def _what_happened(digest: Digest) -> str:
    return (
        f"Edition of {digest.edition}: {digest.announced} announced, {digest.matched} match, "
        f"{digest.withheld} sent before."
    )


def _sum_of(why: Why, because: Because) -> Iterator[str]:
    """The sum of a paper's score as a table: terms, and what each of their words gave."""
    found = why.explanation
    yield f"Edition of {why.digest.edition}: {_before(why.stood)}{_standing(why)}."
    yield f"{why.paper.title}  [{why.paper.id}]"
    yield ""
    for term, words in found.parted:
        yield f"{term.amount:>+12.6f}  {term.kind:<9} {because.term(term)}"
        for word, part in (each for each in words if round(each[1], 6)):
            yield f"{'':24}{part:>+10.6f}  {word}"
    yield f"{'-' * 12}"
    yield f"{found.score:>+12.6f}  score: a chance of {found.chance:.1%} that they want it"


def _explained(why: Why, because: Because) -> dict[str, object]:
    """The same for a script."""
    found = why.explanation
    return {
        "id": why.paper.id,
        "title": why.paper.title,
        "edition": why.digest.edition,
        "place": found.rank,
        "of": why.listed,
        "shown": why.is_shown,
        "barred": found.barred,
        "stood": why.stood
        and {
            "place": why.stood.place,
            "shown": why.stood.shown,
            "state": why.stood.state or "kept",
        },
        "score": found.score,
        "chance": round(found.chance, 4),
        "terms": [
            {
                "kind": str(term.kind),
                "what": term.what,
                "amount": term.amount,
                "reason": because.term(term),
                "words": [{"word": word, "amount": part} for word, part in words],
            }
            for term, words in found.parted
        ],
    }


def _before(stood: Stood | None) -> str:
    if stood is None:
        return ""
    place = f"number {stood.place}" if stood.shown else "only a title" if stood.place else "not"
    return f"{place} in {FATES.get(stood.state, WAITS)}; ranked again as of now: "


def _standing(why: Why) -> str:
    found, floor = why.explanation, why.subscriber.floor
    if found.barred or not found.rank:
        return f"not in it, since {found.barred}"
    place = f"place {found.rank} of {why.listed}"
    if why.is_shown:
        return f"{place}, shown in full"
    if found.rank <= why.subscriber.limit and found.chance < floor:
        return f"{place}, only a title: its chance is below their floor of {floor:.0%}"
    return f"{place}, only a title"


COMMANDS = (rank, preview, search)
