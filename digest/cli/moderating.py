"""Commands about what readers submit, and about bounces and complaints."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from digest.cli.context import Context, json_option, pass_context, show_json
from digest.text import clean

if TYPE_CHECKING:
    from digest.app import App
    from digest.model import Evidence, Submission

MOST_SHOWN = 1_000
DAYS = 90


@click.group(invoke_without_command=True)
@click.pass_context
def submissions(click_context: click.Context) -> None:
    """List the papers that readers submitted, and feature or reject them."""
    if click_context.invoked_subcommand is None:
        click_context.invoke(list_)


@submissions.command("list")
@click.option("--all", "everything", is_flag=True, help="Include those already decided.")
@json_option
@pass_context
def list_(context: Context, everything: bool = False, as_json: bool = False) -> None:
    """List submissions of the last 90 days that await a decision."""
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        since = app.clock() - timedelta(days=DAYS)
        if everything:
            found = app.store.community.submissions(since=since, limit=MOST_SHOWN)
        else:
            found = subscriptions.undecided(app.store, since=since, limit=MOST_SHOWN)
        titles = {
            paper_id: paper.title
            for paper_id, paper in app.store.papers.get({each.paper_id for each in found}).items()
        }
        if as_json:
            show_json([_submission_row(each, titles) for each in found])
            return
        for each in found:
            click.echo(f"{each.id}  {each.state}  {each.at:%Y-%m-%d}  {each.paper_id}")
            click.echo(f"    {titles.get(each.paper_id, 'not fetched yet')}")
            if each.line:
                click.echo(f"    “{each.line}”")
        if not found:
            click.echo(
                f"Nothing was submitted in the last {DAYS} days."
                if everything
                else "Nothing waits for a decision."
            )


@submissions.command()
@click.argument("submission_id", metavar="ID")
@click.option("--line", help='A line shown with the paper to everyone; "" removes it.')
@pass_context
def feature(context: Context, submission_id: str, line: str | None) -> None:
    """Feature a submitted paper: everyone sees it among the picks."""
    with context.app() as app:
        _decide(app, submission_id, feature=True, line=line)


@submissions.command()
@click.argument("submission_id", metavar="ID")
@click.option(
    "--line",
    help='A line for the submitter, which curators see in the log; "" removes it.',
)
@pass_context
def reject(context: Context, submission_id: str, line: str | None) -> None:
    """Reject a submitted paper: nobody sees it."""
    with context.app() as app:
        _decide(app, submission_id, feature=False, line=line)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Include those already dealt with.")
@json_option
@pass_context
def bounces(context: Context, everything: bool, as_json: bool) -> None:
    """List the bounces, complaints and unreadable mail that are kept, newest first."""
    with context.app() as app:
        found = app.store.post.evidences(unsettled=not everything, limit=MOST_SHOWN)
        people = app.store.subscribers.get({each.subscriber_id for each in found})
        emails = {each.id: each.email for each in people.values()}
        if as_json:
            show_json([_evidence_row(each, emails) for each in found])
            return
        for each in found:
            who = emails.get(each.subscriber_id, "nobody known")
            settled = "  settled" if each.settled_at else ""
            click.echo(f"{each.id}  {each.kind}  {each.at:%Y-%m-%d}  {who}{settled}")
            if words := clean(f"{each.status} {each.detail}"):
                click.echo(f"    {words}")
        if not found:
            click.echo(
                "Nothing that came back is kept."
                if everything
                else "Nothing waits to be dealt with."
            )


@click.command()
@click.argument("evidence_id", metavar="EVIDENCE")
@pass_context
def restore(context: Context, evidence_id: str) -> None:
    """Undo what a bounce or complaint listed by `digest bounces` did."""
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        person = subscriptions.undo_bounce(app.store, evidence_id, now=app.clock())
        if person is None:
            click.echo("Settled; nobody was concerned.")
        else:
            click.echo(f"{person.email} is {person.status}.")


def _decide(app: App, submission_id: str, *, feature: bool, line: str | None) -> None:
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    decided = subscriptions.decide(
        app.store, None, submission_id, feature=feature, line=line, now=app.clock()
    )
    click.echo(f"{decided.paper_id} is {decided.state}.")


def _submission_row(submission: Submission, titles: dict[str, str]) -> dict[str, object]:
    return {
        "id": submission.id,
        "state": str(submission.state),
        "paper": submission.paper_id,
        "title": titles.get(submission.paper_id, ""),
        "line": submission.line,
        "at": submission.at,
        "curator_line": submission.curator_line,
        "decided_at": submission.decided_at,
    }


def _evidence_row(evidence: Evidence, emails: dict[str, str]) -> dict[str, object]:
    return {
        "id": evidence.id,
        "kind": str(evidence.kind),
        "email": emails.get(evidence.subscriber_id, ""),
        "digest": evidence.digest_id,
        "status": evidence.status,
        "detail": evidence.detail,
        "at": evidence.at,
        "settled_at": evidence.settled_at,
    }


COMMANDS = (submissions, bounces, restore)
