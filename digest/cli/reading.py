"""Commands that look: rank, preview, search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.cli.context import Context, edition_option, json_option, pass_context, show_json
from digest.errors import InvalidInput

if TYPE_CHECKING:
    from digest.model import Digest

MOST_AUTHORS = 5


@click.command()
@click.argument("email")
@edition_option()
@click.option("--limit", type=click.IntRange(1), help="Show this many. Default: all that match.")
@json_option
@pass_context
def rank(
    context: Context, email: str, edition: str | None, limit: int | None, as_json: bool
) -> None:
    """The papers of an edition for one subscriber, best first, with scores and reasons."""
    with context.app() as app:
        look = app.look(email, edition)
        papers, because = look.material.papers, app.because(look.material)
        picks = look.picks[:limit] if limit else look.picks
        if as_json:
            show_json(
                [
                    {
                        "id": pick.paper_id,
                        "title": papers[pick.paper_id].title,
                        "score": round(pick.score, 6),
                        "reasons": because.sentences(pick),
                        "terms": [
                            {
                                "kind": str(term.kind),
                                "what": term.what,
                                "amount": round(term.amount, 6),
                            }
                            for term in pick.reasons
                        ],
                    }
                    for pick in picks
                ]
            )
            return
        click.echo(_what_happened(look.digest))
        for number, pick in enumerate(picks, 1):
            click.echo(f"{number:>3}  {pick.score:.3f}  {papers[pick.paper_id].title}")
            click.echo(f"            {because(pick)}  [{pick.paper_id}]")


@click.command()
@click.argument("email")
@edition_option()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file ending in .html, .eml or .txt. Default: the text, here.",
)
@pass_context
def preview(context: Context, email: str, edition: str | None, out: Path | None) -> None:
    """The email that one subscriber would get for an edition. Nothing is kept or sent."""
    form = out.suffix.lower() if out else ".txt"
    if form not in (".html", ".eml", ".txt"):
        raise InvalidInput("A preview is written to a file ending in .html, .eml or .txt.")
    with context.app() as app:
        content = app.preview(app.look(email, edition), form=form)
        if out is None:
            click.echo(content.decode())
            return
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
        click.echo(f"Wrote {out}")


@click.command()
@click.argument("query")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Show this many.",
)
@json_option
@pass_context
def search(context: Context, query: str, limit: int, as_json: bool) -> None:
    """Find papers by words in title, abstract and authors, or by a pasted title or abstract."""
    from digest.pipeline import searching  # noqa: PLC0415 - keeps `digest --help` quick

    with context.app() as app:
        found = searching.search(app.store, query, limit=limit)
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
        f"Edition of {digest.edition}: {digest.announced} announced, {digest.matched} in the "
        f"profile, {digest.withheld} sent before."
    )


COMMANDS = (rank, preview, search)
